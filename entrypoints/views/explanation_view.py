"""What callers see of an order explained: the summary, then every decision with its evidence."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, JsonValue

from retender.domain.model.order_story import OrderStory
from retender.domain.model.order_summary import OpenEnd, OrderSummary
from retender.domain.model.story import StoryEntry
from retender.entrypoints.views.attention_item_view import AttentionItemView
from retender.entrypoints.views.event_view import EventView
from retender.entrypoints.views.facts_view import facts_view
from retender.entrypoints.views.money_view import MoneyView
from retender.entrypoints.views.order_view import AttemptView, OrderView
from retender.entrypoints.views.refund_view import RefundView
from retender.entrypoints.views.view import View
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.speaker import Speaker


class LineView(View):
    """One thing that was done or learnt, with its reason."""

    seq: int = Field(description="1 for the order's first line, in the order of writing")
    at: datetime
    after_ms: int = Field(description="milliseconds since the order was placed")
    kind: str = Field(description="what it is about; branch on this", examples=["page.reused"])
    what: str = Field(
        description="in the language of `Content-Language`",
        examples=["stored qr page of wechat_pay handed out again"],
    )
    why: str = Field(description="the evidence or rule behind it")
    facts: dict[str, JsonValue] = Field(
        description="the same for machines, by name; amounts and times as everywhere"
    )

    @classmethod
    def of(cls, seq: int, entry: StoryEntry, start: datetime, speaker: Speaker) -> Self:
        """Show it."""
        what, why = speaker.line(entry.fact)
        return cls(
            seq=seq,
            at=entry.at,
            after_ms=(entry.at - start) // timedelta(milliseconds=1),
            kind=entry.kind,
            what=what,
            why=why,
            facts=facts_view(entry.fact),
        )


class OpenEndView(View):
    """Something that has not come to its end."""

    of: str = Field(description="order, attempt or refund", examples=["refund"])
    state: str = Field(examples=["SENT"])
    attempt_id: str | None = None
    refund_no: str | None = None
    look_at: datetime | None = Field(
        None, description="when the worker looks next; null for a STUCK refund: an operator must"
    )
    until: datetime | None = Field(None, description="until when it may be paid, if known")

    @classmethod
    def of_end(cls, end: OpenEnd) -> Self:
        """Show it."""
        return cls(
            of=end.of,
            state=end.state,
            attempt_id=end.attempt.attempt_id if end.attempt else None,
            refund_no=end.refund.refund_no if end.refund else None,
            look_at=end.look_at,
            until=end.until,
        )


class SummaryView(View):
    """Who won and by which evidence, what is kept, what went back, what is still open."""

    state: str = Field(description="of the order", examples=["PAID"])
    winner: str | None = Field(description="the attempt_id of the attempt that paid the order")
    evidence: LineView | None = Field(description="the answer or notice that made it the winner")
    due: MoneyView
    taken: MoneyView = Field(description="by providers, however often")
    given_back: MoneyView
    going_back: MoneyView = Field(description="on its way back, or stuck; part of what is kept")
    kept: MoneyView = Field(description="taken less given_back")
    open: list[OpenEndView] = Field(description="empty at rest")


class ExplainedAttemptView(View):
    """One try to pay, and all that was decided about it."""

    attempt: AttemptView
    page_until: datetime | None = Field(description="until when its stored page works")
    watch_until: datetime = Field(description="before this, `not found` proves nothing")
    looks: int = Field(description="how often the worker has asked")
    next_look_at: datetime | None = Field(description="null once it is final")
    lines: list[LineView]


class ExplanationView(View):
    """Why an order is as it is. Lines of all parts, put together, count up in ``seq``."""

    order: OrderView
    summary: SummaryView
    lines: list[LineView] = Field(description="what concerns the order as a whole")
    attempts: list[ExplainedAttemptView]
    refunds: list[RefundView]
    events: list[EventView] = Field(description="what the shop is told")
    attention: list[AttentionItemView] = Field(description="what of it waits for a human now")

    @classmethod
    def of(cls, story: OrderStory, language: Language = Language.ENGLISH) -> Self:
        """Show it, with the sentences in a language."""
        start, speaker = story.order.created_at, Speaker(language)
        numbered = [
            (entry, LineView.of(seq, entry, start, speaker))
            for seq, entry in enumerate(story.entries, 1)
        ]
        return cls(
            order=OrderView.of(story.order),
            summary=_summary(story, numbered),
            lines=[line for entry, line in numbered if entry.attempt_id is None],
            attempts=[
                ExplainedAttemptView(
                    attempt=AttemptView.of(attempt, story.order),
                    page_until=attempt.page_until,
                    watch_until=attempt.watch_until,
                    looks=attempt.checks,
                    next_look_at=attempt.next_check_at,
                    lines=[line for e, line in numbered if e.attempt_id == attempt.attempt_id],
                )
                for attempt in story.attempts
            ],
            refunds=[RefundView.of(refund) for refund in story.refunds],
            events=[EventView.of(event) for event in story.events],
            attention=[AttentionItemView.of(item) for item in story.attention],
        )


def _summary(story: OrderStory, numbered: Iterable[tuple[StoryEntry, LineView]]) -> SummaryView:
    summary = OrderSummary.of(story)
    return SummaryView(
        state=story.order.state,
        winner=summary.winner.attempt_id if summary.winner else None,
        evidence=next((line for entry, line in numbered if entry is summary.evidence), None),
        due=MoneyView.of(story.order.amount),
        taken=MoneyView.of(summary.taken),
        given_back=MoneyView.of(summary.given_back),
        going_back=MoneyView.of(summary.going_back),
        kept=MoneyView.of(summary.kept),
        open=[OpenEndView.of_end(end) for end in summary.open_ends],
    )
