"""What a store promises of attempts."""

from dataclasses import replace
from datetime import datetime

import pytest

from retender.domain.model.cause import Cause, Reason
from retender.domain.model.page import Opened, Page
from retender.domain.model.story_pages import AttemptChanged
from retender.domain.model.transition import (
    LIVE,
    PAYABLE,
    AttemptEvent,
    AttemptState,
    OrderEvent,
)
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    PAGES,
    TICK,
    a_charge,
    a_kept_attempt,
    all_attempts,
    an_attempt,
    an_order,
    attempt_in,
    keep,
)

UNPAYABLE = [state for state in AttemptState if state not in PAYABLE]
DEAD = [state for state in AttemptState if state not in LIVE]
UNTIL = NOW + MINUTE
AGAIN = UNTIL + MINUTE


class AttemptsContract(StoreContract):
    """One number an account, one payable attempt a request, one asker at a time."""

    @pytest.mark.asyncio
    async def test_an_attempt_comes_back_equal_in_every_field(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """By our id, by the provider-side number and among its order's, which are in order."""
        order = an_order()
        attempts = list(all_attempts(order))
        await keep(unit_of_work, order, an_order(), *reversed(attempts))
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attempts.of_order(order.order_id)) == attempts
            found = await work.attempts.with_order(order.order_no)
            assert found is not None
            assert (found[0], list(found[1])) == (order, attempts)
            for attempt in attempts:
                assert await work.attempts.get(attempt.attempt_id) == attempt
                assert await work.attempts.by_number(attempt.account, attempt.number) == attempt

    @pytest.mark.asyncio
    async def test_an_order_comes_with_no_attempts_too(self, unit_of_work: UnitOfWork) -> None:
        """Then there are none, and it is there."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work(read_only=True) as work:
            assert await work.attempts.with_order(order.order_no) == (order, [])

    @pytest.mark.asyncio
    async def test_an_unknown_attempt_is_none(self, unit_of_work: UnitOfWork) -> None:
        """Nobody is told of an attempt that is not there, and nothing can be done to it."""
        order = an_order()
        attempt = an_attempt(order)
        await keep(unit_of_work, order, attempt)
        async with unit_of_work() as work:
            for nobody in ("nobody", attempt.attempt_id[:-1]):
                assert await work.attempts.get(nobody) is None
            for elsewhere in ("another", "water"):
                assert await work.attempts.by_number(elsewhere, attempt.number) is None
            for number in ("nothing1", attempt.number[:-1], f"{attempt.number}0"):
                assert await work.attempts.by_number(attempt.account, number) is None
            assert list(await work.attempts.of_order("nobody")) == []
            assert await work.attempts.with_order("nobody") is None
            assert await work.attempts.claim_asking("nobody", NOW, UNTIL) is False
            page = Opened(PAGES[0])
            kept = await work.attempts.keep_page("nobody", page, UNTIL, NOW, asked_until=UNTIL)
            assert kept is False
            assert await work.attempts.reschedule("nobody", UNTIL, held_until=None) is False
            await work.attempts.release_asking("nobody", asked_until=UNTIL)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("there", PAYABLE)
    @pytest.mark.parametrize("new", PAYABLE)
    async def test_a_request_has_one_payable_attempt(
        self, unit_of_work: UnitOfWork, there: AttemptState, new: AttemptState
    ) -> None:
        """A double click makes one attempt, not two."""
        order = an_order()
        first = attempt_in(there, order)
        second = attempt_in(new, order, idx=2)
        await keep(unit_of_work, order, first)
        async with unit_of_work() as work:
            assert await work.attempts.add(second) is False
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attempts.of_order(order.order_id)) == [first]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", UNPAYABLE)
    async def test_an_attempt_that_is_left_behind_makes_room(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """The same request may be tried again, under another number."""
        order = an_order()
        await keep(unit_of_work, order, attempt_in(state, order), an_attempt(order, idx=2))

    @pytest.mark.asyncio
    async def test_other_requests_and_other_orders_are_free(self, unit_of_work: UnitOfWork) -> None:
        """The rule is for one order and one fingerprint."""
        order, other = an_order(), an_order()
        await keep(
            unit_of_work,
            order,
            other,
            an_attempt(order),
            an_attempt(order, idx=2, fingerprint="e" * 32),
            an_attempt(other),
        )

    @pytest.mark.asyncio
    async def test_an_order_has_one_attempt_of_an_index(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the first one's state and request."""
        order = an_order()
        await keep(unit_of_work, order, attempt_in(AttemptState.CLOSED, order))
        async with unit_of_work() as work:
            assert await work.attempts.add(an_attempt(order, fingerprint="e" * 32)) is False

    @pytest.mark.asyncio
    async def test_an_account_has_a_number_once(self, unit_of_work: UnitOfWork) -> None:
        """Another account may have it too; numbers that differ in case are two."""
        order = an_order()
        await keep(unit_of_work, order, an_attempt(order, charge=a_charge(number="tea000001")))
        same, elsewhere, upper = (
            an_attempt(
                order,
                idx=idx,
                fingerprint=f"{idx:032}",
                account=account,
                charge=a_charge(number=number),
            )
            for idx, account, number in (
                (2, "tea-house", "tea000001"),
                (3, "coffee-house", "tea000001"),
                (4, "tea-house", "TEA000001"),
            )
        )
        async with unit_of_work() as work:
            assert await work.attempts.add(same) is False
            assert await work.attempts.add(elsewhere) is True
            assert await work.attempts.add(upper) is True
            assert await work.attempts.by_number("coffee-house", "tea000001") == elsewhere
            assert await work.attempts.by_number("tea-house", "TEA000001") == upper

    # --- asking for a page --------------------------------------------------------------

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", AttemptState)
    async def test_only_payable_attempts_are_asked_for(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """The claim is noted, nothing else; an attempt left behind stays as it is."""
        order = an_order()
        attempt = attempt_in(state, order, asking_until=None)
        await keep(unit_of_work, order, attempt)
        payable = state in PAYABLE
        async with unit_of_work() as work:
            assert await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL) is payable
            asked = await work.attempts.get(attempt.attempt_id)
        assert asked == replace(attempt, asking_until=UNTIL if payable else None)

    @pytest.mark.asyncio
    async def test_one_asks_at_a_time(self, unit_of_work: UnitOfWork) -> None:
        """Until the claim is over: then, to the microsecond, another may."""
        attempt = await a_kept_attempt(unit_of_work)
        async with unit_of_work() as work:
            assert await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)
            await work.commit()
        async with unit_of_work() as work:
            claim = work.attempts.claim_asking
            assert not await claim(attempt.attempt_id, UNTIL - TICK, UNTIL + MINUTE)
            assert await claim(attempt.attempt_id, UNTIL, UNTIL + MINUTE)
            assert await claim(attempt.attempt_id, UNTIL + 2 * MINUTE, UNTIL + 3 * MINUTE)

    @pytest.mark.asyncio
    async def test_a_released_claim_is_free_at_once(self, unit_of_work: UnitOfWork) -> None:
        """The payer may press again."""
        attempt = await a_kept_attempt(unit_of_work)
        async with unit_of_work() as work:
            assert await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)
            await work.attempts.release_asking(attempt.attempt_id, asked_until=UNTIL)
            assert await work.attempts.get(attempt.attempt_id) == attempt
            assert await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.kind))
    @pytest.mark.parametrize("state", PAYABLE)
    async def test_a_page_is_kept_while_the_attempt_is_payable(
        self, unit_of_work: UnitOfWork, state: AttemptState, page: Page
    ) -> None:
        """It is OPEN then, the claim to ask is over, and a new page takes the old one's place."""
        attempt = await a_kept_attempt(unit_of_work, state, asking_until=AGAIN, opened_at=None)
        opened_page = Opened(page, "theirs-1")
        async with unit_of_work() as work:
            keep_page = work.attempts.keep_page
            assert await keep_page(attempt.attempt_id, opened_page, UNTIL, NOW, asked_until=AGAIN)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            opened = await work.attempts.get(attempt.attempt_id)
            story = await work.story.of_order(attempt.order_id)
        assert opened == replace(
            attempt,
            charge=replace(attempt.charge, reference="theirs-1"),
            state=AttemptState.OPEN,
            page=page,
            page_until=UNTIL,
            opened_at=NOW,
            asking_until=None,
        )
        given = AttemptChanged(
            before=AttemptState.CREATING,
            after=AttemptState.OPEN,
            cause=Cause(reason=Reason.PAGE_GIVEN),
        )
        moves = [entry.at for entry in story if entry.fact == given]
        assert moves == ([NOW] if state is AttemptState.CREATING else [])

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", UNPAYABLE)
    async def test_a_page_that_comes_too_late_is_not_kept(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """The attempt was left behind meanwhile: nobody may see the page."""
        attempt = await a_kept_attempt(unit_of_work, state, asking_until=AGAIN)
        page = Opened(PAGES[0])
        async with unit_of_work() as work:
            keep_page = work.attempts.keep_page
            assert not await keep_page(attempt.attempt_id, page, UNTIL, NOW, asked_until=AGAIN)
            assert await work.attempts.get(attempt.attempt_id) == attempt
            assert list(await work.story.of_order(attempt.order_id)) == []

    # --- due work -----------------------------------------------------------------------

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
            assert list(await work.attempts.claim_due(NOW, UNTIL, 10)) == [attempt.attempt_id]
            assert await work.attempts.get(attempt.attempt_id) == leased

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", DEAD)
    async def test_a_dead_attempt_is_never_due(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """Nobody looks at it again by itself."""
        await a_kept_attempt(unit_of_work, state, leased_until=None)
        async with unit_of_work() as work:
            assert await work.attempts.any_due(UNTIL) is False
            assert list(await work.attempts.claim_due(UNTIL, AGAIN, 10)) == []

    @pytest.mark.asyncio
    async def test_the_most_overdue_attempts_come_first(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the order of writing; those of one time by their ids."""
        order = an_order()
        attempts = [
            an_attempt(
                order,
                idx=idx,
                fingerprint=f"{idx:032}",
                next_check_at=NOW - age * TICK,
                leased_until=NOW - MINUTE,
            )
            for idx, age in enumerate((2, 4, 2, 3, 1), start=1)
        ]
        await keep(unit_of_work, order, *reversed(attempts))
        async with unit_of_work() as work:
            first = await work.attempts.claim_due(NOW, UNTIL, 4)
        assert first == [attempts[at].attempt_id for at in (1, 3, 0, 2)]

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
                moved = work.attempts.move(its, close, at=NOW, cause=CAUSE, held_until=brings)
                assert await moved is False
            assert await work.attempts.get(its) == attempt
            assert list(await work.story.of_order(attempt.order_id)) == []
            assert await work.attempts.move(its, close, at=NOW, cause=CAUSE) is True

    @pytest.mark.asyncio
    async def test_a_move_ends_the_lease(self, unit_of_work: UnitOfWork) -> None:
        """What was just closed is looked at when planned, not when the old lease is over."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.OPEN, leased_until=UNTIL)
        close, its = AttemptEvent.CLOSE_WANTED, attempt.attempt_id
        async with unit_of_work() as work:
            await work.attempts.move(its, close, at=NOW, cause=CAUSE, next_check_at=NOW)
            assert await work.attempts.reschedule(its, AGAIN, held_until=UNTIL) is False
            (claimed,) = await work.attempts.claim_due(NOW, UNTIL, 10)
        assert claimed == attempt.attempt_id

    @pytest.mark.asyncio
    async def test_the_move_of_its_holder_goes_on_with_the_lease(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Until it leads to where nothing is left to do."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.OPEN, leased_until=UNTIL)
        move, its = AttemptEvent.CLOSE_WANTED, attempt.attempt_id
        async with unit_of_work() as work:
            assert await work.attempts.move(
                its, move, at=NOW, cause=CAUSE, next_check_at=NOW, held_until=UNTIL
            )
            assert list(await work.attempts.claim_due(NOW, AGAIN, 10)) == []
            dead = AttemptEvent.PROVEN_DEAD
            assert await work.attempts.move(its, dead, at=NOW, cause=CAUSE, held_until=UNTIL)
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
            assert await work.orders.move(attempt.order_id, cancelled, at=NOW, cause=CAUSE)
            dead = AttemptEvent.PROVEN_DEAD
            assert await work.attempts.move(attempt.attempt_id, dead, at=NOW, cause=CAUSE)
            await work.commit()
        async with unit_of_work() as work:
            plan = work.attempts.reschedule
            assert await plan(attempt.attempt_id, NOW, held_until=UNTIL) is False
            assert await plan(attempt.attempt_id, NOW, held_until=None) is False
            assert await work.attempts.any_due(AGAIN) is False
            assert list(await work.attempts.claim_due(AGAIN, AGAIN + MINUTE, 10)) == []
