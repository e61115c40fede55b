"""What a store promises of orders."""

from dataclasses import replace

import pytest

from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.transition import ENDING, AttemptState, OrderState, RefundState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    MINUTE,
    NOW,
    TICK,
    a_capture,
    a_line,
    a_refund,
    all_orders,
    an_attempt,
    an_order,
    attempt_in,
    keep,
    order_in,
)


class OrdersContract(StoreContract):
    """One order a number, one open order a payer and key, and a lock on each."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("order", list(all_orders()), ids=lambda order: str(order.state))
    async def test_an_order_comes_back_equal_in_every_field(
        self, unit_of_work: UnitOfWork, order: Order
    ) -> None:
        """By our id and by the shop's number, to the microsecond and to the emoji."""
        await keep(unit_of_work, order)
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.get(order.order_no) == order
            assert await work.orders.by_id(order.order_id) == order

    @pytest.mark.asyncio
    async def test_an_order_comes_with_what_its_rows_add_up_to(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Each state counts as the model says, and another order's money is not counted."""
        order, other = an_order(), an_order()
        attempts = [
            replace(attempt_in(state, order), idx=idx, fingerprint=f"{idx:032x}")
            for idx, state in enumerate(AttemptState, start=1)
        ]
        attempts = [
            replace(each, charge=replace(each.charge, amount=Money(10**each.idx, "CNY")))
            for each in attempts
        ]
        refunds = [
            a_refund(attempts[0], state=state, amount=Money(10**power, "CNY"))
            for power, state in enumerate(RefundState)
        ]
        captures = [a_capture(each, amount=Money(3, "CNY")) for each in attempts[:2]]
        theirs = attempt_in(AttemptState.SUCCEEDED, other)
        await keep(unit_of_work, order, other, *attempts, *refunds)
        await keep(unit_of_work, theirs, a_refund(theirs, state=RefundState.DONE))
        async with unit_of_work() as work:
            for capture in (*captures, a_capture(theirs)):
                assert await work.attempts.add_capture(capture)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.with_sums(order.order_no) == (
                order,
                OrderSums.of(order, attempts, refunds, captures),
            )

    @pytest.mark.asyncio
    async def test_an_order_without_rows_adds_up_to_nothing(self, unit_of_work: UnitOfWork) -> None:
        """In its own currency."""
        order, nothing = an_order(amount=Money(500, "JPY")), Money(0, "JPY")
        await keep(unit_of_work, order)
        async with unit_of_work(read_only=True) as work:
            found = await work.orders.with_sums(order.order_no)
        assert found == (order, OrderSums(taken=nothing, given_back=nothing, going_back=nothing))

    @pytest.mark.asyncio
    async def test_an_unknown_order_is_none(self, unit_of_work: UnitOfWork) -> None:
        """Nobody is told of an order that is not there, and nothing can be done to it."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            assert await work.orders.get("nobody") is None
            for nobody in ("nobody", order.order_id[:-1]):
                assert await work.orders.by_id(nobody) is None
            assert await work.orders.with_sums("nobody") is None
            assert await work.orders.hold("nobody") is False
            assert await work.orders.hold_new("nobody", NOW) is False

    @pytest.mark.asyncio
    async def test_a_number_is_given_once(self, unit_of_work: UnitOfWork) -> None:
        """The second order of one number is refused, and the first one stays as it was."""
        first = an_order()
        second = an_order(order_no=first.order_no, user_id="payer-2", subject="Coffee")
        await keep(unit_of_work, first)
        async with unit_of_work() as work:
            assert await work.orders.add(second) is False
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.get(first.order_no) == first
            assert await work.orders.by_id(second.order_id) is None

    @pytest.mark.asyncio
    async def test_numbers_that_differ_in_case_are_two(self, unit_of_work: UnitOfWork) -> None:
        """A collation that takes ``a`` for ``A`` would give one shop's order to another."""
        lower, upper = an_order(order_no="tea-a"), an_order(order_no="tea-A")
        await keep(unit_of_work, lower, upper)
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.get("tea-a") == lower
            assert await work.orders.get("tea-A") == upper

    @pytest.mark.asyncio
    async def test_after_a_refused_order_the_transaction_goes_on(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """A no is an answer: what is done besides is kept."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            assert await work.orders.add(an_order(order_no=order.order_no)) is False
            await work.story.add(a_line(order))
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert await work.story.of_order(order.order_id) == [a_line(order)]

    @pytest.mark.asyncio
    async def test_a_payer_has_one_new_order_under_a_key(self, unit_of_work: UnitOfWork) -> None:
        """The open one is found by the key, and a second one is refused."""
        first = an_order(key="table-7")
        await keep(unit_of_work, first)
        async with unit_of_work() as work:
            assert await work.orders.add(an_order(key="table-7")) is False
            assert await work.orders.open_under("payer-1", "table-7") == first

    @pytest.mark.asyncio
    async def test_other_payers_and_other_keys_are_free(self, unit_of_work: UnitOfWork) -> None:
        """The rule is for one payer and one key; no key is no rule."""
        await keep(
            unit_of_work,
            an_order(key="table-7"),
            an_order(key="table-8"),
            an_order(key="table-7", user_id="payer-2"),
            an_order(),
            an_order(),
        )
        async with unit_of_work(read_only=True) as work:
            others = [("payer-2", "table-8"), ("payer-0", "table-8"), ("payer-2", "table-6")]
            for user_id, key in [*others, ("payer-3", "table-7"), ("payer-1", "table-9")]:
                assert await work.orders.open_under(user_id, key) is None

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.NEW])
    async def test_an_order_that_is_not_new_frees_its_key(
        self, unit_of_work: UnitOfWork, state: OrderState
    ) -> None:
        """Paid, closed or on the way out: the payer may place another."""
        await keep(unit_of_work, order_in(state, key="table-7"))
        async with unit_of_work() as work:
            assert await work.orders.open_under("payer-1", "table-7") is None
            assert await work.orders.add(an_order(key="table-7")) is True

    @pytest.mark.asyncio
    async def test_holding_counts_the_version(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the state, and nothing else changes."""
        for state in OrderState:
            order = order_in(state)
            await keep(unit_of_work, order)
            async with unit_of_work() as work:
                assert await work.orders.hold(order.order_id) is True
                held = await work.orders.by_id(order.order_id)
            assert held == replace(order, version=1)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", OrderState)
    async def test_only_a_new_order_is_held_as_new(
        self, unit_of_work: UnitOfWork, state: OrderState
    ) -> None:
        """Holding it says that it is NEW, and counts the version if it is."""
        order = order_in(state)
        is_new = state is OrderState.NEW
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            assert await work.orders.hold_new(order.order_id, NOW) is is_new
            assert await work.orders.by_id(order.order_id) == replace(order, version=int(is_new))

    @pytest.mark.asyncio
    async def test_the_deadline_ends_holding_to_the_microsecond(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """At the shown deadline it is too late; a microsecond before, it is not."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            for late in (order.shown_until, order.shown_until + TICK):
                assert await work.orders.hold_new(order.order_id, late) is False
            assert await work.orders.hold_new(order.order_id, order.shown_until - TICK) is True

    @pytest.mark.asyncio
    async def test_orders_past_their_deadline_are_found(self, unit_of_work: UnitOfWork) -> None:
        """NEW ones only, the oldest first, from the deadline on, as many as asked for."""
        old, older, oldest = (
            an_order(created_at=NOW - age * MINUTE, shown_until=NOW - (age - 1) * MINUTE)
            for age in (1, 2, 3)
        )
        in_time = an_order(shown_until=NOW + TICK)
        others = [
            order_in(state, shown_until=NOW - MINUTE)
            for state in OrderState
            if state is not OrderState.NEW
        ]
        await keep(unit_of_work, older, in_time, old, oldest, *others)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.orders.past_deadline(NOW, 10)) == [oldest, older, old]
            assert list(await work.orders.past_deadline(NOW, 2)) == [oldest, older]

    @pytest.mark.asyncio
    async def test_expiring_orders_with_nothing_live_are_found(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """They can be closed; the oldest first, as many as asked for."""
        bare, old = (
            order_in(
                ending,
                created_at=NOW - age * MINUTE,
                shown_until=NOW - (age - 1) * MINUTE,
            )
            for age, ending in enumerate(ENDING, start=1)
        )
        dead = [
            attempt_in(state, old, idx=idx)
            for idx, state in enumerate((AttemptState.CLOSED, AttemptState.REFUNDED), start=1)
        ]
        others = [order_in(s) for s in OrderState if s not in ENDING]
        await keep(unit_of_work, bare, old, *dead, *others)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.orders.expiring_without_live_attempts(10)) == [old, bare]
            assert list(await work.orders.expiring_without_live_attempts(1)) == [old]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "state", [AttemptState.CREATING, AttemptState.OPEN, AttemptState.CLOSING]
    )
    async def test_a_live_attempt_keeps_its_order_from_closing(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """Closing it now would turn a payment made in time into a refund; no other is kept."""
        before, order, behind = (order_in(OrderState.EXPIRING) for _ in range(3))
        dead = an_attempt(order, state=AttemptState.CLOSED, next_check_at=None)
        live = attempt_in(state, order, idx=2)
        await keep(unit_of_work, before, order, behind, dead, live)
        async with unit_of_work(read_only=True) as work:
            others = await work.orders.expiring_without_live_attempts(10)
            assert list(others) == [before, behind]
