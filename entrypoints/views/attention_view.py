"""What callers see of what waits for a human: how much, what, and the ways to end it."""

from datetime import datetime
from typing import Self

from pydantic import Field

from retender.domain.model.resolutions import Option
from retender.domain.use_cases.list_attention import Attention
from retender.domain.use_cases.show_attention import AttentionCase
from retender.entrypoints.views.attention_item_view import AttentionItemView
from retender.entrypoints.views.explanation_view import ExplanationView
from retender.entrypoints.views.view import View
from retender.entrypoints.words.language import Language


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
    def of(cls, case: AttentionCase, language: Language = Language.ENGLISH) -> Self:
        """Show it, with its order's sentences in a language."""
        return cls(
            item=AttentionItemView.of(case.item),
            options=[OptionView.of(option) for option in case.options],
            order=None if case.story is None else ExplanationView.of(case.story, language),
        )
