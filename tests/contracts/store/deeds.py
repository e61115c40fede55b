"""Deeds: one of every kind that changes a store, to see it kept, undone and never half done."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionItem
from retender.domain.model.event import Event, EventKind
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.refund import Refund
from retender.domain.model.transition import (
    AttemptEvent,
    AttemptState,
    OrderEvent,
    RefundEvent,
    RefundState,
)
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    PAGES,
    a_capture,
    a_line,
    a_refund,
    an_attempt,
    an_attention_item,
    an_ending,
    an_event,
    an_order,
    attempt_in,
    keep,
)

UNTIL = NOW + MINUTE
LATER = NOW + timedelta(seconds=1)
HELD = NOW - timedelta(seconds=1)
"""The end of a lease of the event: over, and nobody else has taken it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is in the store before the deed, and what a deed may add."""

    order: Order
    attempt: Attempt
    left: Attempt
    due: Refund
    sent: Refund
    held: Refund
    event: Event
    item: AttentionItem
    new_order: Order
    new_attempt: Attempt
    new_refund: Refund
    new_event: Event


async def a_scene(unit_of_work: UnitOfWork) -> Scene:
    """Put an order into the store on which every deed can be done."""
    order = an_order()
    told_back = Money(1, order.amount.currency)
    attempt = an_attempt(order, next_check_at=NOW, asking_until=NOW, told_back=told_back)
    left = attempt_in(AttemptState.CLOSING, order, idx=3, fingerprint="d" * 32, leased_until=None)
    left = replace(left, asking_until=None, next_check_at=None)
    due, sent = a_refund(attempt), a_refund(attempt, state=RefundState.SENT)
    held = a_refund(attempt, leased_until=HELD)
    event = an_event(order)
    item = an_attention_item()
    await keep(unit_of_work, order, attempt, left, due, sent, held, event, item)
    async with unit_of_work() as work:
        await work.outbox.claim_due(NOW - MINUTE, HELD, 1)
        await work.commit()
    return Scene(
        order=order,
        attempt=attempt,
        left=left,
        due=due,
        sent=sent,
        held=held,
        event=event,
        item=item,
        new_order=an_order(),
        new_attempt=an_attempt(order, idx=2, fingerprint="e" * 32),
        new_refund=a_refund(attempt),
        new_event=an_event(order, kind=EventKind.ORDER_CLOSED),
    )


async def everything(unit_of_work: UnitOfWork, scene: Scene) -> list[object]:
    """Read back all that can be read of the scene."""
    order_id = scene.order.order_id
    async with unit_of_work(read_only=True) as work:
        return [
            await work.orders.by_id(order_id),
            await work.orders.get(scene.new_order.order_no),
            list(await work.attempts.of_order(order_id)),
            list(await work.refunds.of_order(order_id)),
            list(await work.attempts.captures_of(order_id)),
            list(await work.attention.all()),
            [await work.outbox.any_due(at) for at in (NOW, LATER, UNTIL)],
            list(await work.outbox.of_order(scene.order.order_no)),
            list(await work.story.of_order(order_id)),
        ]


Deed = Callable[[Work, Scene], Awaitable[object]]

DEEDS: Mapping[str, Deed] = {
    "orders.add": lambda w, s: w.orders.add(s.new_order),
    "orders.hold_new": lambda w, s: w.orders.hold_new(s.order.order_id, NOW),
    "orders.hold": lambda w, s: w.orders.hold(s.order.order_id),
    "orders.move": lambda w, s: w.orders.move(
        s.order.order_id, OrderEvent.DEADLINE_PASSED, at=NOW, cause=CAUSE
    ),
    "attempts.add": lambda w, s: w.attempts.add(s.new_attempt),
    "attempts.move": lambda w, s: w.attempts.move(
        s.attempt.attempt_id, AttemptEvent.CLOSE_WANTED, at=NOW, cause=CAUSE
    ),
    "attempts.claim_asking": lambda w, s: w.attempts.claim_asking(s.attempt.attempt_id, NOW, UNTIL),
    "attempts.keep_page": lambda w, s: w.attempts.keep_page(
        s.attempt.attempt_id, Opened(PAGES[0]), UNTIL, NOW, asked_until=NOW
    ),
    "attempts.add_capture": lambda w, s: w.attempts.add_capture(a_capture(s.attempt)),
    "attempts.claim_closing": lambda w, s: w.attempts.claim_closing(s.left.attempt_id, UNTIL),
    "attempts.take_back": lambda w, s: w.attempts.take_back(s.left.attempt_id, at=NOW, cause=CAUSE),
    "attempts.hear_total": lambda w, s: w.attempts.hear_total(s.attempt.attempt_id, s.order.amount),
    "attempts.forget_total": lambda w, s: w.attempts.forget_total(s.attempt.attempt_id),
    "attempts.fill_in": lambda w, s: w.attempts.fill_in(s.attempt.attempt_id, reference="theirs"),
    "attempts.release_asking": lambda w, s: w.attempts.release_asking(
        s.attempt.attempt_id, asked_until=NOW
    ),
    "attempts.claim_due": lambda w, _: w.attempts.claim_due(NOW, UNTIL, 10),
    "attempts.reschedule": lambda w, s: w.attempts.reschedule(
        s.attempt.attempt_id, LATER, held_until=None
    ),
    "refunds.add": lambda w, s: w.refunds.add(s.new_refund),
    "refunds.move": lambda w, s: w.refunds.move(
        s.due.refund_no, RefundEvent.SENT, at=NOW, cause=CAUSE
    ),
    "refunds.claim_due": lambda w, _: w.refunds.claim_due(NOW, UNTIL, 10),
    "refunds.reschedule": lambda w, s: w.refunds.reschedule(
        s.sent.refund_no, LATER, held_until=None
    ),
    "refunds.put_off": lambda w, s: w.refunds.put_off(s.held.refund_no, LATER, held_until=HELD),
    "inbox.add": lambda w, _: w.inbox.add("tea-house", "evt-1", "hash", NOW),
    "attention.add": lambda w, s: w.attention.add(an_attention_item(attention_id=s.order.order_id)),
    "attention.end": lambda w, s: w.attention.end(s.item.attention_id, an_ending()),
    "outbox.add": lambda w, s: w.outbox.add(s.new_event),
    "outbox.claim_due": lambda w, _: w.outbox.claim_due(NOW, UNTIL, 10),
    "outbox.mark_sent": lambda w, s: w.outbox.mark_sent(s.event.event_id, NOW, held_until=HELD),
    "outbox.put_off": lambda w, s: w.outbox.put_off(s.event.event_id, LATER, held_until=HELD),
    "story.add": lambda w, s: w.story.add(a_line(s.order)),
}
"""Every method of the port that changes something, by name."""

UNSEEN = {"inbox.add"}
"""Deeds of which nothing can be read back; only doing them again shows them."""


async def do(deed: str, work: Work, scene: Scene) -> None:
    """Do it, and insist that the store says so; some methods have nothing to say."""
    answer = await DEEDS[deed](work, scene)
    assert answer is None or answer, f"{deed} was refused"
