"""Invariants: what must always be true, and what must be true once all has come to rest."""

from collections.abc import Iterator

from retender.domain.model.event import EventKind
from retender.domain.model.transition import (
    AttemptState,
    OrderState,
    RefundState,
    State,
    edges,
)
from retender.ports.payment_provider import Receipt, RefundReceipt
from retender.tests.model.providers import find, is_payable
from retender.tests.model.state import ORDER_ID, Books, Ledger, Phase

MEANING = {
    "I1": "two captured payments are kept",
    "I2": "money was captured, and its order is not paid by it",
    "I3": "the shop hears of payment exactly if the order is paid",
    "I4": "the winning payment was refunded, or there is none",
    "I5": "one payment was refunded twice",
    "I6": "a payment made in time was refunded although no other won",
    "I7": "two attempts count as the order's payment",
    "L1": "the order never ends",
    "L2": "an attempt never ends",
    "S": "two pages can be paid at one time under policy strict",
    "P": "something under way has no next look planned",
    "T": "a state changed as the table does not allow",
}

_ENDED = {AttemptState.CLOSED, AttemptState.SUCCEEDED, AttemptState.REFUNDED}
# Members of different machines may be equal as texts, so the machine is part of the edge.
_EDGES = {(type(before), before, after) for before, _, after in edges()}
# One transaction may follow two edges: a refund's notice takes it from DUE over SENT to DONE.
_EDGES |= {
    (machine, a, d)
    for machine, a, b in _EDGES
    for same, c, d in _EDGES
    if machine is same is RefundState and b is c
}


def always(ledger: Ledger, books: Books, phase: Phase, *, strict: bool) -> Iterator[str]:
    """Yield what is broken now, whatever may still come."""
    order = ledger.order
    if any(len(till.refunds) > 1 for till in books):
        yield "I5"
    winner = next((a for a in ledger.attempts if a.attempt_id == order.winner), None)
    if winner is not None:
        till = find(books, winner.number)
        if till is None or till.refunds or till.state != "paid":
            yield "I4"
    paid = order.state is OrderState.PAID
    if paid != ((EventKind.ORDER_PAID, ORDER_ID) in ledger.events) or paid != bool(winner):
        yield "I3"
    if sum(attempt.state is AttemptState.SUCCEEDED for attempt in ledger.attempts) > 1:
        yield "I7"
    if ledger.unplanned:
        yield "P"
    if strict and sum(is_payable(till, phase) for till in books) > 1:
        yield "S"


def at_rest(ledger: Ledger, books: Books) -> Iterator[str]:
    """Yield what is broken if nothing more comes of it."""
    order = ledger.order
    paid = order.state is OrderState.PAID
    if order.state not in {OrderState.PAID, OrderState.CLOSED}:
        yield "L1"
    if any(attempt.state not in _ENDED for attempt in ledger.attempts):
        yield "L2"
    if sum(till.holds_money for till in books) > 1:
        yield "I1"
    for till in books:
        attempt = ledger.attempt_of(till.number)
        is_winner = attempt is not None and attempt.attempt_id == order.winner
        if till.holds_money and not is_winner:
            yield "I2"
        if till.in_time and till.refunds and not paid:
            yield "I6"


def off_the_table(before: Ledger, after: Ledger) -> str | None:
    """Say which change of state has no edge, if one has none."""
    rows: list[tuple[State, State]] = [(before.order.state, after.order.state)]
    rows += [(a.state, b.state) for a, b in zip(before.attempts, after.attempts, strict=False)]
    rows += [(a.state, b.state) for a, b in zip(before.refunds, after.refunds, strict=False)]
    wrong = [(a, b) for a, b in rows if a is not b and (type(a), a, b) not in _EDGES]
    return "T" if wrong else None


def difference(before: Ledger, after: Ledger) -> str:
    """Say what a transaction changed."""
    old = {"order": str(before.order.state)}
    old |= {a.number: str(a.state) for a in before.attempts}
    old |= {r.number: str(r.state) for r in before.refunds}
    new = {"order": str(after.order.state)}
    new |= {a.number: str(a.state) for a in after.attempts}
    new |= {r.number: str(r.state) for r in after.refunds}
    changed = [f"{name} {new[name]}" for name in new if old.get(name) != new[name]]
    return f"; {', '.join(changed)}" if changed else ""


def said(reply: object) -> str:
    """Return an answer in short."""
    if isinstance(reply, Receipt | RefundReceipt):
        return str(reply.state)
    return str(reply) if isinstance(reply, BaseException) else "page"
