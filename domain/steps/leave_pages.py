"""LeavePages: leave an order's other pages behind, as far as policy and providers allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import PayOrderStateError, SwitchRefused, UnknownName
from retender.domain.model.lease import is_free
from retender.domain.model.order import Order
from retender.domain.model.story_pages import PageLeft, PageLeftOpen, SwitchNotAllowed
from retender.domain.model.switch_policy import SwitchChoice, SwitchPolicy, SwitchReason
from retender.domain.model.transition import CAPTURED, AttemptEvent
from retender.domain.steps.in_question import account_in_question, refuse_in_question
from retender.domain.steps.pay_request import PayRequest
from retender.domain.steps.refresh_attempts import RefreshAttempts
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import tell
from retender.ports.accounts import Account, Accounts
from retender.ports.pay_policy import PayPolicy
from retender.ports.payment_provider import ReceiptState
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class LeavePages:
    """
    Query, close, confirm the pages that the payer leaves (protocol 1.4).

    ``strict`` goes on only when a page is conclusively dead; ``best_effort`` does
    what it can and leaves the rest to the worker; ``none`` leaves the page open
    and trusts in the automatic refund. What a page has become is found out under
    all of them: a second page beside a paid one helps nobody.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    policy: PayPolicy
    refresh: RefreshAttempts

    async def __call__(self, order: Order, others: Sequence[Attempt]) -> None:
        """
        Leave every live attempt among ``others``.

        Raises:
            PayOrderStateError: one of them turned out to be paid.
            SwitchRefused: one may still be paid, and its policy is strict.
            PaymentInQuestion: money was taken by one, and not as it was asked for.

        """
        live = [other for other in others if other.is_live]
        orphans = [other for other in live if self._may_be_orphan(other)]
        for other in orphans:
            await self._want_closed(other)
        # One whose page was kept at that very moment is left like any other.
        seen = [o for o in await self._unpaid(order, orphans) if not self.is_harmless(o)]
        live = [other for other in live if other not in orphans] + seen
        # Best effort closes whatever it is, and a close finds out as well; the others come
        # first, so that no page is closed for a switch that is refused.
        closable = await self._ask(order, [o for o in live if not self._is_best_effort(o)])
        leaving = [o for o in live if self._is_best_effort(o) or o.attempt_id in closable]
        until = self.clock() + self.policy.asking_for
        alone = [o.attempt_id for o in leaving if await self._want_closed(o, until)]
        await self.refresh.close(leaving)
        unpaid = await self._unpaid(order, leaving)
        for other in unpaid:
            if other.attempt_id in alone:
                await self._closed_in_vain(other, until)
        for other in unpaid:
            await self._refuse_if_strict(order, other)

    async def retire(
        self,
        work: Work,
        others: Sequence[Attempt],
        *,
        at: datetime,
        request: PayRequest,
        order: Order,
    ) -> bool:
        """
        Mark the payable ones CLOSING, as they are in the caller's transaction.

        False if one of them may still be paid, and its policy is strict: start over.
        """
        for other in others:
            policy = self.policy_for(other)
            if policy is SwitchPolicy.STRICT and other.is_live and not self.is_harmless(other):
                return False
            if other.is_payable and (
                policy is not SwitchPolicy.NONE
                or other.fingerprint == request.fingerprint_for(order.amount)
            ):
                await work.attempts.move(
                    other.attempt_id,
                    AttemptEvent.CLOSE_WANTED,
                    at=at,
                    cause=Cause(reason=Reason.REPLACED),
                    next_check_at=at,
                )
        return True

    async def _ask(self, order: Order, others: Sequence[Attempt]) -> list[str]:
        """Find out what the pages have become, and return which of them must be closed."""
        receipts = await self.refresh.ask(others)
        open_ones = [
            other.attempt_id
            for other, receipt in zip(others, receipts, strict=True)
            if receipt is not None and receipt.state is ReceiptState.OPEN
        ]
        closable = []
        for other in await self._unpaid(order, others):
            if self.policy_for(other) is SwitchPolicy.NONE:
                await self._say(other, PageLeftOpen)
            elif other.attempt_id in open_ones:
                closable.append(other.attempt_id)
            else:
                # Only a trade that exists can be closed for sure; closing anything
                # else would take the payer's one page away and prove nothing.
                await self._refuse_if_strict(order, other)
        return closable

    def _is_best_effort(self, other: Attempt) -> bool:
        return self.policy_for(other) is SwitchPolicy.BEST_EFFORT

    def _may_be_orphan(self, other: Attempt) -> bool:
        """Tell whether an attempt has no page, and its provider shows one to nobody but us."""
        return (
            other.opened_at is None
            and self._is_known_from_answer_only(other)
            and self.policy_for(other) is not SwitchPolicy.NONE
        )

    def is_harmless(self, other: Attempt) -> bool:
        """
        Tell whether nobody can pay an attempt that is live: nobody ever sees its page.

        It is watched and asked about as ever, and money that comes all the same is settled
        like any other; but nobody has to wait for it.
        """
        return other.is_unseen and self._is_known_from_answer_only(other)

    def _is_known_from_answer_only(self, other: Attempt) -> bool:
        account = self._account_of(other)
        if account is None:
            return False
        return not account.provider.terms.page_for(other.charge).orphan_payable

    def policy_for(self, attempt: Attempt) -> SwitchPolicy:
        """Return how to leave this attempt; strict unless its account can still be asked."""
        return self._choice(attempt).policy

    def _choice(self, attempt: Attempt) -> SwitchChoice:
        """Return the policy, and from what it follows."""
        account = self._account_of(attempt)
        if account is None:
            policy = self.policy.switch_policy_without_account
            return SwitchChoice(policy=policy, reason=SwitchReason.ACCOUNT_GONE)
        power = account.provider.terms.page_for(attempt.charge).close
        return self.policy.choice_for_switch(account, power, attempt.charge.amount)

    async def _refuse_if_strict(self, order: Order, other: Attempt) -> None:
        """Go on only past what is dead for sure; else say until when to wait."""
        if self.policy_for(other) is not SwitchPolicy.STRICT:
            return
        remaining = max(timedelta(0), other.watch_until - self.clock())
        await self._say(other, SwitchNotAllowed)
        raise SwitchRefused(
            order.order_no, other.account, other.watch_until, remaining // timedelta(seconds=1)
        )

    @retry_when_busy
    async def _want_closed(self, other: Attempt, until: datetime | None = None) -> bool:
        """
        Write the request down; what cannot be closed is CLOSING, and the worker watches it.

        With ``until`` the caller closes it now: nobody takes it back before that is over.
        Return whether nobody else is closing it: whose claim went over another's must let it
        run out, as the other's close may still be on its way to the provider.
        """
        choice = self._choice(other)
        async with self.unit_of_work() as work:
            now, place = self.clock(), work.story.place()
            if await work.attempts.move(
                other.attempt_id,
                AttemptEvent.CLOSE_WANTED,
                at=now,
                cause=Cause(reason=Reason.PAYER_SWITCHED, policy=choice.policy),
                next_check_at=now,
            ):
                left = PageLeft(
                    account=other.account,
                    page_kind=other.charge.page_kind,
                    choice=choice,
                    payable_until=other.watch_until,
                )
                await tell(work, other, left, at=now, place=place)
            alone = True
            if until is not None:
                found = await work.attempts.get(other.attempt_id)
                alone = found is None or is_free(found.asking_until, now)
                await work.attempts.claim_closing(other.attempt_id, until)
            await work.commit()
        return alone

    @retry_when_busy
    async def _closed_in_vain(self, other: Attempt, until: datetime) -> None:
        """Let the payer come back to it: nobody is closing it any more."""
        async with self.unit_of_work() as work:
            await work.attempts.release_asking(other.attempt_id, asked_until=until)
            await work.commit()

    async def _unpaid(self, order: Order, others: Sequence[Attempt]) -> Sequence[Attempt]:
        """Return those that are still live, or raise if one of them was paid, as asked or not."""
        if not others:
            return ()
        async with self.unit_of_work(read_only=True) as work:
            found = [await work.attempts.get(other.attempt_id) or other for other in others]
            questioned = await account_in_question(work, order)
        if any(other.state in CAPTURED for other in found):
            raise PayOrderStateError(order.order_no, "PAID", "the earlier page was paid")
        refuse_in_question(order, questioned)
        return [other for other in found if other.is_live]

    @retry_when_busy
    async def _say(self, other: Attempt, what: type[PageLeftOpen] | type[SwitchNotAllowed]) -> None:
        async with self.unit_of_work() as work:
            said = what(
                account=other.account,
                choice=self._choice(other),
                payable_until=other.watch_until,
            )
            await tell(work, other, said, at=self.clock())
            await work.commit()

    def _account_of(self, attempt: Attempt) -> Account | None:
        try:
            return self.accounts.get(attempt.account)
        except UnknownName:
            return None  # no longer configured: nobody can be asked about its pages
