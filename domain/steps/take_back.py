"""TakeBackPage: hand out the page that the payer left, where it could not be closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.order import Order
from retender.domain.model.pay_result import PageReady
from retender.domain.model.story_pages import PageReused
from retender.domain.steps.leave_pages import LeavePages
from retender.domain.steps.pay_request import PayRequest
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import tell
from retender.ports.payment_provider import Receipt, ReceiptState
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class TakeBackPage:
    """
    Come back to a page that could not be closed (protocol, revision 2, rule 11).

    It may be paid all the same, so a new one beside it would be one payable page more. It
    passes the checks of any stored page; its provider is asked first, since the close may
    have come through after all; and nobody may be closing it at that moment.
    """

    unit_of_work: UnitOfWork
    clock: WatchedClock
    leave: LeavePages

    async def __call__(
        self, order: Order, attempts: Sequence[Attempt], request: PayRequest
    ) -> PageReady | None:
        """
        Return the page; None if there is none to come back to.

        Raises:
            PayOrderStateError: another page turned out to be paid.
            SwitchRefused: another page may still be paid, and its policy is strict.

        """
        now = self.clock()
        left = next((a for a in attempts if request.fits_left(a, order.amount, now)), None)
        if left is None:
            return None
        (receipt,) = await self.leave.refresh.ask([left])
        if receipt is None or not _works(receipt, request):
            return None
        await self.leave(order, [other for other in attempts if other is not left])
        return await self._taken_back(order, left, request)

    @retry_when_busy
    async def _taken_back(
        self, order: Order, left: Attempt, request: PayRequest
    ) -> PageReady | None:
        async with self.unit_of_work() as work:
            now = self.clock()
            if not await work.orders.hold_new(order.order_id, now):
                return None
            found = await work.attempts.of_order(order.order_id)
            others = [other for other in found if other.attempt_id != left.attempt_id]
            if not await self.leave.retire(work, others, at=now, request=request, order=order):
                return None
            cause = Cause(reason=Reason.CAME_BACK)
            if not await work.attempts.take_back(left.attempt_id, at=now, cause=cause):
                return None
            attempt = await work.attempts.get(left.attempt_id)
            ready = None if attempt is None else PageReady.stored(order, attempt, now)
            if ready is None:
                return None  # its key was changed, so that it does not open
            reused = PageReused(
                account=ready.attempt.account,
                page_kind=ready.page.kind,
                page_until=ready.page_until,
            )
            await tell(work, ready.attempt, reused, at=now)
            await work.commit()
        return ready


def _works(receipt: Receipt, request: PayRequest) -> bool:
    """Tell whether a page works still: its trade is open, or will be made when it is paid."""
    absent = receipt.state is ReceiptState.NOT_FOUND and not request.terms.is_there_with_page
    return receipt.foreign is None and (absent or receipt.state is ReceiptState.OPEN)
