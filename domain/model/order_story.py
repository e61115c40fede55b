"""OrderStory: an order with all that happened to it, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionItem
from retender.domain.model.event import Event
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund
from retender.domain.model.story import StoryEntry
from retender.domain.model.surplus import Surplus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStory:
    """
    Everything written down about one order.

    Attributes:
        order: as it is now.
        attempts: every try, in order; none was overwritten.
        refunds: the shop's and the automatic ones.
        surpluses: money above what was due, each with its refund.
        events: what the shop is told.
        entries: every page, notice, question and decision, with its reason.
        attention: what of it waits for a human now.
        captures: what was taken once more under a number that was paid.

    """

    order: Order
    attempts: Sequence[Attempt]
    refunds: Sequence[Refund]
    surpluses: Sequence[Surplus]
    events: Sequence[Event]
    entries: Sequence[StoryEntry]
    attention: Sequence[AttentionItem] = ()
    captures: Sequence[FurtherCapture] = ()
