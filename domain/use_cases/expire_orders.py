"""ExpireOrders: end what was not paid in time, without ever turning money away."""

from dataclasses import dataclass

from retender.domain.model.order import EndReason, Order
from retender.domain.model.transition import OrderEvent
from retender.domain.use_cases.captured import retire_payable
from retender.domain.use_cases.end_order import end_if_nothing_live
from retender.domain.use_cases.named import named
from retender.domain.use_cases.redone import redone
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Expired:
    """How many orders began to expire, and how many were closed."""

    expiring: int
    closed: int


@dataclass(frozen=True, slots=True)
class ExpireOrders:
    """
    Move NEW orders past their deadline to EXPIRING, and those that are ending, and dead, to CLOSED.

    EXPIRING is not yet closed: a payment made in the last second is still on
    its way, and wins.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    new_id: NewId

    async def __call__(self, *, limit: int = 100) -> Expired:
        """Do one bounded batch of each; safe to run anywhere, any number of times at once."""
        expiring = await self._begin(limit)
        closed = await self._finish(limit)
        return Expired(expiring=expiring, closed=closed)

    async def _begin(self, limit: int) -> int:
        async with self.unit_of_work(read_only=True) as work:
            late = await work.orders.past_deadline(self.clock(), limit)
        moved = 0
        for order in late:
            with named(order_no=order.order_no):
                moved += await self._expire(order)
        return moved

    @redone
    async def _expire(self, order: Order) -> bool:
        async with self.unit_of_work() as work:
            now = self.clock()
            why = f"the time shown to the payer ended at {order.shown_until.isoformat()}"
            moved = await work.orders.move(
                order.order_id,
                OrderEvent.DEADLINE_PASSED,
                at=now,
                why=why,
                end_reason=EndReason.DEADLINE,
            )
            if moved:
                await retire_payable(work, order.order_id, at=now, why="the order is expiring")
            await work.commit()
        return moved

    async def _finish(self, limit: int) -> int:
        async with self.unit_of_work(read_only=True) as work:
            dead = await work.orders.expiring_without_live_attempts(limit)
        closed = 0
        for order in dead:
            with named(order_no=order.order_no):
                closed += await self._close(order)
        return closed

    @redone
    async def _close(self, order: Order) -> bool:
        async with self.unit_of_work() as work:
            closed = await end_if_nothing_live(work, order, at=self.clock(), new_id=self.new_id)
            await work.commit()
        return closed
