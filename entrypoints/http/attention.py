"""Routes of what waits for a human: look, and nothing else; it is ended on the command line."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import Field

from retender.domain.model.attention_errors import AttentionNotExist
from retender.domain.model.resolutions import Option
from retender.domain.use_cases.list_attention import Attention
from retender.domain.use_cases.show_attention import AttentionCase
from retender.entrypoints import addresses
from retender.entrypoints.http import examples
from retender.entrypoints.http.attention_item_view import AttentionItemView
from retender.entrypoints.http.cases import Given
from retender.entrypoints.http.documented import answered, told
from retender.entrypoints.http.explained import ExplanationView
from retender.entrypoints.http.views import View

router = APIRouter(tags=["attention"])


class WaitingView(View):
    """How much of one code waits."""

    code: str = Field(examples=["UNKNOWN_TOO_LONG"])
    count: int
    since: datetime = Field(description="when the oldest was met")


class AttentionView(View):
    """What waits for a human."""

    at: datetime
    count: int = Field(description="how many wait, listed or not")
    waiting: list[WaitingView] = Field(description="by code; empty: nothing needs you")
    items: list[AttentionItemView] = Field(description="the oldest first")

    @classmethod
    def of(cls, attention: Attention) -> Self:
        """Show it."""
        return cls(
            at=attention.at,
            count=attention.count,
            waiting=[
                WaitingView(code=code, count=waiting.count, since=waiting.since)
                for code, waiting in sorted(attention.size.waiting.items())
            ],
            items=[AttentionItemView.of(item) for item in attention.items],
        )


class OptionView(View):
    """One way to end it."""

    resolution: str = Field(description="for `retender attention resolve --as`")
    does: str
    why_not: str | None = Field(description="what stands in the way; null if nothing does")

    @classmethod
    def of(cls, option: Option) -> Self:
        """Show it."""
        return cls(resolution=option.resolution, does=option.does, why_not=option.why_not)


class AttentionCaseView(View):
    """One attention item with all that a human needs in order to decide."""

    item: AttentionItemView
    options: list[OptionView] = Field(description="empty once it has ended")
    order: ExplanationView | None = Field(
        description="its order, explained: all that was asked, said and decided"
    )

    @classmethod
    def of(cls, case: AttentionCase) -> Self:
        """Show it."""
        return cls(
            item=AttentionItemView.of(case.item),
            options=[OptionView.of(option) for option in case.options],
            order=None if case.story is None else ExplanationView.of(case.story),
        )


@router.get(
    addresses.ATTENTION,
    summary="List what waits for a human",
    responses={
        200: answered(examples.ATTENTION, "What waits, the oldest first."),
        **told(body=False),
    },
)
async def list_attention(
    cases: Given,
    limit: Annotated[int, Query(ge=1, le=1000, description="list at most so many")] = 100,
) -> AttentionView:
    """What stayed unknown too long, refunds that are stuck, and evidence that fits nothing."""
    return AttentionView.of(await cases.list_attention(limit=limit))


@router.get(
    addresses.ATTENTION_ITEM,
    summary="Show what waits with all the evidence, and the ways to end it",
    responses={
        200: answered(examples.ATTENTION_CASE, "The attention item, also one that has ended."),
        **told(AttentionNotExist, body=False),
    },
)
async def show_attention(attention_id: str, cases: Given) -> AttentionCaseView:
    """
    End it with `retender attention resolve`, which needs a reason.

    There is no route for that while this API does not know who calls.
    """
    return AttentionCaseView.of(await cases.show_attention(attention_id=attention_id))
