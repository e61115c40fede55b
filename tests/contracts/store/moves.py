"""What a store promises of moves: the table's, the whole table's, and no other."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from retender.domain.model.errors import UndefinedTransition
from retender.domain.model.order import EndReason, LatePayment
from retender.domain.model.payer import Payer
from retender.domain.model.story import OrderChanged, StoryEntry
from retender.domain.model.story_money import RefundChanged
from retender.domain.model.story_pages import AttemptChanged, TradeNumberNotKept
from retender.domain.model.transition import (
    KEPT,
    LIVE,
    UNDER_WAY,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    RefundEvent,
    RefundState,
    State,
    TransitionEvent,
    transition,
)
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_refund,
    an_attempt,
    an_order,
    attempt_in,
    keep,
    new_id,
    order_in,
)

LATER = NOW + MINUTE


class MovesContract(StoreContract):
    """Every state meets every event; the table decides, and the story tells."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", OrderEvent)
    @pytest.mark.parametrize("state", OrderState)
    async def test_an_order_moves_as_the_table_says(
        self, unit_of_work: UnitOfWork, state: OrderState, event: OrderEvent
    ) -> None:
        """Allowed: state, winner and version change. Not allowed: nothing does."""
        beside = order_in(OrderState.CLOSED)
        order = order_in(state, end_reason=None)
        await keep(unit_of_work, beside, order)
        winner = new_id() if event is OrderEvent.CAPTURED else None
        async with unit_of_work() as work:
            moved = await work.orders.move(
                order.order_id, event, at=LATER, cause=CAUSE, winner=winner
            )
            await work.commit()
        allowed = state in transition(event).sources
        after = replace(order, state=OrderState(transition(event).target), winner=winner, version=1)
        after = replace(after, end_reason=None if winner else order.end_reason)
        async with unit_of_work(read_only=True) as work:
            assert moved is allowed
            assert await work.orders.by_id(order.order_id) == (after if allowed else order)
            story = await work.story.of_order(order.order_id)
        assert_told(story, state, event, order_id=order.order_id, attempt_id=None)

    @pytest.mark.asyncio
    async def test_why_an_order_ended_is_kept(self, unit_of_work: UnitOfWork) -> None:
        """From the move that says it to the end."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            await work.orders.move(
                order.order_id,
                OrderEvent.CANCELLED,
                at=NOW,
                cause=CAUSE,
                end_reason=EndReason.CANCELLED,
                late_payment=LatePayment.REFUND,
            )
            await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, at=NOW, cause=CAUSE)
            closed = await work.orders.by_id(order.order_id)
        assert closed is not None
        assert (closed.state, closed.end_reason) == (OrderState.CLOSED, EndReason.CANCELLED)
        assert closed.late_payment is LatePayment.REFUND

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", OrderEvent)
    async def test_a_winner_is_named_exactly_with_captured(
        self, unit_of_work: UnitOfWork, event: OrderEvent
    ) -> None:
        """Paid by nobody, or a winner without payment: an error, and nothing changes."""
        order = an_order()
        await keep(unit_of_work, order)
        winner = None if event is OrderEvent.CAPTURED else new_id()
        async with unit_of_work() as work:
            with pytest.raises(ValueError, match="winner"):
                await work.orders.move(order.order_id, event, at=NOW, cause=CAUSE, winner=winner)
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.by_id(order.order_id) == order

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", AttemptEvent)
    @pytest.mark.parametrize("state", AttemptState)
    async def test_an_attempt_moves_as_the_table_says(
        self, unit_of_work: UnitOfWork, state: AttemptState, event: AttemptEvent
    ) -> None:
        """Allowed: the state changes, the lease ends. Not allowed: nothing does."""
        order = an_order()
        attempt = attempt_in(state, order)
        await keep(unit_of_work, order, attempt)
        async with unit_of_work() as work:
            moved = await work.attempts.move(
                attempt.attempt_id,
                event,
                at=LATER,
                cause=CAUSE,
                next_check_at=LATER + TICK,
                provider_trade_no="20260314",
                captured_at=LATER - TICK,
            )
            await work.commit()
        allowed = state in transition(event).sources
        target = AttemptState(transition(event).target)
        kept = target in KEPT
        after = replace(
            attempt,
            state=target,
            charge=attempt.charge if kept else replace(attempt.charge, payer=Payer()),
            page=attempt.page if kept else None,
            page_until=attempt.page_until if kept else None,
            next_check_at=LATER + TICK if target in LIVE else None,
            leased_until=None,
            provider_trade_no="20260314",
            captured_at=LATER - TICK,
        )
        async with unit_of_work(read_only=True) as work:
            assert moved is allowed
            assert await work.attempts.get(attempt.attempt_id) == (after if allowed else attempt)
            story = await work.story.of_order(order.order_id)
        assert_told(story, state, event, order_id=order.order_id, attempt_id=attempt.attempt_id)

    @pytest.mark.asyncio
    async def test_what_a_move_is_not_told_stays(self, unit_of_work: UnitOfWork) -> None:
        """The provider's number and time, and in live states the next look."""
        order = an_order()
        attempt = attempt_in(
            AttemptState.OPEN, order, provider_trade_no="20260314", captured_at=NOW
        )
        await keep(unit_of_work, order, attempt)
        async with unit_of_work() as work:
            await work.attempts.move(
                attempt.attempt_id, AttemptEvent.CLOSE_WANTED, at=LATER, cause=CAUSE
            )
            closing = await work.attempts.get(attempt.attempt_id)
        assert closing is not None
        assert closing.next_check_at == attempt.next_check_at
        assert (closing.provider_trade_no, closing.captured_at) == ("20260314", NOW)

    @pytest.mark.asyncio
    async def test_an_order_has_one_succeeded_attempt(self, unit_of_work: UnitOfWork) -> None:
        """A broken election fails loudly, and the first winner stays the only one."""
        order = an_order()
        first = an_attempt(order, state=AttemptState.SUCCEEDED, next_check_at=None)
        second = an_attempt(order, idx=2)
        await keep(unit_of_work, order, first, second)
        async with unit_of_work() as work:
            with pytest.raises(UndefinedTransition, match=second.attempt_id):
                await work.attempts.move(second.attempt_id, AttemptEvent.WON, at=NOW, cause=CAUSE)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attempts.of_order(order.order_id)) == [first, second]
            assert list(await work.story.of_order(order.order_id)) == []

    @pytest.mark.asyncio
    async def test_a_capture_is_kept_even_if_its_number_is_taken(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Two captures of one account claim one number: the money counts, the story tells."""
        order, other = an_order(), an_order()
        first = an_attempt(other, provider_trade_no="20260314")
        second = an_attempt(order)
        elsewhere = an_attempt(order, idx=2, fingerprint="e" * 32, account="coffee-house")
        await keep(unit_of_work, order, other, first, second, elsewhere)
        async with unit_of_work() as work:
            for attempt, event in (
                (second, AttemptEvent.WON),
                (elsewhere, AttemptEvent.SURPLUS),
            ):
                assert await work.attempts.move(
                    attempt.attempt_id, event, at=NOW, cause=CAUSE, provider_trade_no="20260314"
                )
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            won, surplus = await work.attempts.of_order(order.order_id)
            story = await work.story.of_order(order.order_id)
            assert await work.attempts.get(first.attempt_id) == first
        assert (won.state, won.provider_trade_no) == (AttemptState.SUCCEEDED, None)
        assert surplus.provider_trade_no == "20260314"
        not_kept = TradeNumberNotKept(provider_trade_no="20260314")
        assert [entry.fact for entry in story].count(not_kept) == 1

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", RefundEvent)
    @pytest.mark.parametrize("state", RefundState)
    async def test_a_refund_moves_as_the_table_says(
        self, unit_of_work: UnitOfWork, state: RefundState, event: RefundEvent
    ) -> None:
        """Allowed: the state changes, SENT counts, at rest nobody holds it. Otherwise: nothing."""
        order = an_order()
        attempt = an_attempt(order)
        refund = a_refund(attempt, state=state, tries=4, leased_until=NOW + TICK)
        await keep(unit_of_work, order, attempt, refund)
        async with unit_of_work() as work:
            moved = await work.refunds.move(
                refund.refund_no,
                event,
                at=LATER,
                cause=CAUSE,
                next_try_at=LATER + TICK,
                provider_refund_no="5030",
                problem="no",
                held_until=refund.leased_until if event is RefundEvent.FAILED else None,
            )
            await work.commit()
        allowed = state in transition(event).sources
        after = replace(
            refund,
            state=RefundState(transition(event).target),
            tries={RefundEvent.SENT: 5, RefundEvent.RETRIED: 1}.get(event, 4),
            next_try_at=LATER + TICK if transition(event).target in UNDER_WAY else None,
            leased_until=refund.leased_until if transition(event).target in UNDER_WAY else None,
            provider_refund_no="5030",
            problem="no",
            sent_at=LATER if event is RefundEvent.SENT else refund.sent_at,
        )
        async with unit_of_work(read_only=True) as work:
            assert moved is allowed
            assert await work.refunds.get(refund.refund_no) == (after if allowed else refund)
            story = await work.story.of_order(order.order_id)
        assert_told(story, state, event, order_id=order.order_id, attempt_id=attempt.attempt_id)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("event", [RefundEvent.SENT, RefundEvent.TRY_AGAIN, RefundEvent.FAILED])
    async def test_only_what_is_sent_again_loses_the_id_of_an_earlier_send(
        self, unit_of_work: UnitOfWork, event: RefundEvent
    ) -> None:
        """An id names one send: asked with it, a provider would tell of the wrong one."""
        order = an_order()
        attempt = attempt_in(AttemptState.SUCCEEDED, order)
        state = transition(event).sources[0]
        refund = a_refund(attempt, state=RefundState(state), provider_refund_no="5030")
        await keep(unit_of_work, order, attempt, refund)
        async with unit_of_work() as work:
            assert await work.refunds.move(refund.refund_no, event, at=LATER, cause=CAUSE)
            found = await work.refunds.get(refund.refund_no)
        assert found is not None
        assert found.provider_refund_no == (None if event is RefundEvent.SENT else "5030")

    @pytest.mark.asyncio
    async def test_a_refund_forgets_its_next_try_and_nothing_else(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Not told when to try again, it is not tried again."""
        order = an_order()
        attempt = an_attempt(order)
        refund = a_refund(
            attempt, state=RefundState.SENT, provider_refund_no="5030", problem="busy"
        )
        await keep(unit_of_work, order, attempt, refund)
        async with unit_of_work() as work:
            await work.refunds.move(refund.refund_no, RefundEvent.CONFIRMED, at=LATER, cause=CAUSE)
            done = await work.refunds.get(refund.refund_no)
        assert done == replace(refund, state=RefundState.DONE, next_try_at=None)

    @pytest.mark.asyncio
    async def test_what_is_not_there_does_not_move(self, unit_of_work: UnitOfWork) -> None:
        """False, as for anything else that cannot be."""
        async with unit_of_work() as work:
            assert not await work.orders.move("x", OrderEvent.CANCELLED, at=NOW, cause=CAUSE)
            assert not await work.attempts.move("x", AttemptEvent.REFUSED, at=NOW, cause=CAUSE)
            assert not await work.refunds.move("x", RefundEvent.SENT, at=NOW, cause=CAUSE)


def assert_told(
    story: Sequence[StoryEntry],
    state: State,
    event: TransitionEvent,
    *,
    order_id: str,
    attempt_id: str | None,
) -> None:
    """Assert that the story has one line of this move, or none if it was not allowed."""
    row = transition(event)
    if state not in row.sources:
        assert list(story) == []
        return
    (entry,) = story
    assert isinstance(entry.fact, OrderChanged | AttemptChanged | RefundChanged)
    assert (entry.fact.before, entry.fact.after) == (state, row.target)
    assert type(entry.fact.before) is type(entry.fact.after) is type(state)
    assert (entry.order_id, entry.attempt_id) == (order_id, attempt_id)
    assert (entry.at, entry.fact.cause) == (LATER, CAUSE)
