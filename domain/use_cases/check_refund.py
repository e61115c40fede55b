"""CheckRefund: take one refund a step further: send it, or ask what became of it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason, Source
from retender.domain.model.errors import (
    ProviderError,
    ProviderRefused,
    ProviderUncertain,
    Refusal,
    UnknownName,
)
from retender.domain.model.lease import is_held
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund, RefundCause, next_try, next_try_unasked
from retender.domain.model.refund_errors import RefundNotExist
from retender.domain.model.transition import ASKED_AFTER, RefundEvent, RefundState
from retender.domain.steps.ask_refund import (
    ask_refund,
    cause_of,
    is_nameless,
    named_refund,
    order_of,
    tell_trouble,
)
from retender.domain.steps.confirm_capture import ConfirmCapture
from retender.domain.steps.external_refund import (
    hear_of_total,
    is_overtaken,
    overtake,
    reckon_total,
)
from retender.domain.steps.inquire import is_askable
from retender.domain.steps.open_attention import call_for_account
from retender.domain.steps.refund_spacing import free_at
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.settle_refund import (
    fail_refund,
    look_again,
    settle_refund,
    try_refund_again,
)
from retender.ports.accounts import Account, Accounts
from retender.ports.new_id import NewId
from retender.ports.payment_provider import (
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class CheckRefund:
    """
    Send a DUE refund, ask after a SENT one; the number never changes.

    An operator's call on a STUCK one asks too, since providers finish some by hand.
    A worker brings the token of its lease. If it woke up late, and the refund is
    held by another or was moved on, it does nothing at all.

    Whoever sends by hand takes a lease, too: two who send at a time could not trust
    a "no", since it would not be about the other's call.

    Attributes:
        budget: the time that a command has to ask after a SENT one; sending takes
            the time that the transport gives.
        lease: for how long one who sends by hand holds the refund.

    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    new_id: NewId
    budget: TimeBudget | None = None
    lease: timedelta = timedelta(minutes=1)

    async def __call__(self, *, refund_no: str, held_until: datetime | None = None) -> Refund:
        """
        Take the step, and return the refund as it stands then.

        Args:
            refund_no: how the shop or we call it.
            held_until: the token of who claimed it; None for a step by hand, which
                never ends the lease of another.

        Raises:
            RefundNotExist: no such number.
            UnknownName: its account is configured no more, and it is a step by hand.

        """
        try:
            refund, order, account = await self._load(refund_no)
        except UnknownName:
            if held_until is None:
                raise  # whoever looks by hand is told
            return await self._wait_for_account(refund_no, held_until)
        if refund.state is RefundState.DONE or refund.cause is RefundCause.EXTERNAL:
            return refund  # of another hand's refund nobody can be asked under our number
        if held_until and not is_held(refund.leased_until, held_until, self.clock()):
            return refund
        with named_refund(refund, order):
            await self._step(refund, order, account, held_until)
            return (await self._load(refund_no))[0]

    async def _step(
        self, refund: Refund, order: RefundOrder, account: Account, held_until: datetime | None
    ) -> None:
        if refund.state is RefundState.DUE:
            await self._send_due(refund, order, account, held_until)
            return
        try:
            await self._ask(refund, order, account, held_until)
        except ProviderError:
            if refund.state is RefundState.STUCK:
                raise  # whoever asks after one of these is a human, or acts on the answer

    async def ask(self, *, refund_no: str) -> RefundReceipt:
        """
        Ask after a refund that was sent once, believe what is proven, and return the answer.

        Raises:
            RefundNotExist: no such number.
            UnknownName: its account is configured no more.
            ProviderError: no answer that proves anything.

        """
        refund, order, account = await self._load(refund_no)
        with named_refund(refund, order):
            return await self._ask(refund, order, account, None)

    async def _load(self, refund_no: str) -> tuple[Refund, RefundOrder, Account]:
        async with self.unit_of_work(read_only=True) as work:
            refund = await work.refunds.get(refund_no)
            attempt = None if refund is None else await work.attempts.get(refund.attempt_id)
        if refund is None or attempt is None:
            raise RefundNotExist(refund_no)
        account = self.accounts.get(attempt.account)
        order = order_of(refund, attempt, account.notify_url)
        return refund, order, account

    @retry_when_busy
    async def _wait_for_account(self, refund_no: str, held_until: datetime) -> Refund:
        """Look again later, and call a human now: the account is configured no more."""
        async with self.unit_of_work() as work:
            now = self.clock()
            refund = await work.refunds.get(refund_no)
            if refund is None:
                raise RefundNotExist(refund_no)
            planned = next_try_unasked(refund, now)
            if await work.refunds.put_off(refund_no, planned, held_until=held_until):
                await call_for_account(work, refund, at=now)
            found = await work.refunds.get(refund_no)
            await work.commit()
        return found or refund

    @retry_when_busy
    async def _write_sent(
        self, refund: Refund, spacing: timedelta, held_until: datetime | None
    ) -> Refund:
        """
        Note that it is about to be sent; a crash after this leads to a query, not a loss.

        Not before the provider's least time after another one: until then it stays due. Two at
        once are kept apart by their order, which is held.
        """
        async with self.unit_of_work() as work:
            if spacing:
                await work.orders.hold(refund.order_id)
            now = self.clock()
            if (free := await free_at(work, refund, spacing)) > now:
                if held_until is not None:
                    await work.refunds.put_off(refund.refund_no, free, held_until=held_until)
                    await work.commit()
                return refund
            moved = await work.refunds.move(
                refund.refund_no,
                RefundEvent.SENT,
                at=now,
                cause=Cause(reason=Reason.SENT_NOW, tries=refund.tries + 1, number=refund.number),
                next_try_at=next_try(refund, now),
                held_until=held_until,
                hold_until=None if held_until else now + self.lease,
            )
            found = await work.refunds.get(refund.refund_no)
            await work.commit()
        # Not moved: another worker sends it at this moment, and we need not.
        return found if moved and found is not None else refund

    async def _send_due(
        self, refund: Refund, order: RefundOrder, account: Account, held_until: datetime | None
    ) -> None:
        """Write down that it is sent, then send it; a further capture only if it is one."""
        if refund.trade_no is not None:
            confirm = ConfirmCapture(self.unit_of_work, self.clock, self.new_id, self.budget)
            if not await confirm(refund, account.provider, held_until):
                return
        spacing = account.provider.terms.refunds.spacing
        refund = await self._write_sent(refund, spacing, held_until)
        if refund.state is RefundState.SENT:
            await self._send(refund, order, account, refund.leased_until)

    async def _send(
        self, refund: Refund, order: RefundOrder, account: Account, held_until: datetime | None
    ) -> None:
        try:
            receipt = await account.provider.refund(order)
        except ProviderRefused as refused:
            if refused.refusal is Refusal.NOT_NOW:
                await self._again(refund, cause_of(refused), refused, held_until)
            else:
                await self._really_refused(refund, order, account, refused, held_until)
        except ProviderError as problem:
            once = not account.provider.terms.refunds.repeatable
            if once and isinstance(problem, ProviderUncertain):
                # It may have gone back, and a second time is not harmless: ask, do not send.
                await self._look_again(refund, problem, held_until, question=Source.REFUND)
            else:
                await self._again(refund, cause_of(problem), problem, held_until)
        else:
            await self._settle(refund, receipt, Source.REFUND, held_until)

    async def _ask(
        self, refund: Refund, order: RefundOrder, account: Account, held_until: datetime | None
    ) -> RefundReceipt:
        repeatable = account.provider.terms.refunds.repeatable
        ask, asked_at = partial(ask_refund, account.provider), self.clock()
        try:
            receipt = await (self.budget.answer(ask, order) if self.budget else ask(order))
        except ProviderError as problem:
            nameless = is_nameless(account.provider, order)
            if nameless and refund.state is RefundState.SENT and repeatable:
                # Only its answer names it, and a repeat is answered as the first send was.
                await self._again(refund, cause_of(problem), problem, held_until)
            elif nameless and refund.state is RefundState.DOUBTED:
                await self._end_doubt(refund, held_until)
            else:
                await self._look_again(refund, problem, held_until)
            raise
        late = not self.clock.is_wrong(account.name) and refund.proves_absence(asked_at)
        proves = late or repeatable
        await self._settle(refund, receipt, Source.REFUND_QUERY, held_until, absence_proves=proves)
        return receipt

    @retry_when_busy
    async def _look_again(
        self,
        refund: Refund,
        problem: ProviderError,
        held_until: datetime | None,
        *,
        question: Source = Source.REFUND_QUERY,
    ) -> None:
        async with self.unit_of_work() as work:
            now = self.clock()
            if refund.state in ASKED_AFTER:
                await look_again(work, refund, at=now, held_until=held_until)
            await tell_trouble(work, refund, question, problem, at=now)
            await work.commit()

    @retry_when_busy
    async def _end_doubt(self, refund: Refund, held_until: datetime | None) -> None:
        """Let a human look, as nobody can be asked whether it failed after all."""
        cause = Cause(reason=Reason.REVERSED_AND_NOT_ASKABLE)
        async with self.unit_of_work() as work:
            await fail_refund(
                work, refund, cause, at=self.clock(), new_id=self.new_id, held_until=held_until
            )
            await work.commit()

    async def _really_refused(
        self,
        refund: Refund,
        order: RefundOrder,
        account: Account,
        refused: ProviderRefused,
        held_until: datetime | None,
    ) -> None:
        """
        Ask before giving up: an earlier send of this number may have succeeded.

        A refusal of a repeat says that *this* call moved nothing, no more. That of the only
        send says it of the refund, where nobody can be asked.
        """
        if refund.tries <= 1 and is_nameless(account.provider, order):
            await self._give_up(refund, refused, held_until)
            return
        try:
            receipt = await ask_refund(account.provider, order)
        except ProviderError as problem:
            await self._again(refund, cause_of(refused, problem), refused, held_until)
            return
        if receipt.state is RefundReceiptState.NOT_FOUND:
            if not await self._is_overtaken(refund, account):
                await self._give_up(refund, refused, held_until)
        else:
            await self._settle(refund, receipt, Source.REFUND_QUERY, held_until)

    async def _is_overtaken(self, refund: Refund, account: Account) -> bool:
        """
        Ask for the charge: another hand may have given back what this refund was to.

        Then the gateway refuses ours for good reason, and nobody has to look.
        """
        async with self.unit_of_work(read_only=True) as work:
            attempt = await work.attempts.get(refund.attempt_id)
        if attempt is None:  # a foreign key forbids it
            return False
        total = None
        if is_askable(account.provider, attempt):
            with suppress(ProviderError):  # then the books alone must say it
                receipt = await account.provider.query(attempt.charge)
                ours = receipt.state is ReceiptState.PAID and receipt.foreign is None
                total = receipt.refunded if ours else None
        return await self._overtaken(refund, attempt, total)

    @retry_when_busy
    async def _overtaken(self, refund: Refund, attempt: Attempt, total: Money | None) -> bool:
        async with self.unit_of_work() as work:
            at = self.clock()
            if not await is_overtaken(work, refund, told=total):
                return False
            await overtake(work, refund, at=at, new_id=self.new_id)
            if total is not None:
                await hear_of_total(
                    work, attempt, total, source=Source.QUERY, at=at, new_id=self.new_id
                )
            await work.commit()
        return True

    @retry_when_busy
    async def _give_up(
        self, refund: Refund, refused: ProviderRefused, held_until: datetime | None
    ) -> None:
        async with self.unit_of_work() as work:
            at = self.clock()
            await work.orders.hold(refund.order_id)
            await tell_trouble(work, refund, Source.REFUND, refused, at=at)
            cause = cause_of(refused)
            await fail_refund(work, refund, cause, at=at, new_id=self.new_id, held_until=held_until)
            # A total that was told meanwhile counts now: ours can be no part of it any more.
            await reckon_total(
                work, refund.attempt_id, source=Source.REFUND, at=at, new_id=self.new_id
            )
            await work.commit()

    @retry_when_busy
    async def _again(
        self, refund: Refund, cause: Cause, problem: ProviderError, held_until: datetime | None
    ) -> None:
        async with self.unit_of_work() as work:
            at = self.clock()
            await work.orders.hold(refund.order_id)
            await tell_trouble(work, refund, Source.REFUND, problem, at=at)
            await try_refund_again(
                work, refund, cause, at=at, new_id=self.new_id, held_until=held_until
            )
            await reckon_total(
                work, refund.attempt_id, source=Source.REFUND, at=at, new_id=self.new_id
            )
            await work.commit()

    @retry_when_busy
    async def _settle(
        self,
        refund: Refund,
        receipt: RefundReceipt,
        source: Source,
        held_until: datetime | None,
        *,
        absence_proves: bool = False,
    ) -> None:
        async with self.unit_of_work() as work:
            at = self.clock()
            await settle_refund(
                work,
                refund,
                receipt,
                source=source,
                at=at,
                new_id=self.new_id,
                held_until=held_until,
                absence_proves=absence_proves,
            )
            await reckon_total(work, refund.attempt_id, source=source, at=at, new_id=self.new_id)
            await work.commit()
