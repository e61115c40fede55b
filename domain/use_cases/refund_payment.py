"""RefundPayment: give a paid order's money back, in whole or in part, on the shop's wish."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.errors import (
    AmountInvalid,
    IdempotencyConflict,
    NotOffered,
    PayOrderNotExist,
    PayOrderStateError,
    ProviderError,
    ProviderUnavailable,
    StoreBusy,
    StoreError,
    StoreFull,
    UnknownName,
)
from retender.domain.model.money import Money
from retender.domain.model.operators import for_operators
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.domain.model.story_money import RefundDecided
from retender.domain.model.text import check_number
from retender.domain.model.transition import RefundState
from retender.domain.steps.refresh_attempts import RefreshAttempts
from retender.domain.steps.refund_spacing import planned
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import tell
from retender.domain.use_cases.check_refund import CheckRefund
from retender.ports.accounts import Accounts
from retender.ports.new_id import NewId
from retender.ports.payment_provider import RefundReceiptState, RefundTerms
from retender.ports.time_budget import NewTimeBudget, TimeBudget
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """
    Write a refund down under the shop's number, then send it.

    The order row is held while the sum is checked, so two refunds at once
    cannot give back more than was paid. Before that it is found out what the sum
    depends on: whether an order that is not known as paid was, and what became of
    refunds whose look is due.

    Attributes:
        lease: for how long it holds the refund that it sends, so that no worker sends
            it as well; longer than a call of a provider and the question after it take.

    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    new_id: NewId
    budget: NewTimeBudget
    lease: timedelta = timedelta(minutes=1)

    async def __call__(
        self, *, order_no: str, refund_no: str, amount: Money | None = None, reason: str = "Refund"
    ) -> Refund:
        """
        Refund, and return how it stands; DUE and SENT are not failures but "not yet known".

        Args:
            order_no: the shop's number of a PAID order.
            refund_no: the shop's number of the refund; the call is idempotent on it.
            amount: how much; default: all that is left.
            reason: what the payer may read.

        Raises:
            PayOrderNotExist: no such order.
            PayOrderStateError: it is not paid.
            RefundExceedsPaid: more than is left.
            NotOffered: the provider gives back no part, or not so often, or not so late.
            IdempotencyConflict: the number was used for another order or amount.
            ProviderUnavailable: an earlier refund was refused, and nobody can say now
                whether it was finished by hand; nothing was written down.
            PayOrderInterrupted: the store failed after what it depends on was asked.
            StoreError: only while it is not written down.

        """
        check_number("refund_no", refund_no)
        asked = await self._refresh(order_no)
        try:
            refund = await self._written_down(order_no, refund_no, amount, reason)
        except (StoreBusy, StoreFull) as trouble:
            if not asked:
                raise
            what = "no refund is written down, but what was paid or given back before may be"
            raise PayOrderInterrupted(order_no, what) from trouble
        due = refund.next_try_at
        if refund.state is not RefundState.DUE or due is None or due > self.clock():
            return refund
        asking = (self.unit_of_work, self.accounts, self.clock, self.new_id)
        check = CheckRefund(*asking, lease=self.lease)
        try:
            return await check(refund_no=refund_no)
        except UnknownName:
            return refund  # its account is configured no more: the worker calls a human
        except StoreError as trouble:
            # It is written down, so "nothing was changed" would be untrue; the worker goes on.
            logger.warning(
                "order %s, refund %s, account %s: %s %s",
                order_no,
                refund_no,
                refund.account,
                trouble.code,
                for_operators(trouble),
            )
            return refund

    async def _refresh(self, order_no: str) -> bool:
        """
        Find out what the refund depends on, as far as the time for it goes.

        Return whether anything was asked, so that something may be written down by now.
        """
        async with self.unit_of_work(read_only=True) as work:
            order = await work.orders.get(order_no)
            if order is None:
                raise PayOrderNotExist(order_no)
            attempts = await work.attempts.of_order(order.order_id)
            refunds = await work.refunds.of_order(order.order_id)
        asking = (self.unit_of_work, self.accounts, self.clock, self.new_id)
        budget, now = self.budget(), self.clock()
        live = [a for a in attempts if a.is_live and order.winner is None]
        await RefreshAttempts(*asking, budget).ask(live)
        askable = {account.name for account in self.accounts.all()}
        its = [r for r in refunds if r.attempt_id == order.winner and r.account in askable]
        # Never before its time: every look counts as a try, and tries run out.
        overdue = [
            refund.refund_no
            for refund in its
            if refund.state is RefundState.SENT
            and refund.next_try_at is not None
            and refund.next_try_at <= now
        ]
        check = CheckRefund(*asking, budget)
        await budget.side_by_side(lambda number: check(refund_no=number), overdue)
        refused = [r for r in its if r.may_be_finished_by_hand and self._can_be_asked(r)]
        await self._refresh_refused(check, budget, refused)
        return bool(live or overdue or refused)

    def _can_be_asked(self, refund: Refund) -> bool:
        """Tell whether its provider can know which is meant; if not, its no is the last word."""
        terms = self.accounts.get(refund.account).provider.terms.refunds
        return terms.asked_by_number or refund.provider_refund_no is not None

    async def _refresh_refused(
        self, check: CheckRefund, budget: TimeBudget, refused: Sequence[Refund]
    ) -> None:
        """
        Make sure of refunds that were refused for good: their amount is free for another.

        A provider's people may have finished one by hand since, or be at it: then it
        would go back twice. So here, for once, "unknown" stops the command.
        """
        numbers = [refund.refund_no for refund in refused]
        try:
            receipts = await budget.side_by_side(
                lambda number: check.ask(refund_no=number), numbers
            )
        except ProviderError as problem:
            message = f"An earlier refund is stuck, and may be finished by hand: {problem}"
            raise ProviderUnavailable(message, refund_no=numbers) from problem
        if any(receipt.state is RefundReceiptState.PENDING for receipt in receipts):
            message = "An earlier refund that was stuck is on its way; ask again when it is done."
            raise ProviderUnavailable(message, refund_no=numbers)

    @retry_when_busy
    async def _written_down(
        self, order_no: str, refund_no: str, amount: Money | None, reason: str
    ) -> Refund:
        async with self.unit_of_work() as work:
            refund = await self._find_or_make(work, order_no, refund_no, amount, reason)
            await work.commit()
        return refund

    async def _find_or_make(
        self, work: Work, order_no: str, refund_no: str, amount: Money | None, reason: str
    ) -> Refund:
        order = await work.orders.get(order_no)
        if order is None:
            raise PayOrderNotExist(order_no)
        await work.orders.hold(order.order_id)
        if existing := await work.refunds.get(refund_no):
            return _same(existing, order, amount)
        winner = await work.attempts.get(order.winner) if order.winner else None
        if winner is None:
            raise PayOrderStateError(order_no, order.state, "only a paid order is refunded")
        earlier = [
            r
            for r in await work.refunds.of_order(order.order_id)
            if r.attempt_id == winner.attempt_id and r.trade_no is None and r.may_have_moved
        ]
        now = self.clock()
        terms = self.accounts.get(winner.account).provider.terms.refunds
        refund = Refund(
            refund_no=refund_no,
            number=f"F{self.new_id()}",
            order_id=order.order_id,
            attempt_id=winner.attempt_id,
            account=winner.account,
            amount=_how_much(order, earlier, amount),
            cause=RefundCause.SHOP,
            reason=reason,
            created_at=now,
            next_try_at=planned(earlier, terms.spacing, now),
        )
        _check_terms(refund, winner, earlier, terms, now)
        if not await work.refunds.add(refund):
            raise IdempotencyConflict("Refund", refund_no, ["order_no"])
        decided = RefundDecided(
            refund_no=refund_no, amount=refund.amount, cause=refund.cause, reason=reason
        )
        await tell(work, refund, decided, at=now)
        return refund


def _same(existing: Refund, order: Order, amount: Money | None) -> Refund:
    """Return the refund of this number if it is what is asked for now."""
    fields = []
    if existing.order_id != order.order_id or existing.cause is not RefundCause.SHOP:
        fields.append("order_no")
    if amount not in {None, existing.amount}:
        fields.append("amount")
    if fields:
        raise IdempotencyConflict("Refund", existing.refund_no, fields)
    return existing


def _how_much(order: Order, earlier: Sequence[Refund], amount: Money | None) -> Money:
    if amount is not None and amount.currency != order.amount.currency:
        raise AmountInvalid(str(amount), f"the order was paid in {order.amount.currency}")
    # Below nothing, if another hand gave back what one of ours is to give back as well.
    left = max(0, order.amount.minor - sum(refund.amount.minor for refund in earlier))
    wanted = left if amount is None else amount.minor
    if not left or wanted > left:
        rest = Money(left, order.amount.currency)
        message = f"Of {order.amount}, {rest} is left to give back."
        raise RefundExceedsPaid(message, left=rest.decimal(), currency=rest.currency)
    return Money(wanted, order.amount.currency)


def _check_terms(
    refund: Refund,
    winner: Attempt,
    earlier: Sequence[Refund],
    terms: RefundTerms,
    now: datetime,
) -> None:
    paid_at = winner.captured_at
    if terms.window is not None and paid_at is not None and now > paid_at + terms.window:
        until = (paid_at + terms.window).isoformat(timespec="seconds")
        message = f"{winner.account} gives money back until {until}, and that is over."
        raise NotOffered(message, field="order_no")
    if not terms.partial and refund.amount != winner.charge.amount:
        message = f"{winner.account} gives back everything or nothing."
        raise NotOffered(message, field="amount")
    if terms.most is not None and len(earlier) >= terms.most:
        message = f"{winner.account} takes {terms.most} refunds of one payment."
        raise NotOffered(message, field="refund_no")
