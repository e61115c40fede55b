"""What callers see of an attention item: why a human is called, and how it ended."""

from datetime import datetime
from typing import Self

from pydantic import Field

from retender.domain.model.attention import AttentionItem, Ending
from retender.entrypoints.views.view import View


class EndingView(View):
    """How, why and by whom an attention item was ended."""

    at: datetime
    resolution: str = Field(
        description="dead, refunded, retry, noted, or settled: it ended by itself"
    )
    why: str
    by: str

    @classmethod
    def of(cls, ending: Ending) -> Self:
        """Show it."""
        return cls(at=ending.at, resolution=ending.resolution, why=ending.why, by=ending.by)


class AttentionItemView(View):
    """Something that waits, or waited, for a human."""

    attention_id: str
    code: str = Field(description="branch on this", examples=["UNKNOWN_TOO_LONG"])
    account: str = Field(description="the provider account; empty for an event")
    number: str = Field(description="the provider-side number; of an event, its id")
    at: datetime
    source: str = Field(description="who said it: notice, query, close; or the rule that calls")
    data: dict[str, str] = Field(description="what was claimed, or what is known")
    about: str | None = Field(description="attempt, refund or event; null for what is not ours")
    subject: str | None = Field(description="the attempt_id, refund_no or event_id")
    order_no: str | None
    ending: EndingView | None = Field(description="null while it waits")

    @classmethod
    def of(cls, item: AttentionItem) -> Self:
        """Show it."""
        return cls(
            attention_id=item.attention_id,
            code=item.code,
            account=item.account,
            number=item.number,
            at=item.at,
            source=item.source,
            data=item.data,
            about=item.about,
            subject=item.subject,
            order_no=item.order_no,
            ending=None if item.ending is None else EndingView.of(item.ending),
        )
