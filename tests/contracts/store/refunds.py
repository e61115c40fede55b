"""What a store promises of refunds."""

from dataclasses import replace
from datetime import datetime

import pytest

from retender.domain.model.refund import RefundCause
from retender.domain.model.transition import ASKED_AFTER, UNDER_WAY, RefundEvent, RefundState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_kept_refund,
    a_paid_order,
    a_refund,
    all_refunds,
    keep,
)

UNTIL = NOW + MINUTE
AGAIN = UNTIL + MINUTE
AT_REST = [state for state in RefundState if state not in UNDER_WAY]


class RefundsContract(StoreContract):
    """One refund a number, one automatic refund an attempt."""

    @pytest.mark.asyncio
    async def test_a_refund_comes_back_equal_in_every_field(self, unit_of_work: UnitOfWork) -> None:
        """By either number, and among its order's, the oldest first."""
        order, attempt = await a_paid_order(unit_of_work)
        refunds = [
            replace(refund, created_at=refund.created_at + idx * TICK)
            for idx, refund in enumerate(all_refunds(attempt))
        ]
        await keep(unit_of_work, *reversed(refunds))
        async with unit_of_work(read_only=True) as work:
            assert list(await work.refunds.of_order(order.order_id)) == refunds
            for refund in refunds:
                assert await work.refunds.get(refund.refund_no) == refund
                assert await work.refunds.by_number(attempt.account, refund.number) == refund

    @pytest.mark.asyncio
    async def test_an_unknown_refund_is_none(self, unit_of_work: UnitOfWork) -> None:
        """A number counts at the account that took the money, at no other."""
        _, attempt = await a_paid_order(unit_of_work)
        refund = a_refund(attempt)
        await keep(unit_of_work, refund)
        async with unit_of_work() as work:
            for nobody in ("nobody", refund.refund_no[:-1], f"{refund.refund_no}0"):
                assert await work.refunds.get(nobody) is None
            for number in ("nothing1", refund.number[:-1], f"{refund.number}0"):
                assert await work.refunds.by_number(attempt.account, number) is None
            for elsewhere in ("another", "water"):
                assert await work.refunds.by_number(elsewhere, refund.number) is None
            assert list(await work.refunds.of_order("nobody")) == []
            assert await work.refunds.reschedule("nobody", UNTIL, held_until=None) is False

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["refund_no", "number"])
    async def test_a_number_refunds_once(self, unit_of_work: UnitOfWork, name: str) -> None:
        """The second refund of one number is refused, and the first one stays as it was."""
        order, attempt = await a_paid_order(unit_of_work)
        first = a_refund(attempt)
        second = a_refund(attempt, **{name: getattr(first, name)}, reason="Again")
        await keep(unit_of_work, first)
        async with unit_of_work() as work:
            assert await work.refunds.add(second) is False
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.refunds.of_order(order.order_id)) == [first]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("second", [RefundCause.LATE, RefundCause.DUPLICATE])
    @pytest.mark.parametrize("first", [RefundCause.LATE, RefundCause.DUPLICATE])
    async def test_a_surplus_goes_back_once(
        self, unit_of_work: UnitOfWork, first: RefundCause, second: RefundCause
    ) -> None:
        """Whatever the causes, and whatever the shop asks for besides."""
        _, attempt = await a_paid_order(unit_of_work)
        await keep(unit_of_work, a_refund(attempt, cause=first, state=RefundState.DONE))
        async with unit_of_work() as work:
            assert await work.refunds.add(a_refund(attempt, cause=second)) is False
            assert await work.refunds.add(a_refund(attempt)) is True
            assert await work.refunds.add(a_refund(attempt)) is True

    # --- due work -----------------------------------------------------------------------

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
            assert list(await work.refunds.claim_due(NOW, UNTIL, 10)) == [refund.refund_no]
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
        """Whatever the order of writing; those of one time by their numbers."""
        _, attempt = await a_paid_order(unit_of_work)
        refunds = [
            a_refund(attempt, next_try_at=NOW - age * TICK, leased_until=NOW - MINUTE)
            for age in (2, 4, 2, 3, 1)
        ]
        await keep(unit_of_work, *reversed(refunds))
        async with unit_of_work() as work:
            first = await work.refunds.claim_due(NOW, UNTIL, 4)
        expected = [refunds[1], refunds[3], refunds[0], refunds[2]]
        assert first == [refund.refund_no for refund in expected]

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
        is_asked = state in ASKED_AFTER
        plan, its = "5030", refund.refund_no
        async with unit_of_work() as work:
            done = await work.refunds.reschedule(its, UNTIL, plan, held_until=UNTIL)
            assert done is is_asked
            assert await work.refunds.get(its) == (after if is_asked else refund)
            await work.refunds.reschedule(its, UNTIL, held_until=None)
            found = await work.refunds.get(its)
        assert found == (replace(after, tries=6) if is_asked else refund)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", RefundState)
    @pytest.mark.parametrize("bears", [None, UNTIL, AGAIN])
    async def test_a_refund_of_which_nobody_can_be_asked_is_put_off(
        self, unit_of_work: UnitOfWork, state: RefundState, bears: datetime | None
    ) -> None:
        """While it is under way, by who holds it; no try counts, and the lease ends."""
        refund = await a_kept_refund(unit_of_work, state=state, tries=4, leased_until=bears)
        can = state in UNDER_WAY and bears == UNTIL
        after = replace(refund, next_try_at=AGAIN, leased_until=None)
        async with unit_of_work() as work:
            done = await work.refunds.put_off(refund.refund_no, AGAIN, held_until=UNTIL)
            assert done is can
            assert await work.refunds.get(refund.refund_no) == (after if can else refund)
            assert not await work.refunds.put_off("nobody", AGAIN, held_until=UNTIL)

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
            assert not await work.refunds.move(its, event, at=NOW, cause=CAUSE, held_until=brings)
            assert not await work.refunds.reschedule(its, NOW, held_until=brings)
            if bears is not None:
                assert not await work.refunds.reschedule(its, NOW, held_until=None)
            assert await work.refunds.get(its) == refund
            assert list(await work.story.of_order(refund.order_id)) == []

    @pytest.mark.asyncio
    async def test_that_the_money_went_back_counts_whoever_says_so(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """A notice does not wait for the worker that holds the refund; the lease is over then."""
        refund = await a_kept_refund(unit_of_work, state=RefundState.SENT, leased_until=AGAIN)
        async with unit_of_work() as work:
            confirmed = RefundEvent.CONFIRMED
            assert await work.refunds.move(refund.refund_no, confirmed, at=NOW, cause=CAUSE)
            found = await work.refunds.get(refund.refund_no)
        assert found is not None
        assert found.leased_until is None

    @pytest.mark.asyncio
    @pytest.mark.parametrize("bears", [None, UNTIL, AGAIN])
    @pytest.mark.parametrize("brings", [None, UNTIL, AGAIN])
    async def test_a_refund_is_given_up_by_its_holder_or_while_it_has_none(
        self, unit_of_work: UnitOfWork, bears: datetime | None, brings: datetime | None
    ) -> None:
        """A "no" is as old as its question, and another may be sending at this moment."""
        refund = await a_kept_refund(unit_of_work, state=RefundState.SENT, leased_until=bears)
        its, failed = refund.refund_no, RefundEvent.FAILED
        async with unit_of_work() as work:
            done = await work.refunds.move(its, failed, at=NOW, cause=CAUSE, held_until=brings)
            found = await work.refunds.get(its)
        assert done is (bears == brings)
        stuck = replace(refund, state=RefundState.STUCK, next_try_at=None, leased_until=None)
        assert found == (stuck if done else refund)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("bears", [None, NOW - TICK, NOW, UNTIL])
    async def test_who_sends_by_hand_takes_what_nobody_holds(
        self, unit_of_work: UnitOfWork, bears: datetime | None
    ) -> None:
        """A lease that is over holds nothing."""
        refund = await a_kept_refund(unit_of_work, leased_until=bears)
        its, sent = refund.refund_no, RefundEvent.SENT
        async with unit_of_work() as work:
            taken = await work.refunds.move(
                its, sent, at=NOW, cause=CAUSE, next_try_at=NOW, hold_until=AGAIN
            )
            found = await work.refunds.get(its)
            claimed = await work.refunds.claim_due(AGAIN - TICK, AGAIN, 10)
        assert taken is (bears != UNTIL)
        assert found is not None
        assert found.leased_until == (AGAIN if taken else bears)
        assert bool(claimed) is not taken

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
                its, sent, at=NOW, cause=CAUSE, next_try_at=NOW, held_until=held
            )
            assert list(await work.refunds.claim_due(NOW, AGAIN, 10)) == []
            assert await work.refunds.move(
                its, again, at=NOW, cause=CAUSE, next_try_at=NOW, held_until=held
            )
            assert await work.refunds.any_due(NOW) is (held is not None)
