"""Invariants: what must always be true, and what must be true once all has come to rest."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import EventKind
from retender.domain.model.order import LatePayment
from retender.domain.model.refund import MOST_TRIES, Refund, RefundCause
from retender.domain.model.switch_policy import SwitchPolicy
from retender.domain.model.transition import (
    UNDER_WAY,
    AttemptState,
    OrderState,
    RefundState,
    State,
    edges,
)
from retender.tests.model.decisions import by_other_means, is_misled, is_well_called
from retender.tests.model.providers import CONSOLE, is_payable
from retender.tests.model.state import HOSTED, ORDER_ID, Books, Fate, Ledger, Till

if TYPE_CHECKING:  # a world calls upon invariants, and they speak of worlds
    from retender.tests.model.ground import Core
    from retender.tests.model.rules import Rules

MEANING = {
    "I1": "two captured payments are kept",
    "I2": "money was captured, and its order is not paid by it",
    "I3": "an event is written down exactly if its fact is",
    "I4": "the winning payment was refunded though the shop did not ask, or there is none",
    "I5": "one payment was refunded twice",
    "E": "what our books say went back is not what went back, whoever did it",
    "I6": "a payment made in time was refunded although no other won",
    "C": "an order that takes no money any more was paid by what was heard after that",
    "I7": "two attempts count as the order's payment",
    "I8": "a closed order was paid, or a paid one closed",
    "L1": "the order never ends",
    "L2": "an attempt never ends",
    "L3": "from some state no end can be reached any more",
    "S": "two pages can be paid at one time under policy strict",
    "B": "two pages may be handed out at one time, and no policy says so",
    "N": "a page may be handed out of an order that takes no new payment",
    "P": "something under way has no next look planned",
    "K": "a refund is given up that nobody refused",
    "T": "a state changed as the table does not allow",
    "W": "the shop's first word on late payments was taken back",
    "F": "a worker acts on what it does not hold, or not any more",
    "O": "a human's word did what no word may do",
    "H": "what waits for a human calls none, or a call stands for what is over",
    "A1": "the shop hears of what is not true",
    "A2": "the shop never hears of something",
    "A3": "the shop hears of one thing under two event ids",
    "A4": "the shop is told twice although nothing failed",
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


def always(core: "Core", rules: "Rules") -> Iterator[str]:
    """Yield what is broken now, whatever may still come."""
    ledger, books = core.ledger, core.books
    yield from _of_the_order(ledger, books)
    yield from _of_refunds(ledger, books)
    if ledger.unplanned:
        yield "P"
    if rules.always_strict and sum(_can_be_paid(till, core) for till in books) > 1:
        yield "S"
    payable = sum(attempt.is_payable for attempt in ledger.attempts)
    if payable > 1 and rules.policy is not SwitchPolicy.NONE:
        yield "B"
    if payable and ledger.order.state is not OrderState.NEW:
        yield "N"
    yield from _of_what_is_heard(core, rules)


def _can_be_paid(till: Till, core: "Core") -> bool:
    """Tell whether a payer can pay it: a hosted page only if it was kept, and so shown."""
    attempt = core.ledger.attempt_of(till.ours)
    unseen = till.account == HOSTED and (attempt is None or attempt.opened_at is None)
    return not unseen and is_payable(till, core.phase)


def _of_the_order(ledger: Ledger, books: Books) -> Iterator[str]:
    order = ledger.order
    winner = next((a for a in ledger.attempts if a.attempt_id == order.winner), None)
    if winner is not None and not _is_kept(winner.number, ledger, books):
        yield "I4"
    paid = order.state is OrderState.PAID
    if paid != bool(winner) or not _are_told(ledger):
        yield "I3"
    if sum(attempt.state is AttemptState.SUCCEEDED for attempt in ledger.attempts) > 1:
        yield "I7"
    if paid and order.late_payment is LatePayment.REFUND:
        yield "C"
    if {(EventKind.ORDER_PAID, ORDER_ID), (EventKind.ORDER_CLOSED, ORDER_ID)} <= ledger.events:
        yield "I8"


def _of_refunds(ledger: Ledger, books: Books) -> Iterator[str]:
    if any(till.given_back > 1 for till in books):
        yield "I5"
    if any(_is_given_up_early(refund, books) for refund in ledger.refunds):
        yield "K"


def _of_what_is_heard(core: "Core", rules: "Rules") -> Iterator[str]:
    things = {(told.kind, told.subject) for told in core.heard}
    if not things <= core.ledger.events:
        yield "A1"
    if len(things) < len(core.heard):
        yield "A3"
    fails = rules.naps or "tell" in rules.losses or "announce" in rules.deaths
    if not fails and any(told.again for told in core.heard):
        yield "A4"


def at_rest(core: "Core", rules: "Rules") -> Iterator[str]:
    """Yield what is broken if nothing more comes of it."""
    ledger, books, order = core.ledger, core.books, core.ledger.order
    paid = order.state is OrderState.PAID
    if order.state not in {OrderState.PAID, OrderState.CLOSED}:
        yield "L1"
    if not all(_has_ended(attempt, ledger, rules) for attempt in ledger.attempts):
        yield "L2"
    kept = 0
    for till in books:
        attempt = ledger.attempt_of(till.ours)
        is_own = attempt is not None and is_its_own(till, attempt)
        is_winner = is_own and attempt is not None and attempt.attempt_id == order.winner
        # A refund that was given up, and said to be, keeps its money for a human.
        waits = attempt is not None and attempt.state is AttemptState.REFUND_STUCK
        waits = (waits and is_own) or is_misled(core, till, rules)
        waits = waits or _is_left_to_people(till, ledger)
        kept += till.holds_money and not waits
        if till.holds_money and not is_winner and not waits:
            yield "I2"
        # The shop's own word is stronger than the payer's clock (revision 2, rule 8).
        unwanted = order.late_payment is LatePayment.REFUND
        by_hand = any(known.startswith(CONSOLE) for known, _ in till.refunds)
        excused = paid or unwanted or by_hand or till.number in core.untrue
        if till.in_time and till.given_back and not excused:
            yield "I6"
    if kept > 1:
        yield "I1"
    if (rules.console or rules.reverses) and not all(_is_known(till, ledger) for till in books):
        yield "E"
    if rules.decides and not is_well_called(ledger, core.phase):
        yield "H"
    if rules.announces and {(told.kind, told.subject) for told in core.heard} != ledger.events:
        yield "A2"


def has_ended(core: "Core") -> bool:
    """Tell whether order, attempts and refunds are where they stay, or wait for an operator."""
    ledger = core.ledger
    return (
        ledger.order.state in {OrderState.PAID, OrderState.CLOSED}
        and all(a.state in _ENDED or a.state is _STUCK for a in ledger.attempts)
        and not any(r.state in UNDER_WAY for r in ledger.refunds)
    )


def is_its_own(till: Till, attempt: Attempt) -> bool:
    """Tell whether it is the attempt's own capture: of several, the first that was heard of."""
    return attempt.provider_trade_no in {None, till.trade_no}


def _is_left_to_people(till: Till, ledger: Ledger) -> bool:
    """Tell whether a further capture is known, and nothing of ours will give it back."""
    known = {capture.provider_trade_no for capture in ledger.captures}
    going = {refund.trade_no for refund in ledger.refunds}
    return till.trade_no in known - going


def _is_known(till: Till, ledger: Ledger) -> bool:
    """Tell whether as much went back as our books say."""
    attempt = ledger.attempt_of(till.ours)
    known = [
        refund.state is RefundState.DONE
        for refund in ledger.refunds
        if attempt is not None and refund.attempt_id == attempt.attempt_id
    ]
    return sum(known) == till.given_back


def _has_ended(attempt: Attempt, ledger: Ledger, rules: "Rules") -> bool:
    """Without an operator a refund that its provider refuses stays stuck; the shop knows it."""
    if attempt.state is AttemptState.REFUND_STUCK and not rules.operator:
        its = [r.refund_no for r in ledger.refunds if r.attempt_id == attempt.attempt_id]
        return any((kind, number) in ledger.events for kind in _GIVEN_UP for number in its)
    return attempt.state in _ENDED


def _is_kept(number: str, ledger: Ledger, books: Books) -> bool:
    """Tell whether the order's payment is there, and went back on the shop's wish alone."""
    attempt = ledger.attempt_of(number)
    paid = [
        till
        for till in books
        if till.ours == number
        and till.state == "paid"
        and attempt is not None
        and is_its_own(till, attempt)
    ]
    wished = {refund.number for refund in ledger.refunds if not refund.is_of_surplus}
    wished |= {by_other_means(number) for number in wished}
    went = [known for till in paid for known, _ in till.refunds if not known.startswith(CONSOLE)]
    return bool(paid) and all(known in wished for known in went)


def _are_told(ledger: Ledger) -> bool:
    """Tell whether order, surpluses and refunds have exactly the events that they should."""
    order = ledger.order
    facts = {
        (EventKind.ORDER_PAID, ORDER_ID): order.state is OrderState.PAID,
        (EventKind.ORDER_CLOSED, ORDER_ID): order.state is OrderState.CLOSED,
    }
    for attempt in ledger.attempts:
        facts[EventKind.SURPLUS_FOUND, attempt.attempt_id] = attempt.state in _SURPLUS
    for refund in ledger.refunds:
        facts |= _facts_of(refund, ledger)
    return all((fact in ledger.events) == so for fact, so in facts.items())


def _facts_of(refund: Refund, ledger: Ledger) -> dict[tuple[EventKind, str], bool]:
    """Return what should be told of a refund, and what should not."""
    number, state = refund.refund_no, refund.state
    reversed_ = (EventKind.REFUND_REVERSED, number) in ledger.events
    done = EventKind.SURPLUS_REFUNDED if refund.is_of_surplus else EventKind.REFUND_DONE
    if refund.cause is RefundCause.EXTERNAL:
        done = EventKind.REFUND_EXTERNAL
    facts = {
        # One that is doubted was done, and was told of.
        (done, number): reversed_ or state in {RefundState.DONE, RefundState.DOUBTED},
        (EventKind.REFUND_OVERTAKEN, number): state is RefundState.OVERTAKEN,
    }
    if refund.cause is RefundCause.FURTHER:
        facts[EventKind.SURPLUS_FOUND, number] = True
    if state is RefundState.STUCK and not reversed_:
        facts[EventKind.REFUND_STUCK, number] = True
    return facts


_GIVEN_UP = (EventKind.REFUND_STUCK, EventKind.REFUND_REVERSED)
_STUCK = AttemptState.REFUND_STUCK
_SURPLUS = {AttemptState.REFUNDING, AttemptState.REFUNDED, AttemptState.REFUND_STUCK}


def _is_given_up_early(refund: Refund, books: Books) -> bool:
    """Tell whether a refund is STUCK though its provider never refused it, and tries are left."""
    if refund.state is not RefundState.STUCK or refund.tries >= MOST_TRIES:
        return False
    if refund.cause is RefundCause.EXTERNAL:
        return False
    if any(known.startswith(CONSOLE) for till in books for known, _ in till.refunds):
        return False  # there was nothing left to give back
    fates = {till.fate_of(refund.number) for till in books}
    return not fates & {Fate.FAILED, Fate.REFUSED, Fate.DONE}


def off_the_table(before: Ledger, after: Ledger) -> str | None:
    """Say what no transaction may do: a change of state without an edge, a word taken back."""
    rows: list[tuple[State, State]] = [(before.order.state, after.order.state)]
    rows += [(a.state, b.state) for a, b in zip(before.attempts, after.attempts, strict=False)]
    refunds = {refund.refund_no: refund.state for refund in before.refunds}
    rows += [(refunds.get(r.refund_no, r.state), r.state) for r in after.refunds]
    wrong = [(a, b) for a, b in rows if a is not b and (type(a), a, b) not in _EDGES]
    if wrong:
        return "T"
    word = before.order.late_payment
    return "W" if word is not None and word is not after.order.late_payment else None


class Change(NamedTuple):
    """What a transaction changed, put into words only for a story."""

    before: Ledger
    after: Ledger

    def __str__(self) -> str:
        """Say it."""
        return difference(self.before, self.after)


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
