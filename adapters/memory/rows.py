"""Rows: all that the memory store holds, copied when a unit of work begins."""

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionCode, AttentionItem
from retender.domain.model.event import UntoldEvent
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund
from retender.domain.model.story import StoryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """An event, what became of telling it, and who is at it."""

    untold: UntoldEvent
    sent_at: datetime | None = None
    next_try_at: datetime | None = None
    leased_until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Rows:
    """
    The state of the store between two commits.

    What the collections hold is frozen, so copying the collections copies all.

    Attributes:
        orders: by ``order_id``.
        attempts: by ``attempt_id``.
        refunds: by ``refund_no``.
        captures: further ones, by account and trade number.
        notices: hash and time by account and ``event_key``.
        attention: by ``attention_id``, the oldest first.
        events: by ``event_id``, the oldest first.
        story: every line, in the order of writing.

    """

    orders: dict[str, Order] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    captures: dict[tuple[str, str], FurtherCapture] = field(default_factory=dict)
    notices: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    attention: dict[str, AttentionItem] = field(default_factory=dict)
    events: dict[str, OutboxRow] = field(default_factory=dict)
    story: list[StoryEntry] = field(default_factory=list)

    def aside(self) -> set[str | None]:
        """Return what a human is called for because a row of it cannot be read."""
        return {
            item.subject
            for item in self.attention.values()
            if item.is_open and item.code is AttentionCode.ROW_UNREADABLE
        }

    def copy(self) -> "Rows":
        """Return rows that can be changed without changing these."""
        return Rows(**{part.name: copy(getattr(self, part.name)) for part in fields(self)})
