"""CloseOrder: give an unpaid order up, and close its pages."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import (
    IdempotencyConflict,
    PayOrderNotExist,
    PayOrderStateError,
    StoreBusy,
    StoreError,
    StoreFull,
)
from retender.domain.model.operators import for_operators
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.transition import OrderEvent, OrderState
from retender.domain.steps.captured import retire_payable
from retender.domain.steps.end_order import end_if_nothing_live
from retender.domain.steps.refresh_attempts import RefreshAttempts
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.accounts import Accounts
from retender.ports.new_id import NewId
from retender.ports.time_budget import NewTimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock

logger = logging.getLogger(__name__)

_EVENTS = {LatePayment.REFUND: OrderEvent.CANCELLED, LatePayment.ACCEPT: OrderEvent.GIVEN_UP}


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """
    Close an order on the payer's or the shop's wish.

    First the providers are asked what became of its pages: what is found paid pays the order,
    and the close is refused with that. Then our commit decides, and no clock: with
    ``refund`` all evidence of payment that is heard after it is a surplus, whenever the
    payer paid; with ``accept`` it still pays the order (protocol, revision 2, rule 8).

    The order is CLOSED when every page is dead for sure; until then CANCELLING, or EXPIRING
    with ``accept``, and the worker goes on. The providers are asked side by side, and
    whoever does not answer in time is left to the worker.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    new_id: NewId
    budget: NewTimeBudget

    async def __call__(
        self,
        *,
        order_no: str,
        user_id: str | None = None,
        late_payment: LatePayment = LatePayment.REFUND,
    ) -> Order:
        """
        Close the order, and return it as it is then; closing again goes on closing.

        Args:
            order_no: the shop's number.
            user_id: if given, the order must be this user's.
            late_payment: what becomes of money that comes all the same; the first word stands.

        Raises:
            PayOrderNotExist: no such order, or another user's.
            PayOrderStateError: it is paid, perhaps by a page that was just being closed.
            IdempotencyConflict: it was closed before with another word on late payments.
            PayOrderInterrupted: the store failed after its pages were asked about.
            StoreError: only while it is not given up.

        """
        async with self.unit_of_work(read_only=True) as work:
            order = await self._admitted(work, order_no, user_id, late_payment)
            attempts = await work.attempts.of_order(order.order_id)
        try:
            if order.late_payment is None:
                await self._refresh().ask(_live(attempts))
            order, attempts = await self._give_up(order_no, user_id, late_payment)
        except (StoreBusy, StoreFull) as trouble:
            if not _live(attempts):
                raise  # nobody was asked, so nothing was changed
            what = "it is not given up, but what became of its pages may be written down by now"
            raise PayOrderInterrupted(order_no, what) from trouble
        try:
            await self._refresh().close(_live(attempts))
            order = await self._end(order_no)
        except StoreError as trouble:
            # It is given up, so "nothing was changed" would be untrue; the worker goes on.
            named = ", ".join(f"attempt {a.number} of {a.account}" for a in _live(attempts))
            logger.warning(
                "order %s, %s: %s %s",
                order_no,
                named or "no attempt",
                trouble.code,
                for_operators(trouble),
            )
        _refuse_paid(order)
        return order

    def _refresh(self) -> RefreshAttempts:
        asking = (self.unit_of_work, self.accounts, self.clock, self.new_id)
        return RefreshAttempts(*asking, self.budget())

    async def _admitted(
        self, work: Work, order_no: str, user_id: str | None, late_payment: LatePayment
    ) -> Order:
        """Load the order, and turn away who may not close it, or not like this."""
        order = await work.orders.get(order_no)
        if order is None or user_id not in {None, order.user_id}:
            raise PayOrderNotExist(order_no)
        _refuse_paid(order)
        if order.late_payment not in {None, late_payment}:
            raise IdempotencyConflict("The close of order", order_no, ["late_payment"])
        return order

    @retry_when_busy
    async def _end(self, order_no: str) -> Order:
        """Close the order now if nothing of it can take money."""
        async with self.unit_of_work() as work:
            order = await work.orders.get(order_no)
            if order is None:
                raise PayOrderNotExist(order_no)
            await end_if_nothing_live(work, order, at=self.clock(), new_id=self.new_id)
            order = await work.orders.get(order_no) or order
            await work.commit()
        return order

    @retry_when_busy
    async def _give_up(
        self, order_no: str, user_id: str | None, late_payment: LatePayment
    ) -> tuple[Order, Sequence[Attempt]]:
        """Write the request down: no new page, and the old ones are to be closed."""
        async with self.unit_of_work() as work:
            order = await self._admitted(work, order_no, user_id, late_payment)
            # Held before it is judged: two closes at once have one first word.
            await work.orders.hold(order.order_id)
            order = await self._admitted(work, order_no, user_id, late_payment)
            now = self.clock()
            cause = Cause(reason=Reason.GIVEN_UP, late_payment=late_payment)
            if order.late_payment is None and await work.orders.move(
                order.order_id,
                _EVENTS[late_payment],
                at=now,
                cause=cause,
                end_reason=order.end_reason or EndReason.CANCELLED,
                late_payment=late_payment,
            ):
                await retire_payable(work, order.order_id, at=now, cause=cause)
            attempts = await work.attempts.of_order(order.order_id)
            order = await work.orders.get(order_no) or order
            await work.commit()
        return order, attempts


def _live(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    return [attempt for attempt in attempts if attempt.is_live]


def _refuse_paid(order: Order) -> None:
    if order.state is OrderState.PAID:
        raise PayOrderStateError(order.order_no, order.state, "it was paid, so it stays paid")
