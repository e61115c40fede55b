"""The story of an order: typed facts, one class for each kind of line; no sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias, get_args

from retender.domain.model import story_money, story_pages
from retender.domain.model.attention import About, AttentionCode, Resolution
from retender.domain.model.cause import Cause
from retender.domain.model.money import Money
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.transition import OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """An order was placed."""

    kind: ClassVar[StoryKind] = StoryKind.ORDER_PLACED
    amount: Money
    pay_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """The state of an order changed."""

    kind: ClassVar[StoryKind] = StoryKind.ORDER_CHANGED
    before: OrderState
    after: OrderState
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionOpened:
    """
    A human is called; the evidence stays with the attention item.

    Attributes:
        row: which kind of row cannot be read, where that is the reason.
        key: its id.

    """

    kind: ClassVar[StoryKind] = StoryKind.ATTENTION_OPENED
    attention_id: str
    attention: AttentionCode
    account: str
    about: About | None = None
    subject: str | None = None
    row: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionEnded:
    """
    What waited for a human ended.

    Attributes:
        words: of who decided it; None if it ended by itself.

    """

    kind: ClassVar[StoryKind] = StoryKind.ATTENTION_ENDED
    attention_id: str
    attention: AttentionCode
    resolution: Resolution
    by: str
    words: str | None = None


Fact: TypeAlias = (
    OrderPlaced
    | OrderChanged
    | story_pages.AttemptMade
    | story_pages.AttemptChanged
    | story_pages.TradeNumberNotKept
    | story_pages.PageHandedOut
    | story_pages.PageReused
    | story_pages.PageNotReused
    | story_pages.PageAskedAgain
    | story_pages.PageTooLate
    | story_pages.PageLeft
    | story_pages.PageLeftOpen
    | story_pages.SwitchNotAllowed
    | story_pages.PageNotGiven
    | story_pages.PayRefused
    | story_money.ProviderAnswered
    | story_money.ProviderDidNotAnswer
    | story_money.ProviderNotAsked
    | story_money.NoticeHeard
    | story_money.EvidenceMisfit
    | story_money.RefundDecided
    | story_money.RefundChanged
    | story_money.RefundAnswered
    | story_money.RefundRefused
    | story_money.RefundNotAnswered
    | story_money.RefundMisfit
    | story_money.RefundTold
    | AttentionOpened
    | AttentionEnded
)
"""What a line of a story says."""

FACTS: Mapping[StoryKind, type[Fact]] = {fact.kind: fact for fact in get_args(Fact)}
"""The class of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEntry:
    """
    One line of an order's story: what was done or learnt, and why. Only ever added.

    Attributes:
        order_id: whose story.
        at: when.
        fact: what was done or learnt; no secrets, no pages.
        attempt_id: which attempt, if one.

    """

    order_id: str
    at: datetime
    fact: Fact
    attempt_id: str | None = None

    @property
    def kind(self) -> StoryKind:
        """What it is about: its fact's class says so."""
        return self.fact.kind
