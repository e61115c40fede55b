"""ExpireOrders: end what was not paid in time, without ever turning money away."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from retender.domain.model.attention import About
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.named import named
from retender.domain.model.order import EndReason, Order
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.transition import OrderEvent
from retender.domain.steps.captured import retire_payable
from retender.domain.steps.end_order import end_if_nothing_live
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.use_cases.set_aside import SetAside
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


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
    clock: WatchedClock
    new_id: NewId

    async def __call__(self, *, limit: int = 100) -> Expired:
        """
        Do one bounded batch of each; safe to run anywhere, any number of times at once.

        While our clock is surely wrong it ends nothing (revision 2, rule 9).
        """
        if self.clock.is_wrong():
            return Expired(expiring=0, closed=0)
        expiring = await self._begin(limit)
        closed = await self._finish(limit)
        return Expired(expiring=expiring, closed=closed)

    async def _begin(self, limit: int) -> int:
        late = await self._late(limit)
        return sum([await self._or_set_aside(order, self._expire) for order in late])

    @retry_when_busy
    async def _expire(self, order: Order) -> bool:
        async with self.unit_of_work() as work:
            now = self.clock()
            moved = await work.orders.move(
                order.order_id,
                OrderEvent.DEADLINE_PASSED,
                at=now,
                cause=Cause(reason=Reason.TIME_TO_PAY_OVER, until=order.shown_until),
                end_reason=EndReason.DEADLINE,
            )
            if moved:
                cause = Cause(reason=Reason.ORDER_EXPIRING)
                await retire_payable(work, order.order_id, at=now, cause=cause)
            await work.commit()
        return moved

    @retry_when_busy
    async def _late(self, limit: int) -> Sequence[Order | RowUnreadable]:
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.orders.past_deadline(self.clock(), limit)

    @retry_when_busy
    async def _dead(self, limit: int) -> Sequence[Order | RowUnreadable]:
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.orders.expiring_without_live_attempts(limit)

    async def _finish(self, limit: int) -> int:
        dead = await self._dead(limit)
        return sum([await self._or_set_aside(order, self._close) for order in dead])

    async def _or_set_aside(
        self, order: Order | RowUnreadable, step: Callable[[Order], Awaitable[bool]]
    ) -> bool:
        """Take a step with an order, or let it wait for a human, so that the others go on."""
        try:
            if isinstance(order, RowUnreadable):
                raise order
            with named(order_no=order.order_no):
                return await step(order)
        except RowUnreadable as unreadable:
            subject = unreadable.key if isinstance(order, RowUnreadable) else order.order_id
            set_aside = SetAside(self.unit_of_work, self.clock, self.new_id)
            await set_aside(unreadable, About.ORDER, subject)
            return False

    @retry_when_busy
    async def _close(self, order: Order) -> bool:
        async with self.unit_of_work() as work:
            closed = await end_if_nothing_live(work, order, at=self.clock(), new_id=self.new_id)
            await work.commit()
        return closed
