"""ExplainOrder: an order with all that happened to it, and why."""

from dataclasses import dataclass

from retender.domain.model.errors import PayOrderNotExist
from retender.domain.model.order_story import OrderStory
from retender.domain.model.surplus import surpluses
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ExplainOrder:
    """Tell all that is written down about an order; changes nothing."""

    unit_of_work: UnitOfWork

    async def __call__(self, *, order_no: str, user_id: str | None = None) -> OrderStory:
        """
        Return the order's story.

        Args:
            order_no: the shop's number.
            user_id: if given, the order must be this user's.

        Raises:
            PayOrderNotExist: no such order, or another user's.

        """
        async with self.unit_of_work(read_only=True) as work:
            order = await work.orders.get(order_no)
            if order is None or user_id not in {None, order.user_id}:
                raise PayOrderNotExist(order_no)
            attempts = list(await work.attempts.of_order(order.order_id))
            refunds = list(await work.refunds.of_order(order.order_id))
            return OrderStory(
                order=order,
                attempts=attempts,
                refunds=refunds,
                surpluses=surpluses(attempts, refunds),
                events=await work.outbox.of_order(order_no),
                entries=await work.story.of_order(order.order_id),
                attention=await work.attention.open_of(order_no),
                captures=await work.attempts.captures_of(order.order_id),
            )
