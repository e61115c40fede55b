"""FindDueWork: lease the attempts to look at and the refunds to move, for one worker."""

from dataclasses import dataclass
from datetime import timedelta

from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class DueWork:
    """What one worker holds until its lease is over."""

    attempt_ids: tuple[str, ...]
    refund_nos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindDueWork:
    """
    Claim a batch; no two workers get the same item at the same time.

    All the work is idempotent, so a lease that ran out costs a second call to a
    provider, never money.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    lease: timedelta = timedelta(minutes=1)

    async def __call__(self, *, limit: int = 20) -> DueWork:
        """Lease up to ``limit`` attempts and as many refunds, the most overdue first."""
        async with self.unit_of_work() as work:
            now = self.clock()
            until = now + self.lease
            attempts = await work.attempts.claim_due(now, until, limit)
            refunds = await work.refunds.claim_due(now, until, limit)
            await work.commit()
        return DueWork(
            attempt_ids=tuple(attempt.attempt_id for attempt in attempts),
            refund_nos=tuple(refund.refund_no for refund in refunds),
        )
