"""
What a store promises of rows side by side: each question is answered of its own rows alone.

Ids, accounts and numbers are texts without a meaning. So everything is tried in the
middle of three, with one before it and one behind it in the alphabet.
"""

from dataclasses import replace

import pytest

from retender.domain.model.attempt import Attempt
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.transition import AttemptEvent, AttemptState, OrderEvent, RefundEvent
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    PAGES,
    a_capture,
    a_charge,
    a_fact,
    a_line,
    a_refund,
    an_attempt,
    an_order,
    attempt_in,
    keep,
)

UNTIL = NOW + MINUTE
ACCOUNTS = ("coffee", "tea", "water")
UNTOUCHED: dict[str, object] = {"asking_until": None, "leased_until": None}

Three = list[tuple[Order, Attempt]]


async def three(unit_of_work: UnitOfWork, **facts: object) -> Three:
    """Keep three orders with an attempt each, at an account each, in the alphabet's order."""
    kept = []
    for account in ACCOUNTS:
        order = an_order()
        attempt = attempt_in(AttemptState.OPEN, order, **{**UNTOUCHED, "account": account, **facts})
        await keep(unit_of_work, order, attempt)
        kept.append((order, attempt))
    return kept


class NeighboursContract(StoreContract):
    """No row is taken for its neighbour, whichever of them comes first."""

    @pytest.mark.asyncio
    async def test_each_order_has_its_own_rows_alone(self, unit_of_work: UnitOfWork) -> None:
        """Attempts, refunds, further captures and the story."""
        kept = await three(unit_of_work)
        refunds = [a_refund(attempt) for _, attempt in kept]
        captures = [a_capture(attempt) for _, attempt in kept]
        async with unit_of_work() as work:
            for (order, _), refund, capture in zip(kept, refunds, captures, strict=True):
                assert await work.refunds.add(refund)
                assert await work.attempts.add_capture(capture)
                await work.story.add(a_line(order, fact=a_fact(order.order_no)))
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            for (order, attempt), refund, capture in zip(kept, refunds, captures, strict=True):
                its = order.order_id
                assert list(await work.attempts.of_order(its)) == [attempt]
                assert list(await work.refunds.of_order(its)) == [refund]
                assert list(await work.attempts.captures_of(its)) == [capture]
                (line,) = await work.story.of_order(its)
                assert line.fact == a_fact(order.order_no)
                assert await work.attempts.get(attempt.attempt_id) == attempt
                assert await work.attempts.by_number(attempt.account, attempt.number) == attempt
                assert await work.refunds.get(refund.refund_no) == refund
                assert await work.orders.get(order.order_no) == order

    @pytest.mark.asyncio
    async def test_accounts_share_no_numbers(self, unit_of_work: UnitOfWork) -> None:
        """One number, one reference and one trade number may be at each of them."""
        kept = await three(unit_of_work, asking_until=UNTIL, charge=a_charge(number="SAME0001"))
        async with unit_of_work() as work:
            for _, attempt in kept:
                its = attempt.attempt_id
                opened = Opened(PAGES[0], "theirs-1")
                assert await work.attempts.keep_page(its, opened, UNTIL, NOW, asked_until=UNTIL)
                assert await work.attempts.move(
                    its, AttemptEvent.WON, at=NOW, cause=CAUSE, provider_trade_no="T-1"
                )
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            for _, attempt in kept:
                found = await work.attempts.by_number(attempt.account, "SAME0001")
                assert found is not None
                assert found.attempt_id == attempt.attempt_id
                assert (found.reference, found.provider_trade_no) == ("theirs-1", "T-1")
                assert await work.attempts.by_reference(attempt.account, "theirs-1") == found

    @pytest.mark.asyncio
    @pytest.mark.parametrize("first", [0, 1])
    async def test_one_account_has_each_name_once(
        self, unit_of_work: UnitOfWork, first: int
    ) -> None:
        """Whoever of two bears a reference or a trade number first, the other cannot."""
        kept = await three(unit_of_work, asking_until=UNTIL, account="tea")
        one, other = kept[first][1].attempt_id, kept[1 - first][1].attempt_id
        opened = Opened(PAGES[0], "theirs-1")
        async with unit_of_work() as work:
            assert await work.attempts.keep_page(one, opened, UNTIL, NOW, asked_until=UNTIL)
            assert not await work.attempts.keep_page(other, opened, UNTIL, NOW, asked_until=UNTIL)
            assert not await work.attempts.fill_in(other, reference="theirs-1")
            for its in (one, other):
                assert await work.attempts.move(
                    its, AttemptEvent.WON, at=NOW, cause=CAUSE, provider_trade_no="T-1"
                )
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            found = [await work.attempts.get(its) for its in (one, other)]
            assert [f.provider_trade_no for f in found if f is not None] == ["T-1", None]

    @pytest.mark.asyncio
    async def test_a_page_without_a_reference_takes_nobodys(self, unit_of_work: UnitOfWork) -> None:
        """Those of a provider that has none are all without one."""
        kept = await three(unit_of_work, asking_until=UNTIL, account="tea")
        async with unit_of_work() as work:
            for _, attempt in kept:
                assert await work.attempts.keep_page(
                    attempt.attempt_id, Opened(PAGES[0]), UNTIL, NOW, asked_until=UNTIL
                )

    @pytest.mark.asyncio
    async def test_what_is_done_to_a_refund_is_done_to_no_other(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Each step of the middle one leaves those beside it as they were."""
        kept = await three(unit_of_work)
        before, refund, behind = (a_refund(attempt) for _, attempt in kept)
        await keep(unit_of_work, before, refund, behind)
        its = refund.refund_no
        async with unit_of_work() as work:
            sent, move = RefundEvent.SENT, work.refunds.move
            assert await move(its, sent, at=NOW, cause=CAUSE, next_try_at=NOW, hold_until=UNTIL)
            assert await work.refunds.reschedule(its, NOW, held_until=UNTIL)
            assert await move(its, RefundEvent.FAILED, at=NOW, cause=CAUSE)
            for other in (before, behind):
                assert await work.refunds.get(other.refund_no) == other

    @pytest.mark.asyncio
    @pytest.mark.parametrize("left", [1, 2])
    async def test_a_page_is_not_taken_back_beside_another_of_its_request(
        self, unit_of_work: UnitOfWork, left: int
    ) -> None:
        """Whether the newer one or the older one was left."""
        order = an_order()
        states = {1: AttemptState.OPEN, 2: AttemptState.OPEN, left: AttemptState.CLOSING}
        pair = [attempt_in(state, order, idx=idx, **UNTOUCHED) for idx, state in states.items()]
        await keep(unit_of_work, order, *pair)
        async with unit_of_work() as work:
            its = pair[left - 1].attempt_id
            assert not await work.attempts.take_back(its, at=NOW, cause=CAUSE)

    @pytest.mark.asyncio
    async def test_of_those_that_are_due_together_the_first_in_the_alphabet_is_first(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """In whatever order they were written down; so two workers begin alike."""
        order = an_order()
        pair = [
            an_attempt(order, idx=idx, fingerprint=str(idx) * 32, next_check_at=NOW)
            for idx in (1, 2)
        ]
        await keep(unit_of_work, order, pair[1], pair[0])
        async with unit_of_work() as work:
            (first,) = await work.attempts.claim_due(NOW, UNTIL, 1)
            assert first == pair[0].attempt_id

    @pytest.mark.asyncio
    async def test_a_winner_is_named_with_the_capture_and_with_nothing_else(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Anything else is a mistake of ours, and changes nothing."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            with pytest.raises(ValueError, match="winner"):
                await work.orders.move(order.order_id, OrderEvent.CAPTURED, at=NOW, cause=CAUSE)
            with pytest.raises(ValueError, match="winner"):
                await work.orders.move(
                    order.order_id, OrderEvent.DEADLINE_PASSED, at=NOW, cause=CAUSE, winner="A"
                )
            assert await work.orders.by_id(order.order_id) == replace(order)
