"""FindDueWork: lease the attempts to look at and the refunds to move, for one worker."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class DueWork:
    """
    What one worker holds until its lease is over.

    Attributes:
        attempt_ids: to be checked.
        refund_nos: to be sent or asked after.
        held_until: the lease's end, and its token; None if nothing was found.

    """

    attempt_ids: tuple[str, ...] = ()
    refund_nos: tuple[str, ...] = ()
    held_until: datetime | None = None


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

    @retry_when_busy
    async def __call__(
        self, *, limit: int = 20, account: str | None = None, but: Collection[str] = ()
    ) -> DueWork:
        """
        Lease up to ``limit`` attempts and as many refunds, the most overdue first.

        Args:
            limit: how many of each.
            account: of this account only.
            but: of no account among these; with the accounts that are configured,
                what is left is work of accounts that are configured no more.

        """
        async with self.unit_of_work(read_only=True) as work:
            now = self.clock()
            # Only who has something to write down waits for other writers.
            found = await work.attempts.any_due(
                now, account=account, but=but
            ) or await work.refunds.any_due(now, account=account, but=but)
        if not found:
            return DueWork()
        async with self.unit_of_work() as work:
            now = self.clock()
            until = now + self.lease
            attempt_ids = await work.attempts.claim_due(now, until, limit, account=account, but=but)
            refund_nos = await work.refunds.claim_due(now, until, limit, account=account, but=but)
            await work.commit()
        return DueWork(
            attempt_ids=tuple(attempt_ids),
            refund_nos=tuple(refund_nos),
            held_until=until,
        )
