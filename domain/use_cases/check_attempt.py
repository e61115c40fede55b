"""CheckAttempt: find out what became of one attempt, and close it if it should be closed."""

from dataclasses import dataclass, replace

from retender.domain.model.attempt import Attempt, next_check
from retender.domain.model.errors import UnknownName
from retender.domain.model.event import StoryKind
from retender.domain.model.transition import AttemptEvent, AttemptState
from retender.domain.use_cases.captured import tell
from retender.domain.use_cases.find_out import FindOut
from retender.ports.accounts import Accounts
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.payment_provider import ClosePower, PaymentProvider, ReceiptState
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CheckAttempt:
    """
    One look of the janitor at one attempt; it plans the next look, and never gives up.

    An attempt past its upstream expiry is closed as one that somebody wanted
    closed: a provider may keep an unpaid trade open for days after.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: Clock
    new_id: NewId

    async def __call__(self, *, attempt_id: str) -> Attempt:
        """
        Ask the provider, believe what is proven, and return the attempt as it is then.

        Raises:
            UnknownName: no such attempt.

        """
        attempt = await self._load(attempt_id)
        if not attempt.is_live:
            return attempt
        try:
            provider = self.accounts.get(attempt.account).provider
        except UnknownName as unknown:
            await self._plan(attempt, f"cannot be asked: {unknown.message}")
            return await self._load(attempt_id)
        attempt = await self._want_closed_if_over(attempt)
        await self._look(provider, attempt)
        await self._plan(attempt, None)
        return await self._load(attempt_id)

    async def _look(self, provider: PaymentProvider, attempt: Attempt) -> None:
        find_out = FindOut(self.unit_of_work, self.clock, self.new_id)
        receipt = await find_out.ask(provider, attempt)
        closing = attempt.state is AttemptState.CLOSING
        closable = provider.terms.page_for(attempt.charge).close is not ClosePower.NONE
        if closing and closable and receipt is not None and receipt.state is ReceiptState.OPEN:
            await find_out.close(provider, attempt)

    async def _want_closed_if_over(self, attempt: Attempt) -> Attempt:
        """Write the wish to close down before acting on it, as everywhere."""
        now = self.clock()
        if not attempt.is_payable or now < attempt.charge.expires_at:
            return attempt
        async with self.unit_of_work() as work:
            await work.attempts.move(
                attempt.attempt_id,
                AttemptEvent.CLOSE_WANTED,
                at=now,
                why="its time at the provider is over",
                next_check_at=now,
            )
            await work.commit()
        return await self._load(attempt.attempt_id)

    async def _plan(self, attempt: Attempt, problem: str | None) -> None:
        async with self.unit_of_work() as work:
            now = self.clock()
            looked = replace(attempt, checks=attempt.checks + 1)
            await work.attempts.reschedule(attempt.attempt_id, next_check(looked, now))
            if problem is not None:
                await tell(
                    work,
                    attempt,
                    at=now,
                    what="not checked",
                    why=problem,
                    kind=StoryKind.NO_ANSWER,
                    facts={"account": attempt.account},
                )
            await work.commit()

    async def _load(self, attempt_id: str) -> Attempt:
        async with self.unit_of_work(read_only=True) as work:
            attempt = await work.attempts.get(attempt_id)
        if attempt is None:
            raise UnknownName("attempt", attempt_id, [])
        return attempt
