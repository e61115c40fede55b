"""ShowOrder: an order with its sums and attempts, and what else is asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import PayOrderNotExist
from retender.domain.model.event import Event
from retender.domain.model.order import Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.refund import Refund
from retender.domain.model.story import StoryEntry
from retender.domain.model.surplus import Surplus, surpluses
from retender.ports.unit_of_work import UnitOfWork


class OrderPart(StrEnum):
    """What is shown of an order only if it is asked for; part of the API."""

    REFUNDS = "refunds"
    SURPLUSES = "surpluses"
    EVENTS = "events"
    STORY = "story"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrder:
    """
    An order, shown as far as it was asked for.

    Attributes:
        order: as it is now.
        sums: what was taken, went back, and is kept.
        attempts: every try, in order; none was overwritten.
        refunds: the shop's and the automatic ones; None: not asked for, as in the rest.
        surpluses: money above what was due, each with its refund.
        events: what the shop is told.
        story: every page, notice, question and decision, with its reason.

    """

    order: Order
    sums: OrderSums
    attempts: Sequence[Attempt]
    refunds: Sequence[Refund] | None = None
    surpluses: Sequence[Surplus] | None = None
    events: Sequence[Event] | None = None
    story: Sequence[StoryEntry] | None = None


@dataclass(frozen=True, slots=True)
class ShowOrder:
    """Show an order; changes nothing."""

    unit_of_work: UnitOfWork

    async def __call__(
        self, *, order_no: str, user_id: str | None = None, expand: Collection[OrderPart] = ()
    ) -> ShownOrder:
        """
        Return the order, and read nothing that is not asked for.

        Args:
            order_no: the shop's number.
            user_id: if given, the order must be this user's.
            expand: what to add.

        Raises:
            PayOrderNotExist: no such order, or another user's.

        """
        async with self.unit_of_work(read_only=True) as work:
            found = await work.orders.with_sums(order_no)
            if found is None or user_id not in {None, found[0].user_id}:
                raise PayOrderNotExist(order_no)
            order, sums = found
            attempts = list(await work.attempts.of_order(order.order_id))
            refunds, events, story = None, None, None
            if not {OrderPart.REFUNDS, OrderPart.SURPLUSES}.isdisjoint(expand):
                refunds = list(await work.refunds.of_order(order.order_id))
            if OrderPart.EVENTS in expand:
                events = await work.outbox.of_order(order_no)
            if OrderPart.STORY in expand:
                story = await work.story.of_order(order.order_id)
        return ShownOrder(
            order=order,
            sums=sums,
            attempts=attempts,
            refunds=refunds if OrderPart.REFUNDS in expand else None,
            surpluses=surpluses(attempts, refunds or []) if OrderPart.SURPLUSES in expand else None,
            events=events,
            story=story,
        )
