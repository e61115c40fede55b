"""What a store promises of its figures: what is under way, what is overdue, what is due."""

from dataclasses import replace

import pytest

from retender.domain.model.attention import (
    AttentionCode,
)
from retender.domain.model.backlog import (
    OPEN_ATTEMPTS,
    OPEN_ORDERS,
    OPEN_REFUNDS,
    Due,
    Overdue,
    Waiting,
    WorkKind,
)
from retender.domain.model.transition import (
    AttemptState,
    OrderEvent,
    OrderState,
    RefundState,
)
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_call,
    a_refund,
    an_attempt,
    an_attention_item,
    an_ending,
    an_event,
    an_order,
    attempt_in,
    keep,
    order_in,
)


class BacklogContract(StoreContract):
    """Counted at one instant, and told in one question."""

    @pytest.mark.asyncio
    async def test_what_is_under_way_is_counted(self, unit_of_work: UnitOfWork) -> None:
        """By state, what is final left out; and since when something is due."""
        orders = [order_in(state) for state in OrderState]
        order = an_order()
        states = [state for state in AttemptState if state is not AttemptState.SUCCEEDED]
        attempts = [
            attempt_in(state, order, idx=idx, fingerprint=f"{idx:032x}")
            for idx, state in enumerate(states)
        ]
        refunds = [a_refund(attempts[0], state=state) for state in RefundState]
        events = [an_event(order, subject=f"s{n}") for n in range(3)]
        await keep(unit_of_work, *orders, order, *attempts, *refunds, *events)
        await _tell(unit_of_work, events[0].event_id)
        stuck = [a_call(AttentionCode.REFUND_STUCK, f"r{n}", at=NOW - n * TICK) for n in range(2)]
        await keep(unit_of_work, *stuck, an_attention_item(), an_attention_item(ending=an_ending()))
        async with unit_of_work(read_only=True) as work:
            size = await work.backlog.size()
        assert size.waiting == {
            AttentionCode.REFUND_STUCK: Waiting(2, NOW - TICK),
            AttentionCode.AMOUNT_MISMATCH: Waiting(1, NOW),
        }
        assert size.orders == {**dict.fromkeys(OPEN_ORDERS, 1), OPEN_ORDERS[0]: 2}
        assert size.attempts == dict.fromkeys(OPEN_ATTEMPTS, 1)
        assert size.refunds == dict.fromkeys(OPEN_REFUNDS, 1)
        assert size.untold == 2
        assert size.due_since == NOW

    @pytest.mark.asyncio
    async def test_of_nothing_there_is_nothing_to_count(self, unit_of_work: UnitOfWork) -> None:
        """An empty store has figures too."""
        async with unit_of_work(read_only=True) as work:
            size = await work.backlog.size()
        counted = (size.waiting, size.orders, size.attempts, size.refunds)
        assert counted == ({}, {}, {}, {})
        assert (size.untold, size.due_since) == (0, None)

    @pytest.mark.asyncio
    async def test_what_is_overdue_is_counted_with_since_when(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Of each kind; what somebody holds, what was due later and what has ended is not."""
        long, now, paid = NOW - MINUTE, NOW + MINUTE, an_order()
        orders = [an_order(shown_until=at) for at in (long, NOW, NOW + TICK)]
        orders += [paid, order_in(OrderState.CLOSED, shown_until=long)]
        due: list[dict[str, object]] = [
            {"next_check_at": long, "leased_until": now},
            {"next_check_at": NOW, "leased_until": now + TICK},
            {"next_check_at": NOW + TICK},
            {"next_check_at": None, "state": AttemptState.CLOSED},
        ]
        attempts = [
            an_attempt(paid, idx=idx, fingerprint=f"{idx:032x}", **facts)
            for idx, facts in enumerate(due)
        ]
        refunds = [
            a_refund(attempts[0], next_try_at=NOW),
            a_refund(attempts[0], next_try_at=long),
            a_refund(attempts[0], next_try_at=long, leased_until=now + TICK),
            a_refund(attempts[0], next_try_at=None, state=RefundState.DONE),
        ]
        events = [an_event(paid, subject=f"s{n}", at=long + n * TICK) for n in range(3)]
        await keep(unit_of_work, *orders, *attempts, *refunds, *events)
        await _tell(unit_of_work, events[0].event_id)
        async with unit_of_work() as work:
            await work.outbox.put_off(events[1].event_id, NOW + TICK, held_until=NOW + MINUTE)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert await work.backlog.overdue(NOW, now) == {
                WorkKind.ORDERS: Overdue(2, long),
                WorkKind.ATTEMPTS: Overdue(1, long),
                WorkKind.REFUNDS: Overdue(2, long),
                WorkKind.EVENTS: Overdue(1, long + 2 * TICK),
            }
            assert await work.backlog.overdue(long - TICK, now) == {}

    @pytest.mark.asyncio
    async def test_what_is_due_is_told_kind_by_kind(self, unit_of_work: UnitOfWork) -> None:
        """It sees what claiming would find: nothing of what is held, later, or nobody's."""
        names = ["tea", "inn", "spa"]
        nothing = Due()
        order, late = an_order(), an_order(shown_until=NOW)
        look = an_attempt(order, idx=1, fingerprint="1" * 32, account="tea", next_check_at=NOW)
        held = {"next_check_at": NOW, "leased_until": NOW + TICK}
        attempt = an_attempt(order, idx=2, fingerprint="2" * 32, account="inn", **held)
        refund = a_refund(attempt, account="spa", next_try_at=NOW)
        event = an_event(order)
        async with unit_of_work(read_only=True, once=True) as work:
            assert await work.backlog.due(NOW, names) == nothing
        await keep(unit_of_work, order, late, look, attempt, refund, event)
        async with unit_of_work(read_only=True, once=True) as work:
            due = Due(orders=True, events=True, accounts=frozenset({"tea", "spa"}))
            assert await work.backlog.due(NOW, names) == due
        async with unit_of_work(read_only=True, once=True) as work:
            assert await work.backlog.due(NOW - TICK, ["inn"]) == replace(nothing, events=True)
        async with unit_of_work() as work:
            await work.orders.move(late.order_id, OrderEvent.DEADLINE_PASSED, at=NOW, cause=CAUSE)
            await work.commit()
        async with unit_of_work(read_only=True, once=True) as work:
            told = await work.backlog.due(NOW - TICK, [])
            assert told == Due(orders=True, events=True), "it is ending, and nothing of it is live"


async def _tell(unit_of_work: UnitOfWork, event_id: str) -> None:
    async with unit_of_work() as work:
        await work.outbox.claim_due(NOW, NOW + MINUTE, 10)
        assert await work.outbox.mark_sent(event_id, NOW, held_until=NOW + MINUTE)
        await work.commit()
