"""ConfirmCapture: ask whether a charge was captured twice, before the further one goes back."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.refund import Refund, next_try_unasked
from retender.domain.model.refund_errors import RefundNotExist
from retender.domain.steps.inquire import Inquire
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.settle_refund import give_up_unsent
from retender.ports.new_id import NewId
from retender.ports.payment_provider import PaymentProvider, Receipt, ReceiptState
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class ConfirmCapture:
    """
    Let a further capture go back only once its provider lists it beside the payment.

    A provider that named one capture by two ids would lose us the payment. Without an answer
    the refund waits; an answer that does not list both is a human's.
    """

    unit_of_work: UnitOfWork
    clock: WatchedClock
    new_id: NewId
    budget: TimeBudget | None = None

    async def __call__(
        self, refund: Refund, provider: PaymentProvider, held_until: datetime | None
    ) -> bool:
        """Ask, and tell whether the refund may be sent."""
        async with self.unit_of_work(read_only=True) as work:
            attempt = await work.attempts.get(refund.attempt_id)
        if attempt is None:  # a foreign key forbids it
            raise RefundNotExist(refund.refund_no)
        inquire = Inquire(self.unit_of_work, self.clock, self.new_id, self.budget)
        receipt = await inquire.ask(provider, attempt)
        if receipt is not None and _lists_both(receipt, attempt, refund):
            return True
        cause = None
        if receipt is not None and receipt.state is ReceiptState.PAID:
            trades = tuple(no for no in (attempt.provider_trade_no, refund.trade_no) if no)
            cause = Cause(reason=Reason.NOT_LISTED_BOTH, trade_nos=trades)
        await self._put_off(refund, cause, held_until)
        return False

    @retry_when_busy
    async def _put_off(
        self, refund: Refund, cause: Cause | None, held_until: datetime | None
    ) -> None:
        """Plan another question if nothing was said of it, and call a human if it was no."""
        async with self.unit_of_work() as work:
            at = self.clock()
            if cause is not None:
                await give_up_unsent(
                    work, refund, cause, at=at, new_id=self.new_id, held_until=held_until
                )
            elif held_until is not None:
                planned = next_try_unasked(refund, at)
                await work.refunds.put_off(refund.refund_no, planned, held_until=held_until)
            await work.commit()


def _lists_both(receipt: Receipt, attempt: Attempt, refund: Refund) -> bool:
    listed = {capture.provider_trade_no for capture in receipt.captures}
    paid = receipt.state is ReceiptState.PAID and receipt.foreign is None
    return paid and {attempt.provider_trade_no, refund.trade_no} <= listed
