"""What a store promises of due work: who holds it, until when, and who comes too late."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from retender.domain.model.event import EventKind, UntoldEvent
from retender.domain.model.transition import (
    LIVE,
    UNDER_WAY,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    RefundEvent,
    RefundState,
)
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
    an_attempt,
    an_event,
    an_order,
    keep,
)

UNTIL = NOW + MINUTE
AGAIN = UNTIL + MINUTE
DEAD = [state for state in AttemptState if state not in LIVE]
AT_REST = [state for state in RefundState if state not in UNDER_WAY]


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
    return [a.attempt_id for a in await work.attempts.claim_due(now, until, limit)]


async def _put_refund(unit_of_work: UnitOfWork) -> str:
    return (await a_kept_refund(unit_of_work, state=RefundState.SENT)).refund_no


async def _claim_refunds(work: Work, now: datetime, until: datetime, limit: int) -> list[str]:
    return [r.refund_no for r in await work.refunds.claim_due(now, until, limit)]


async def _put_event(unit_of_work: UnitOfWork) -> str:
    event = an_event(an_order())
    await keep(unit_of_work, event)
    return event.event_id


async def _claim_events(work: Work, now: datetime, until: datetime, limit: int) -> list[str]:
    return [untold.event.event_id for untold in await work.outbox.claim_due(now, until, limit)]


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

    # --- what is true of all three ------------------------------------------------------

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
                any_due = getattr(work, what).any_due
                assert await any_due(NOW, account=account, but=but) is bool(found)
            return sorted(row.account for row in found)

        assert await claim(None) == ["gone", "tea"]
        assert await claim("tea") == ["tea"]
        assert await claim("TEA") == []
        assert await claim(None, "tea", "coffee") == ["gone"]
        assert await claim("tea", "tea") == []

    # --- attempts -----------------------------------------------------------------------

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", LIVE)
    async def test_a_due_attempt_comes_with_its_lease(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """From the planned time on, equal in every other field."""
        attempt = await a_kept_attempt(unit_of_work, state, next_check_at=NOW, leased_until=None)
        leased = replace(attempt, leased_until=UNTIL)
        async with unit_of_work() as work:
            assert list(await work.attempts.claim_due(NOW - TICK, UNTIL, 10)) == []
            assert list(await work.attempts.claim_due(NOW, UNTIL, 10)) == [leased]
            assert await work.attempts.get(attempt.attempt_id) == leased

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", DEAD)
    async def test_a_dead_attempt_is_never_due(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """Even if a time to look at it was left behind."""
        await a_kept_attempt(unit_of_work, state, next_check_at=NOW, leased_until=None)
        async with unit_of_work() as work:
            assert await work.attempts.any_due(UNTIL) is False
            assert list(await work.attempts.claim_due(UNTIL, AGAIN, 10)) == []

    @pytest.mark.asyncio
    async def test_the_most_overdue_attempts_come_first(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the order of writing."""
        order = an_order()
        attempts = [
            an_attempt(
                order,
                idx=idx,
                fingerprint=f"{idx:032}",
                next_check_at=NOW - age * TICK,
                leased_until=NOW - MINUTE,
            )
            for idx, age in enumerate((2, 4, 1, 3), start=1)
        ]
        await keep(unit_of_work, order, *attempts)
        async with unit_of_work() as work:
            first = await work.attempts.claim_due(NOW, UNTIL, 3)
        assert [a.idx for a in first] == [2, 4, 1]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("held", [None, UNTIL])
    @pytest.mark.parametrize("state", AttemptState)
    async def test_a_live_attempt_is_looked_at_again(
        self, unit_of_work: UnitOfWork, state: AttemptState, held: datetime | None
    ) -> None:
        """The check counts, the next is planned, the lease ends; not for dead ones."""
        attempt = await a_kept_attempt(unit_of_work, state, leased_until=held)
        after = replace(attempt, checks=8, next_check_at=UNTIL, leased_until=None)
        async with unit_of_work() as work:
            done = await work.attempts.reschedule(attempt.attempt_id, UNTIL, held_until=held)
            assert done is (state in LIVE)
            found = await work.attempts.get(attempt.attempt_id)
        assert found == (after if state in LIVE else attempt)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("bears", "brings"), [(None, UNTIL), (UNTIL, None), (UNTIL, AGAIN)])
    async def test_who_does_not_hold_an_attempt_plans_nothing(
        self, unit_of_work: UnitOfWork, bears: datetime | None, brings: datetime | None
    ) -> None:
        """Nor does a holder's own move happen; the move of anybody else does."""
        attempt = await a_kept_attempt(unit_of_work, leased_until=bears)
        close, its = AttemptEvent.CLOSE_WANTED, attempt.attempt_id
        async with unit_of_work() as work:
            assert await work.attempts.reschedule(its, NOW, held_until=brings) is False
            if brings is not None:
                moved = work.attempts.move(its, close, at=NOW, why="x", held_until=brings)
                assert await moved is False
            assert await work.attempts.get(its) == attempt
            assert list(await work.story.of_order(attempt.order_id)) == []
            assert await work.attempts.move(its, close, at=NOW, why="x") is True

    @pytest.mark.asyncio
    async def test_a_move_ends_the_lease(self, unit_of_work: UnitOfWork) -> None:
        """What was just closed is looked at when planned, not when the old lease is over."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.OPEN, leased_until=UNTIL)
        close, its = AttemptEvent.CLOSE_WANTED, attempt.attempt_id
        async with unit_of_work() as work:
            await work.attempts.move(its, close, at=NOW, why="x", next_check_at=NOW)
            assert await work.attempts.reschedule(its, AGAIN, held_until=UNTIL) is False
            (claimed,) = await work.attempts.claim_due(NOW, UNTIL, 10)
        assert claimed.attempt_id == attempt.attempt_id

    @pytest.mark.asyncio
    async def test_the_move_of_its_holder_goes_on_with_the_lease(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Until it leads to where nothing is left to do."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.OPEN, leased_until=UNTIL)
        move, its = AttemptEvent.CLOSE_WANTED, attempt.attempt_id
        async with unit_of_work() as work:
            assert await work.attempts.move(
                its, move, at=NOW, why="x", next_check_at=NOW, held_until=UNTIL
            )
            assert list(await work.attempts.claim_due(NOW, AGAIN, 10)) == []
            dead = AttemptEvent.PROVEN_DEAD
            assert await work.attempts.move(its, dead, at=NOW, why="x", held_until=UNTIL)
            found = await work.attempts.get(its)
        assert found is not None
        assert found.leased_until is None

    @pytest.mark.asyncio
    @pytest.mark.parametrize("when", ["before", "while"])
    async def test_what_is_dead_before_or_while_it_is_claimed_is_left_alone(
        self, unit_of_work: UnitOfWork, when: str
    ) -> None:
        """The order was given up, and the attempt closed: nothing to claim, nothing to plan."""
        attempt = await a_kept_attempt(unit_of_work, next_check_at=NOW, leased_until=None)
        if when == "while":
            async with unit_of_work() as work:
                assert len(await work.attempts.claim_due(NOW, UNTIL, 10)) == 1
                await work.commit()
        async with unit_of_work() as work:
            cancelled = OrderEvent.CANCELLED
            assert await work.orders.move(attempt.order_id, cancelled, at=NOW, why="x")
            dead = AttemptEvent.PROVEN_DEAD
            assert await work.attempts.move(attempt.attempt_id, dead, at=NOW, why="x")
            await work.commit()
        async with unit_of_work() as work:
            plan = work.attempts.reschedule
            assert await plan(attempt.attempt_id, NOW, held_until=UNTIL) is False
            assert await plan(attempt.attempt_id, NOW, held_until=None) is False
            assert await work.attempts.any_due(AGAIN) is False
            assert list(await work.attempts.claim_due(AGAIN, AGAIN + MINUTE, 10)) == []

    # --- refunds ------------------------------------------------------------------------

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", UNDER_WAY)
    async def test_a_due_refund_comes_with_its_lease(
        self, unit_of_work: UnitOfWork, state: RefundState
    ) -> None:
        """From the planned time on, equal in every other field."""
        refund = await a_kept_refund(unit_of_work, state=state)
        leased = replace(refund, leased_until=UNTIL)
        async with unit_of_work() as work:
            assert list(await work.refunds.claim_due(NOW - TICK, UNTIL, 10)) == []
            assert list(await work.refunds.claim_due(NOW, UNTIL, 10)) == [leased]
            assert await work.refunds.get(refund.refund_no) == leased

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", AT_REST)
    async def test_a_refund_at_rest_is_never_due(
        self, unit_of_work: UnitOfWork, state: RefundState
    ) -> None:
        """Even if a time to try was left behind; nor is one under way that has no time."""
        await a_kept_refund(unit_of_work, state=state)
        await a_kept_refund(unit_of_work, next_try_at=None)
        async with unit_of_work() as work:
            assert await work.refunds.any_due(UNTIL) is False
            assert list(await work.refunds.claim_due(UNTIL, AGAIN, 10)) == []

    @pytest.mark.asyncio
    async def test_the_most_overdue_refunds_come_first(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the order of writing."""
        _, attempt = await a_paid_order(unit_of_work)
        refunds = [
            a_refund(attempt, next_try_at=NOW - age * TICK, leased_until=NOW - MINUTE)
            for age in (2, 4, 1, 3)
        ]
        await keep(unit_of_work, *refunds)
        async with unit_of_work() as work:
            first = await work.refunds.claim_due(NOW, UNTIL, 3)
        expected = [refunds[1], refunds[3], refunds[0]]
        assert [r.refund_no for r in first] == [r.refund_no for r in expected]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", RefundState)
    async def test_a_sent_refund_is_looked_at_again(
        self, unit_of_work: UnitOfWork, state: RefundState
    ) -> None:
        """The try counts, the next is planned, the lease ends; in no other state."""
        refund = await a_kept_refund(unit_of_work, state=state, tries=4, leased_until=UNTIL)
        after = replace(
            refund, tries=5, next_try_at=UNTIL, leased_until=None, provider_refund_no="5030"
        )
        is_sent = state is RefundState.SENT
        plan, its = "5030", refund.refund_no
        async with unit_of_work() as work:
            done = await work.refunds.reschedule(its, UNTIL, plan, held_until=UNTIL)
            assert done is is_sent
            assert await work.refunds.get(its) == (after if is_sent else refund)
            await work.refunds.reschedule(its, UNTIL, held_until=None)
            found = await work.refunds.get(its)
        assert found == (replace(after, tries=6) if is_sent else refund)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", [RefundEvent.SENT, RefundEvent.TRY_AGAIN])
    @pytest.mark.parametrize(("bears", "brings"), [(None, UNTIL), (AGAIN, UNTIL)])
    async def test_who_does_not_hold_a_refund_does_nothing_to_it(
        self,
        unit_of_work: UnitOfWork,
        event: RefundEvent,
        bears: datetime | None,
        brings: datetime,
    ) -> None:
        """Neither send it nor send it again, nor plan to look."""
        state = RefundState.DUE if event is RefundEvent.SENT else RefundState.SENT
        refund = await a_kept_refund(unit_of_work, state=state, leased_until=bears)
        its = refund.refund_no
        async with unit_of_work() as work:
            assert not await work.refunds.move(its, event, at=NOW, why="x", held_until=brings)
            assert not await work.refunds.reschedule(its, NOW, held_until=brings)
            if bears is not None:
                assert not await work.refunds.reschedule(its, NOW, held_until=None)
            assert await work.refunds.get(its) == refund
            assert list(await work.story.of_order(refund.order_id)) == []

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", [RefundEvent.CONFIRMED, RefundEvent.FAILED])
    async def test_evidence_counts_whoever_brings_it(
        self, unit_of_work: UnitOfWork, event: RefundEvent
    ) -> None:
        """A notice does not wait for the worker that holds the refund; the lease is over then."""
        refund = await a_kept_refund(unit_of_work, state=RefundState.SENT, leased_until=AGAIN)
        async with unit_of_work() as work:
            assert await work.refunds.move(refund.refund_no, event, at=NOW, why="x")
            found = await work.refunds.get(refund.refund_no)
        assert found is not None
        assert found.leased_until is None

    @pytest.mark.asyncio
    @pytest.mark.parametrize("held", [None, UNTIL])
    async def test_who_has_sent_a_refund_goes_on_holding_it(
        self, unit_of_work: UnitOfWork, held: datetime | None
    ) -> None:
        """Until it says that it is to be tried again; whoever else says so leaves the lease."""
        refund = await a_kept_refund(unit_of_work, leased_until=UNTIL)
        its, sent, again = refund.refund_no, RefundEvent.SENT, RefundEvent.TRY_AGAIN
        async with unit_of_work() as work:
            assert await work.refunds.move(
                its, sent, at=NOW, why="x", next_try_at=NOW, held_until=held
            )
            assert list(await work.refunds.claim_due(NOW, AGAIN, 10)) == []
            assert await work.refunds.move(
                its, again, at=NOW, why="x", next_try_at=NOW, held_until=held
            )
            assert await work.refunds.any_due(NOW) is (held is not None)

    # --- events -------------------------------------------------------------------------

    @pytest.mark.asyncio
    async def test_the_oldest_events_come_first(self, unit_of_work: UnitOfWork) -> None:
        """In the order of writing, whatever the clock said; with how often they were tried."""
        order = an_order()
        events = [
            an_event(order, kind=kind, at=NOW - age * TICK) for age, kind in enumerate(EventKind)
        ]
        await keep(unit_of_work, *events)
        async with unit_of_work() as work:
            assert list(await work.outbox.claim_due(NOW, UNTIL, 10)) == [
                UntoldEvent(event) for event in events
            ]
            for event in (events[1], events[0]):
                assert await work.outbox.put_off(event.event_id, AGAIN, held_until=UNTIL)
            await work.commit()
        async with unit_of_work() as work:
            again = await work.outbox.claim_due(AGAIN, AGAIN + MINUTE, 3)
        assert list(again) == [
            UntoldEvent(events[0], 1),
            UntoldEvent(events[1], 1),
            UntoldEvent(events[2], 0),
        ]

    @pytest.mark.asyncio
    async def test_an_event_is_marked_told_once(self, unit_of_work: UnitOfWork) -> None:
        """By its holder; it is not found among the untold again, nor put off."""
        order = an_order()
        first, second = an_event(order), an_event(order, subject="another")
        await keep(unit_of_work, first, second)
        its = first.event_id
        async with unit_of_work() as work:
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is False
            assert await work.outbox.any_due(NOW) is True
            await work.outbox.claim_due(NOW, UNTIL, 10)
            assert await work.outbox.any_due(NOW) is False
            assert await work.outbox.mark_sent(its, NOW, held_until=AGAIN) is False
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is True
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is False
            assert await work.outbox.put_off(its, NOW, held_until=UNTIL) is False
            for deed in ("mark_sent", "put_off"):
                assert not await getattr(work.outbox, deed)("nobody", NOW, held_until=UNTIL)
            await work.commit()
        async with unit_of_work() as work:
            assert list(await work.outbox.claim_due(UNTIL, AGAIN, 10)) == [UntoldEvent(second)]
