"""CheckAttempt: find out what became of one attempt, and close it if it should be closed."""

from dataclasses import dataclass, replace
from datetime import datetime

from retender.domain.model.attempt import Attempt, next_check
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import UnknownName
from retender.domain.model.lease import is_free, is_held
from retender.domain.model.named import named_attempt
from retender.domain.model.story_money import ProviderNotAsked
from retender.domain.model.transition import AttemptEvent, AttemptState
from retender.domain.steps.inquire import Inquire, is_askable
from retender.domain.steps.open_attention import call_for_account
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.tell import problem_of, tell
from retender.ports.accounts import Accounts
from retender.ports.new_id import NewId
from retender.ports.payment_provider import ClosePower, PaymentProvider, ReceiptState
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class CheckAttempt:
    """
    One look of the janitor at one attempt; it plans the next look, and never gives up.

    An attempt past its upstream expiry is closed as one that somebody wanted
    closed: a provider may keep an unpaid trade open for days after.

    A worker brings the token of its lease. If it woke up late, and the attempt
    is held by another or was moved on, it does nothing at all.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    new_id: NewId

    async def __call__(self, *, attempt_id: str, held_until: datetime | None = None) -> Attempt:
        """
        Ask the provider, believe what is proven, and return the attempt as it is then.

        Args:
            attempt_id: ours.
            held_until: the token of who claimed it; None for a look by hand, which
                never ends the lease of another.

        Raises:
            UnknownName: no such attempt.

        """
        attempt = await self._load(attempt_id)
        if not attempt.is_live or self._is_lost(attempt, held_until):
            return attempt
        with named_attempt(attempt):
            return await self._check(attempt, held_until)

    async def _check(self, attempt: Attempt, held_until: datetime | None) -> Attempt:
        try:
            provider = self.accounts.get(attempt.account).provider
        except UnknownName as unknown:
            return await self._plan(attempt, held_until, self.clock(), unknown)
        attempt = await self._want_closed_if_over(attempt, held_until)
        if self._is_lost(attempt, held_until):
            return attempt
        asked_at = self.clock()
        await self._look(provider, attempt, held_until)
        return await self._plan(attempt, held_until, asked_at, None)

    def _is_lost(self, attempt: Attempt, held_until: datetime | None) -> bool:
        """Tell whether the attempt is held by another, or by nobody, rather than by the caller."""
        if held_until is None:
            return False
        return not is_held(attempt.leased_until, held_until, self.clock())

    async def _look(
        self, provider: PaymentProvider, attempt: Attempt, held_until: datetime | None
    ) -> None:
        inquire = Inquire(self.unit_of_work, self.clock, self.new_id)
        if not is_askable(provider, attempt):
            await self._end_unseen(provider, attempt)
            return
        receipt = await inquire.ask(provider, attempt)
        closing = attempt.state is AttemptState.CLOSING
        closable = provider.terms.page_for(attempt.charge).close is not ClosePower.NONE
        if not (closing and closable and receipt and receipt.state is ReceiptState.OPEN):
            return
        if await self._is_still_to_close(attempt, held_until):
            await inquire.close(provider, attempt)

    async def _is_still_to_close(self, attempt: Attempt, held_until: datetime | None) -> bool:
        """Look once more before the act: the answer may have been long in coming."""
        async with self.unit_of_work(read_only=True) as work:
            found = await work.attempts.get(attempt.attempt_id)
        if found is None or found.state is not AttemptState.CLOSING:
            return False  # the payer has taken its page back, for one
        return not self._is_lost(found, held_until)

    @retry_when_busy
    async def _end_unseen(self, provider: PaymentProvider, attempt: Attempt) -> None:
        """
        End what nobody can ask about, nor ever saw, once its time is over.

        Its reference was in an answer that was lost, and so was its page. Who may see the
        page in another way may pay it: then it stays, and a human is called in time.
        """
        known_from_answer_only = not provider.terms.page_for(attempt.charge).orphan_payable
        if not (attempt.is_unseen and known_from_answer_only):
            return
        if self.clock.is_wrong(attempt.account) or not attempt.proves_absence(self.clock()):
            return
        async with self.unit_of_work() as work:
            await work.attempts.move(
                attempt.attempt_id,
                AttemptEvent.PROVEN_DEAD,
                at=self.clock(),
                cause=Cause(reason=Reason.NEVER_SEEN),
            )
            await work.commit()

    @retry_when_busy
    async def _want_closed_if_over(self, attempt: Attempt, held_until: datetime | None) -> Attempt:
        """Write the wish to close down before acting on it, as everywhere."""
        now = self.clock()
        if not attempt.is_payable or now < attempt.charge.expires_at:
            return attempt
        if self.clock.is_wrong(attempt.account):
            return attempt
        if held_until is None and not is_free(attempt.leased_until, now):
            return attempt  # whoever holds it does the same at this moment
        async with self.unit_of_work() as work:
            await work.attempts.move(
                attempt.attempt_id,
                AttemptEvent.CLOSE_WANTED,
                at=now,
                cause=Cause(reason=Reason.TIME_AT_PROVIDER_OVER),
                next_check_at=now,
                held_until=held_until,
            )
            found = await work.attempts.get(attempt.attempt_id)
            await work.commit()
        return found or attempt

    @retry_when_busy
    async def _plan(
        self,
        attempt: Attempt,
        held_until: datetime | None,
        asked_at: datetime,
        problem: UnknownName | None,
    ) -> Attempt:
        """Plan the next look, call a human if nobody can be asked, and return how it stands."""
        async with self.unit_of_work() as work:
            now = self.clock()
            looked = replace(attempt, checks=attempt.checks + 1)
            if held_until is None and is_free(attempt.leased_until, now):
                held_until = attempt.leased_until  # nobody's then, and it must be nobody's still
            await work.attempts.reschedule(
                attempt.attempt_id, next_check(looked, now, asked_at), held_until=held_until
            )
            if problem is not None:
                nobody = ProviderNotAsked(account=attempt.account, problem=problem_of(problem))
                await tell(work, attempt, nobody, at=now)
                await call_for_account(work, attempt, at=now)
            found = await work.attempts.get(attempt.attempt_id)
            await work.commit()
        return found or attempt

    async def _load(self, attempt_id: str) -> Attempt:
        async with self.unit_of_work(read_only=True) as work:
            attempt = await work.attempts.get(attempt_id)
        if attempt is None:
            raise UnknownName("attempt", attempt_id, [])
        return attempt
