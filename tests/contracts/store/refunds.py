"""What a store promises of refunds."""

from dataclasses import replace

import pytest

from retender.domain.model.refund import RefundCause
from retender.domain.model.transition import RefundState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    MINUTE,
    NOW,
    TICK,
    a_paid_order,
    a_refund,
    all_refunds,
    keep,
)

UNTIL = NOW + MINUTE
UNDER_WAY = (RefundState.DUE, RefundState.SENT)


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
            assert await work.refunds.get("nobody") is None
            assert await work.refunds.by_number(attempt.account, "nothing1") is None
            assert await work.refunds.by_number("another", refund.number) is None
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
