"""``captured``: the one way from a provider's evidence to PAID, to a surplus, to their events."""

from dataclasses import dataclass, replace
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionCode, AttentionItem
from retender.domain.model.cause import Cause, Reason, Source
from retender.domain.model.errors import UndefinedTransition
from retender.domain.model.event import Event, EventKind
from retender.domain.model.order import LatePayment
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund, RefundCause, automatic_refund_number
from retender.domain.model.story_money import EvidenceMisfit, RefundDecided
from retender.domain.model.transition import CAPTURED, AttemptEvent, OrderEvent, OrderState
from retender.domain.steps.further_capture import attention_of_receipt, known_already
from retender.domain.steps.open_attention import call_for_absence
from retender.domain.steps.tell import answer_of, tell
from retender.ports.new_id import NewId
from retender.ports.payment_provider import ProviderTerms, Receipt, ReceiptState
from retender.ports.unit_of_work import Work


async def captured(
    work: Work,
    *,
    account: str,
    receipt: Receipt,
    source: Source,
    at: datetime,
    new_id: NewId,
    terms: ProviderTerms | None = None,
    attempt: Attempt | None = None,
) -> Outcome:
    """
    Turn "this number was paid" into state, in the caller's transaction.

    Harmless when repeated, and in any order with everything else: the winner is
    elected by one conditional update, every other capture becomes a surplus
    whose refund has a number that never changes (protocol 1.1).

    Args:
        work: an open transaction; the caller commits.
        account: whose word it is.
        receipt: PAID, authenticated.
        source: by which way it came; for the story.
        at: now.
        new_id: names events.
        terms: the account's; they say whether another trade number is another capture.
        attempt: whose receipt it is, if it was read in this very transaction.

    """
    attempt = attempt or await attempt_of(work, account, receipt)
    problem = _misfit(attempt, receipt)
    if attempt is None or problem is not None:
        code = problem or AttentionCode.UNKNOWN_NUMBER
        item = attention_of_receipt(account, attempt, receipt, code, source=source, at=at)
        await _keep_misfit(work, item, attempt, receipt, source)
        return Outcome.ATTENTION
    if attempt.state in CAPTURED:
        return await known_already(
            work, attempt, receipt, terms, source=source, at=at, new_id=new_id
        )
    cause = Cause(
        reason=Reason.TAKEN,
        source=source,
        account=account,
        amount=receipt.amount,
        number=attempt.number,
    )
    won = await work.orders.move(
        attempt.order_id, OrderEvent.CAPTURED, at=at, cause=cause, winner=attempt.attempt_id
    )
    capture = _Capture(work, attempt, receipt, at, cause, new_id)
    outcome = await (capture.win() if won else capture.give_back())
    if len(receipt.captures) > 1:
        settled = replace(attempt, provider_trade_no=receipt.provider_trade_no)
        await known_already(work, settled, receipt, terms, source=source, at=at, new_id=new_id)
    return outcome


async def _keep_misfit(
    work: Work, item: AttentionItem, attempt: Attempt | None, receipt: Receipt, source: Source
) -> None:
    """Keep evidence that does not fit for a human, with a line in the story if it has one."""
    if await work.attention.add(item) and attempt is not None:
        misfit = EvidenceMisfit(
            account=item.account, source=source, attention=item.code, answer=answer_of(receipt)
        )
        await tell(work, attempt, misfit, at=item.at)


async def attempt_of(work: Work, account: str, receipt: Receipt) -> Attempt | None:
    """
    Return the account's attempt that a receipt speaks of, by our number or by the provider's id.

    Our number counts where both are there. Evidence of both fills in a reference that was lost.
    """
    attempt = None
    if receipt.number is not None:
        attempt = await work.attempts.by_number(account, receipt.number)
    elif receipt.reference is not None:
        attempt = await work.attempts.by_reference(account, receipt.reference)
    if attempt is None or receipt.reference in {None, attempt.reference}:
        return attempt
    if attempt.reference is None and receipt.foreign is None:
        await work.orders.hold(attempt.order_id)  # before its attempt: so does everybody
        await work.attempts.fill_in(attempt.attempt_id, reference=receipt.reference)
    return attempt


async def apply_receipt(
    work: Work,
    attempt: Attempt,
    receipt: Receipt,
    *,
    terms: ProviderTerms | None = None,
    asked_at: datetime | None,
    source: Source,
    at: datetime,
    new_id: NewId,
    fresh: bool = False,
) -> Outcome:
    """
    Draw from any receipt what it proves, in the caller's transaction.

    Paid goes to ``captured``. Closed is death. "Not found" is death only if the
    question was *sent* after the attempt's watch ended: before that, the page
    may still make the trade. It is a contradiction, and proves nothing ever, where a
    page was kept and the terms of it say that the trade was there with it. Open proves
    nothing. ``asked_at`` is None if nobody was asked, or at a time that is not sure. ``fresh``
    says that the attempt was read in this very transaction, so that it is not read again.
    """
    if receipt.state is ReceiptState.PAID or receipt.foreign is not None:
        return await captured(
            work,
            account=attempt.account,
            receipt=receipt,
            source=source,
            at=at,
            new_id=new_id,
            terms=terms,
            attempt=attempt if fresh else None,
        )
    if receipt.state is ReceiptState.CLOSED:
        reason = Reason.SAID_CLOSED
    elif receipt.state is ReceiptState.NOT_FOUND and _must_be_there(attempt, terms):
        await call_for_absence(work, attempt, at=at, source=source, new_id=new_id)
        return Outcome.CONTRADICTED
    elif receipt.state is not ReceiptState.NOT_FOUND or asked_at is None:
        return Outcome.NOTHING
    elif attempt.proves_absence(asked_at):
        reason = Reason.KNOWN_OF_NOTHING
    else:
        return Outcome.NOTHING
    cause = Cause(reason=reason, source=source, account=attempt.account)
    dead = await work.attempts.move(
        attempt.attempt_id, AttemptEvent.PROVEN_DEAD, at=at, cause=cause
    )
    return Outcome.DEAD if dead else Outcome.KNOWN


def _must_be_there(attempt: Attempt, terms: ProviderTerms | None) -> bool:
    if terms is None or attempt.opened_at is None:
        return False
    return terms.page_for(attempt.charge).is_there_with_page


def _misfit(attempt: Attempt | None, receipt: Receipt) -> AttentionCode | None:
    if receipt.foreign is not None:
        return AttentionCode.FOREIGN
    if attempt is not None and receipt.amount != attempt.charge.amount:
        return AttentionCode.AMOUNT_MISMATCH
    return None


async def retire_payable(
    work: Work, order_id: str, *, at: datetime, cause: Cause, but: str | None = None
) -> None:
    """Mark the order's payable attempts CLOSING, all but one; the worker closes them at once."""
    for other in await work.attempts.of_order(order_id):
        if other.is_payable and other.attempt_id != but:
            await work.attempts.move(
                other.attempt_id, AttemptEvent.CLOSE_WANTED, at=at, cause=cause, next_check_at=at
            )


@dataclass(frozen=True, slots=True)
class _Capture:
    """One capture of one known attempt, in one transaction."""

    work: Work
    attempt: Attempt
    receipt: Receipt
    at: datetime
    cause: Cause
    new_id: NewId

    async def win(self) -> Outcome:
        """Credit the attempt, retire the others, and tell the shop once."""
        if not await self._move(AttemptEvent.WON):
            # The order was won by an attempt that cannot win: roll everything back.
            message = f"Attempt {self.attempt.attempt_id} won its order but was in no state to."
            raise UndefinedTransition(message)
        await retire_payable(
            self.work,
            self.attempt.order_id,
            at=self.at,
            cause=Cause(reason=Reason.ANOTHER_PAID),
            but=self.attempt.attempt_id,
        )
        await self._announce(
            EventKind.ORDER_PAID,
            self.attempt.order_id,
            client_type=self.attempt.charge.client_type,
            number=self.attempt.number,
        )
        return Outcome.WON

    async def give_back(self) -> Outcome:
        """Make it a surplus; its refund is written down in this very transaction."""
        if not await self._move(AttemptEvent.SURPLUS):
            return Outcome.KNOWN  # another transaction settled the same attempt meanwhile
        cause = await self._cause()
        number = automatic_refund_number(self.attempt.number)
        refund = Refund(
            refund_no=number,
            number=number,
            order_id=self.attempt.order_id,
            attempt_id=self.attempt.attempt_id,
            account=self.attempt.account,
            amount=self.attempt.charge.amount,
            cause=cause,
            reason=_REASONS[cause],
            created_at=self.at,
            next_try_at=self.at,
        )
        if not await self.work.refunds.add(refund):
            # Money without a refund on its way must not be committed.
            message = f"Surplus {self.attempt.attempt_id} has a refund before it was one."
            raise UndefinedTransition(message)
        decided = RefundDecided(refund_no=number, amount=refund.amount, cause=cause)
        await tell(self.work, self.attempt, decided, at=self.at)
        await self._announce(
            EventKind.SURPLUS_FOUND, self.attempt.attempt_id, cause=str(cause), refund_no=number
        )
        return Outcome.SURPLUS

    async def _cause(self) -> RefundCause:
        """Return why it is not kept, by what the order is now; no move of ours changed it."""
        order = await self.work.orders.by_id(self.attempt.order_id)
        if order is None:  # a foreign key forbids it
            message = f"Attempt {self.attempt.attempt_id} has no order."
            raise LookupError(message)
        if order.state is OrderState.PAID:
            return RefundCause.DUPLICATE
        given_back = order.late_payment is LatePayment.REFUND
        return RefundCause.CANCELLED if given_back else RefundCause.LATE

    async def _move(self, event: AttemptEvent) -> bool:
        return await self.work.attempts.move(
            self.attempt.attempt_id,
            event,
            at=self.at,
            cause=self.cause,
            provider_trade_no=self.receipt.provider_trade_no,
            captured_at=self.receipt.captured_at or self.at,
        )

    async def _announce(self, kind: EventKind, subject: str, **data: str) -> None:
        event = Event(
            event_id=self.new_id(),
            kind=kind,
            subject=subject,
            order_no=self.attempt.charge.order_no,
            at=self.at,
            data={
                "account": self.attempt.account,
                "amount": self.attempt.charge.amount.to_json(),
                **data,
            },
        )
        await self.work.outbox.add(event)


_REASONS = {
    RefundCause.DUPLICATE: "Paid twice",
    RefundCause.CANCELLED: "Order cancelled",
    RefundCause.LATE: "Paid too late",
}
"""What the payer may read of money that goes back by itself."""
