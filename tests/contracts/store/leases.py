"""What a store promises of due work: who holds it, until when, and who comes too late."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from retender.domain.model.transition import RefundState
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    MINUTE,
    NOW,
    TICK,
    a_kept_attempt,
    a_kept_refund,
    a_paid_order,
    a_refund,
    an_event,
    an_order,
    keep,
    readable,
)

UNTIL = NOW + MINUTE
AGAIN = UNTIL + MINUTE


@dataclass(frozen=True, slots=True)
class Queue:
    """
    One of the three things that workers claim, in the words that all have in common.

    Attributes:
        put: keep one that is due at NOW and free; returns its name.
        any_due: whether there is anything to claim at a time.
        claim: lease up to so many at a time, until a time; returns their names.
        finish: end the work under a token and plan the next; whether it counted.

    """

    put: Callable[[UnitOfWork], Awaitable[str]]
    any_due: Callable[[Work, datetime], Awaitable[bool]]
    claim: Callable[[Work, datetime, datetime, int], Awaitable[list[str]]]
    finish: Callable[[Work, str, datetime, datetime], Awaitable[bool]]


async def _put_attempt(unit_of_work: UnitOfWork) -> str:
    attempt = await a_kept_attempt(unit_of_work, next_check_at=NOW, leased_until=None)
    return attempt.attempt_id


async def _claim_attempts(work: Work, now: datetime, until: datetime, limit: int) -> list[str]:
    return list(await work.attempts.claim_due(now, until, limit))


async def _put_refund(unit_of_work: UnitOfWork) -> str:
    return (await a_kept_refund(unit_of_work, state=RefundState.SENT)).refund_no


async def _claim_refunds(work: Work, now: datetime, until: datetime, limit: int) -> list[str]:
    return list(await work.refunds.claim_due(now, until, limit))


async def _put_event(unit_of_work: UnitOfWork) -> str:
    event = an_event(an_order())
    await keep(unit_of_work, event)
    return event.event_id


async def _claim_events(work: Work, now: datetime, until: datetime, limit: int) -> list[str]:
    claimed = readable(await work.outbox.claim_due(now, until, limit))
    return [untold.event.event_id for untold in claimed]


QUEUES = {
    "attempts": Queue(
        _put_attempt,
        lambda w, now: w.attempts.any_due(now),
        _claim_attempts,
        lambda w, name, next_at, token: w.attempts.reschedule(name, next_at, held_until=token),
    ),
    "refunds": Queue(
        _put_refund,
        lambda w, now: w.refunds.any_due(now),
        _claim_refunds,
        lambda w, name, next_at, token: w.refunds.reschedule(name, next_at, held_until=token),
    ),
    "events": Queue(
        _put_event,
        lambda w, now: w.outbox.any_due(now),
        _claim_events,
        lambda w, name, next_at, token: w.outbox.put_off(name, next_at, held_until=token),
    ),
}


class LeasesContract(StoreContract):
    """Nobody works on what another holds; what a dead one held comes back; it comes too late."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_what_is_due_is_leased_until_the_lease_is_over(
        self, unit_of_work: UnitOfWork, what: str
    ) -> None:
        """To the microsecond: whoever died, another goes on then, and not before."""
        queue = QUEUES[what]
        name = await queue.put(unit_of_work)
        async with unit_of_work() as work:
            assert await queue.claim(work, NOW, UNTIL, 10) == [name]
            await work.commit()
        async with unit_of_work() as work:
            for at in (NOW, UNTIL - TICK):
                assert await queue.any_due(work, at) is False
                assert await queue.claim(work, at, AGAIN, 10) == []
            assert await queue.any_due(work, UNTIL) is True
            assert await queue.claim(work, UNTIL, AGAIN, 10) == [name]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_a_claim_that_is_undone_leaves_it_free(
        self, unit_of_work: UnitOfWork, what: str
    ) -> None:
        """A worker that dies before its commit held nothing."""
        queue = QUEUES[what]
        name = await queue.put(unit_of_work)
        async with unit_of_work() as work:
            assert await queue.claim(work, NOW, UNTIL, 10) == [name]
        async with unit_of_work() as work:
            assert await queue.any_due(work, NOW) is True
            assert await queue.claim(work, NOW, UNTIL, 10) == [name]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_who_finishes_plans_the_next_time(
        self, unit_of_work: UnitOfWork, what: str
    ) -> None:
        """The lease ends with it; until then it is nobody's, hours away or not."""
        queue, later = QUEUES[what], NOW + timedelta(hours=7)
        name = await queue.put(unit_of_work)
        async with unit_of_work() as work:
            await queue.claim(work, NOW, UNTIL, 10)
            assert await queue.finish(work, name, later, UNTIL) is True
            await work.commit()
        async with unit_of_work() as work:
            for at in (NOW, UNTIL, later - TICK):
                assert await queue.any_due(work, at) is False
                assert await queue.claim(work, at, at + MINUTE, 10) == []
            assert await queue.claim(work, later, later + MINUTE, 10) == [name]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_a_late_finish_is_refused(self, unit_of_work: UnitOfWork, what: str) -> None:
        """The token of a lease that another took over, or that was ended, opens nothing."""
        queue = QUEUES[what]
        name = await queue.put(unit_of_work)
        async with unit_of_work() as work:
            await queue.claim(work, NOW, UNTIL, 10)
            await work.commit()
        async with unit_of_work() as work:
            assert await queue.claim(work, UNTIL, AGAIN, 10) == [name]
            await work.commit()
        async with unit_of_work() as work:
            assert await queue.finish(work, name, NOW, UNTIL) is False
            await work.commit()
        async with unit_of_work() as work:
            assert await queue.any_due(work, AGAIN - TICK) is False, "the second one holds it"
            assert await queue.finish(work, name, AGAIN, AGAIN) is True
            assert await queue.finish(work, name, AGAIN, AGAIN) is False, "nobody holds it"
            assert await queue.finish(work, name, AGAIN, UNTIL) is False

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_a_holder_who_is_late_may_finish_what_nobody_took(
        self, unit_of_work: UnitOfWork, what: str
    ) -> None:
        """What it learnt is planned for; the token is still the row's."""
        queue = QUEUES[what]
        name = await queue.put(unit_of_work)
        async with unit_of_work() as work:
            await queue.claim(work, NOW, UNTIL, 10)
            await work.commit()
        async with unit_of_work() as work:
            assert await queue.finish(work, name, AGAIN, UNTIL) is True
            assert await queue.any_due(work, AGAIN - TICK) is False

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", QUEUES)
    async def test_as_many_as_asked_for(self, unit_of_work: UnitOfWork, what: str) -> None:
        """The others stay free."""
        queue = QUEUES[what]
        names = [await queue.put(unit_of_work) for _ in range(5)]
        async with unit_of_work() as work:
            first = await queue.claim(work, NOW, UNTIL, 3)
            second = await queue.claim(work, NOW, UNTIL, 3)
            assert await queue.claim(work, NOW, UNTIL, 3) == []
        assert (len(first), len(second)) == (3, 2)
        assert sorted(first + second) == sorted(names)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", ["attempts", "refunds"])
    async def test_a_worker_takes_the_work_of_its_accounts(
        self, unit_of_work: UnitOfWork, what: str
    ) -> None:
        """One account's, or that of all others: those that are configured no more."""
        _, tea = await a_paid_order(unit_of_work, account="tea", next_check_at=NOW)
        _, gone = await a_paid_order(unit_of_work, account="gone", next_check_at=NOW)
        await keep(unit_of_work, a_refund(tea), a_refund(gone))

        async def claim(account: str | None, *but: str) -> list[str]:
            """Claim, and let go again."""
            async with unit_of_work() as work:
                rows = getattr(work, what)
                found = await rows.claim_due(NOW, UNTIL, 10, account=account, but=but)
                assert await rows.any_due(UNTIL, account=account, but=but) is bool(found)
                assert await rows.any_due(NOW, account=account, but=but) is False
            async with unit_of_work(read_only=True) as work:
                rows = getattr(work, what)
                assert await rows.any_due(NOW, account=account, but=but) is bool(found)
                got = [await rows.get(name) for name in found]
            return sorted(row.account for row in got)

        assert await claim(None) == ["gone", "tea"]
        assert await claim("tea") == ["tea"]
        assert await claim("TEA") == []
        assert await claim(None, "tea", "coffee") == ["gone"]
        assert await claim("tea", "tea") == []
