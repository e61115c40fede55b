"""What is set aside because a row cannot be read: it holds up nothing, and is found again."""

from typing import Any

import pytest

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.backlog import WorkKind
from retender.domain.model.event import Event
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund
from retender.domain.model.transition import (
    AttemptEvent,
    OrderEvent,
    OrderState,
    RefundEvent,
)
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    a_refund,
    an_attempt,
    an_attention_item,
    an_ending,
    an_event,
    an_order,
    keep,
    order_in,
    readable,
)

CODE = AttentionCode.ROW_UNREADABLE


class SetAsideContract(StoreContract):
    """While a human is called for it, nothing finds it; then it is found as ever."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", [OrderState.NEW, OrderState.EXPIRING])
    async def test_an_order_that_is_set_aside_holds_up_no_other(
        self, unit_of_work: UnitOfWork, state: OrderState
    ) -> None:
        """It is in no batch, however small; another call about it changes nothing."""
        times = {"created_at": NOW - 9 * MINUTE, "shown_until": NOW - 2 * MINUTE}
        aside, other = order_in(state, **times), order_in(state, **times)
        call = an_attention_item(code=CODE, about=About.ORDER, subject=aside.order_id)
        noise = an_attention_item(
            code=AttentionCode.FOREIGN, about=About.ORDER, subject=other.order_id
        )
        await keep(unit_of_work, aside, other, call, noise)
        assert await _over(unit_of_work, state) == [other.order_id]
        if state is OrderState.NEW:
            async with unit_of_work(read_only=True) as work:
                late = await work.backlog.overdue(NOW, NOW)
            assert late[WorkKind.ORDERS].count == 1, "nobody is late with what is set aside"
        async with unit_of_work() as work:
            assert await work.attention.end(call.attention_id, an_ending())
            await work.commit()
        assert await _over(unit_of_work, state) == sorted([aside.order_id, other.order_id])

    @pytest.mark.asyncio
    async def test_a_human_who_is_called_for_a_row_is_not_called_twice(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """What cannot be read is unknown for long, too; that is no news."""
        _, attempt, *_, calls = await _one_of_each(unit_of_work)
        assert [len(found) for found in await _news(unit_of_work)] == [1, 1, 1]
        await keep(unit_of_work, *calls)
        assert [len(found) for found in await _news(unit_of_work)] == [0, 0, 0]
        async with unit_of_work() as work:
            again = an_attention_item(code=CODE, about=About.ATTEMPT, subject=attempt.attempt_id)
            assert await work.attention.add(again) is False

    @pytest.mark.asyncio
    async def test_the_call_waits_whatever_its_subject_says_of_itself(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """That a row is final proves nothing while it cannot be read: only a human ends it."""
        order, attempt, refund, event, calls = await _one_of_each(unit_of_work)
        await keep(unit_of_work, *calls)
        async with unit_of_work() as work:
            how: dict[str, Any] = {"at": NOW, "cause": CAUSE}
            assert await work.orders.move(order.order_id, OrderEvent.DEADLINE_PASSED, **how)
            assert await work.attempts.move(attempt.attempt_id, AttemptEvent.PROVEN_DEAD, **how)
            assert await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, **how)
            assert await work.refunds.move(refund.refund_no, RefundEvent.SENT, **how)
            assert await work.refunds.move(refund.refund_no, RefundEvent.CONFIRMED, **how)
            await work.outbox.claim_due(NOW, NOW + MINUTE, 10)
            held = {"held_until": NOW + MINUTE}
            assert await work.outbox.mark_sent(event.event_id, NOW, **held)
            assert list(await work.backlog.over(10)) == []
            await work.commit()


async def _one_of_each(
    unit_of_work: UnitOfWork,
) -> tuple[Order, Attempt, Refund, Event, list[AttentionItem]]:
    """Keep an order, attempt, refund and event; return them, and calls for each of them."""
    order = an_order()
    attempt = an_attempt(order, watch_until=NOW)
    refund, event = a_refund(attempt), an_event(order)
    await keep(unit_of_work, order, attempt, refund, event)
    subjects = {
        About.ORDER: order.order_id,
        About.ATTEMPT: attempt.attempt_id,
        About.REFUND: refund.refund_no,
        About.EVENT: event.event_id,
    }
    calls = [an_attention_item(code=CODE, about=k, subject=its) for k, its in subjects.items()]
    return order, attempt, refund, event, calls


async def _over(unit_of_work: UnitOfWork, state: OrderState) -> list[str]:
    """Return the ids of the orders that are due in this state; one at a time finds the same."""
    async with unit_of_work(read_only=True) as work:
        if state is OrderState.NEW:
            found = readable(await work.orders.past_deadline(NOW, 10))
            assert readable(await work.orders.past_deadline(NOW, 1)) == found[:1]
        else:
            found = readable(await work.orders.expiring_without_live_attempts(10))
            assert readable(await work.orders.expiring_without_live_attempts(1)) == found[:1]
    return [order.order_id for order in found]


async def _news(unit_of_work: UnitOfWork) -> list[list[object]]:
    async with unit_of_work(read_only=True) as work:
        return [
            list(await work.backlog.attempts(NOW, NOW, 10)),
            list(await work.backlog.refunds(AttentionCode.REFUND_TOO_LONG, NOW, NOW, 10)),
            list(await work.backlog.events(NOW, NOW, 10)),
        ]
