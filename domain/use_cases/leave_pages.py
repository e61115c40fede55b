"""LeavePages: leave an order's other pages behind, as far as policy and providers allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import PayOrderStateError, SwitchRefused, UnknownName
from retender.domain.model.event import StoryKind
from retender.domain.model.order import Order
from retender.domain.model.transition import CAPTURED, AttemptEvent
from retender.domain.use_cases.captured import tell
from retender.domain.use_cases.find_out import FindOut
from retender.domain.use_cases.policy import PayPolicy
from retender.domain.use_cases.redone import redone
from retender.ports.accounts import Account, Accounts, SwitchPolicy
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.payment_provider import ReceiptState
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class LeavePages:
    """
    Query, close, confirm each page that the payer leaves (protocol 1.4).

    ``strict`` goes on only when the page is conclusively dead; ``best_effort``
    does what it can and leaves the rest to the worker; ``none`` leaves the page
    open and trusts in the automatic refund.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: Clock
    new_id: NewId
    policy: PayPolicy

    async def __call__(self, order: Order, others: Sequence[Attempt]) -> None:
        """
        Leave every live attempt among ``others``.

        Raises:
            PayOrderStateError: one of them turned out to be paid.
            SwitchRefused: one may still be paid, and its policy is strict.

        """
        for other in others:
            if not other.is_live:
                continue
            policy = self.policy_for(other)
            if policy is SwitchPolicy.NONE:
                why = f"policy none ({self.why_policy(other)}): a surplus would be refunded"
                await self._say(other, "left open", why, StoryKind.PAGE_LEFT_OPEN)
            elif policy is SwitchPolicy.STRICT:
                await self._leave_dead(order, other)
            else:
                await self._leave_as_can_be(other)
            await self._stop_if_paid(order, other)

    def policy_for(self, attempt: Attempt) -> SwitchPolicy:
        """Return how to leave this attempt; strict unless its account can still be asked."""
        account = self._account_of(attempt)
        if account is None:
            return self.policy.switch_policy_without_account
        power = account.provider.terms.page_for(attempt.charge).close
        return self.policy.for_switch(account, power, attempt.charge.amount)

    def why_policy(self, attempt: Attempt) -> str:
        """Say in words why ``policy_for`` answers as it does."""
        account = self._account_of(attempt)
        if account is None:
            return f"{attempt.account} is configured no more, and nobody can be asked"
        power = account.provider.terms.page_for(attempt.charge).close
        return self.policy.why_for_switch(account, power, attempt.charge.amount)

    async def _leave_dead(self, order: Order, other: Attempt) -> None:
        """Go on only if the provider says that it is closed; else say until when to wait."""
        account = self._account_of(other)
        receipt = None
        if account is not None:
            find_out = FindOut(self.unit_of_work, self.clock, self.new_id)
            receipt = await find_out.ask(account.provider, other)
            # Only a trade that exists can be closed for sure; closing anything
            # else would take the payer's one page away and prove nothing.
            if receipt is not None and receipt.state is ReceiptState.OPEN:
                await self._want_closed(other, "the payer switches; policy strict")
                receipt = await find_out.close(account.provider, other)
        now_is = await self._reload(other)
        if now_is.is_live:
            remaining = max(timedelta(0), other.watch_until - self.clock())
            until = other.watch_until.isoformat()
            why = f"policy strict ({self.why_policy(other)}): may still be paid until {until}"
            await self._say(other, "switch refused", why, StoryKind.SWITCH_REFUSED)
            raise SwitchRefused(
                order.order_no,
                other.account,
                other.watch_until,
                remaining // timedelta(seconds=1),
            )

    async def _leave_as_can_be(self, other: Attempt) -> None:
        """Close what can be closed; what cannot is CLOSING, and the worker watches it."""
        await self._want_closed(other, "the payer switches; policy best effort")
        account = self._account_of(other)
        if account is not None:
            find_out = FindOut(self.unit_of_work, self.clock, self.new_id)
            await find_out.close(account.provider, other)

    @redone
    async def _want_closed(self, other: Attempt, why: str) -> None:
        async with self.unit_of_work() as work:
            now = self.clock()
            if await work.attempts.move(
                other.attempt_id, AttemptEvent.CLOSE_WANTED, at=now, why=why, next_check_at=now
            ):
                await tell(
                    work,
                    other,
                    at=now,
                    what=f"{other.charge.page_kind} page of {other.account} left behind",
                    why=f"policy {self.policy_for(other)}: {self.why_policy(other)}",
                    kind=StoryKind.PAGE_LEFT,
                    facts=self._facts(other),
                )
            await work.commit()

    async def _stop_if_paid(self, order: Order, other: Attempt) -> None:
        if (await self._reload(other)).state in CAPTURED:
            raise PayOrderStateError(order.order_no, "PAID", "the earlier page was paid")

    async def _reload(self, other: Attempt) -> Attempt:
        async with self.unit_of_work(read_only=True) as work:
            return await work.attempts.get(other.attempt_id) or other

    @redone
    async def _say(self, other: Attempt, what: str, why: str, kind: StoryKind) -> None:
        async with self.unit_of_work() as work:
            facts = self._facts(other)
            await tell(work, other, at=self.clock(), what=what, why=why, kind=kind, facts=facts)
            await work.commit()

    def _facts(self, other: Attempt) -> dict[str, object]:
        return {
            "account": other.account,
            "policy": self.policy_for(other),
            "policy_because": self.why_policy(other),
            "payable_until": other.watch_until.isoformat(),
        }

    def _account_of(self, attempt: Attempt) -> Account | None:
        try:
            return self.accounts.get(attempt.account)
        except UnknownName:
            return None  # no longer configured: nobody can be asked about its pages
