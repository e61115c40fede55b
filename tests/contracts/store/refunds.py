"""What a store promises of refunds."""

from dataclasses import replace

import pytest

from retender.domain.model.attempt import Attempt
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.transition import RefundState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    MINUTE,
    NOW,
    TICK,
    a_refund,
    all_refunds,
    an_attempt,
    an_order,
    keep,
)

UNTIL = NOW + MINUTE
UNDER_WAY = (RefundState.DUE, RefundState.SENT)


class RefundsContract(StoreContract):
    """One refund a number, one automatic refund an attempt, one worker at a time."""

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
            assert await work.refunds.get("nobody") is None
            assert await work.refunds.by_number(attempt.account, "nothing1") is None
            assert await work.refunds.by_number("another", refund.number) is None
            assert list(await work.refunds.of_order("nobody")) == []
            assert await work.refunds.reschedule("nobody", UNTIL) is False

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

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", UNDER_WAY)
    async def test_a_due_refund_is_leased_until_the_lease_is_over(
        self, unit_of_work: UnitOfWork, state: RefundState
    ) -> None:
        """From the planned time on; nobody else gets it before the lease's end."""
        refund = await a_kept_refund(unit_of_work, state=state)
        async with unit_of_work() as work:
            assert list(await work.refunds.claim_due(NOW - TICK, UNTIL, 10)) == []
            leased = replace(refund, leased_until=UNTIL)
            assert list(await work.refunds.claim_due(NOW, UNTIL, 10)) == [leased]
            assert await work.refunds.get(refund.refund_no) == leased
            await work.commit()
        async with unit_of_work() as work:
            assert list(await work.refunds.claim_due(UNTIL - TICK, UNTIL + MINUTE, 10)) == []
            again = replace(refund, leased_until=UNTIL + MINUTE)
            assert list(await work.refunds.claim_due(UNTIL, UNTIL + MINUTE, 10)) == [again]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", [RefundState.DONE, RefundState.STUCK])
    async def test_a_refund_at_rest_is_never_due(
        self, unit_of_work: UnitOfWork, state: RefundState
    ) -> None:
        """Even if a time to try was left behind; nor is one under way that has no time."""
        await a_kept_refund(unit_of_work, state=state)
        await a_kept_refund(unit_of_work, next_try_at=None)
        async with unit_of_work() as work:
            assert list(await work.refunds.claim_due(UNTIL, UNTIL + MINUTE, 10)) == []

    @pytest.mark.asyncio
    async def test_the_most_overdue_refunds_come_first(self, unit_of_work: UnitOfWork) -> None:
        """As many as asked for; the others stay free."""
        _, attempt = await a_paid_order(unit_of_work)
        refunds = [
            a_refund(attempt, next_try_at=NOW - age * TICK, leased_until=NOW - MINUTE)
            for age in (2, 4, 1, 3)
        ]
        await keep(unit_of_work, *refunds)
        async with unit_of_work() as work:
            first = await work.refunds.claim_due(NOW, UNTIL, 3)
            second = await work.refunds.claim_due(NOW, UNTIL, 3)
        expected = [refunds[1], refunds[3], refunds[0]]
        assert [r.refund_no for r in first] == [r.refund_no for r in expected]
        assert [r.refund_no for r in second] == [refunds[2].refund_no]

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
        async with unit_of_work() as work:
            assert await work.refunds.reschedule(refund.refund_no, UNTIL, "5030") is is_sent
            assert await work.refunds.get(refund.refund_no) == (after if is_sent else refund)
            await work.refunds.reschedule(refund.refund_no, UNTIL)
            found = await work.refunds.get(refund.refund_no)
        assert found == (replace(after, tries=6) if is_sent else refund)


async def a_paid_order(unit_of_work: UnitOfWork) -> tuple[Order, Attempt]:
    """Return an order and an attempt of it that are in the store."""
    order = an_order()
    attempt = an_attempt(order)
    await keep(unit_of_work, order, attempt)
    return order, attempt


async def a_kept_refund(unit_of_work: UnitOfWork, **facts: object) -> Refund:
    """Return a refund that is in the store, due now and free."""
    _, attempt = await a_paid_order(unit_of_work)
    refund = a_refund(attempt, **facts)
    await keep(unit_of_work, refund)
    return refund
