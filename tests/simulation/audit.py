"""The audit: the gateways' own books against ours, when everything has come to rest."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retender.adapters.sql.facts import fact_of
from retender.domain.model.order import LatePayment
from retender.domain.model.refund import automatic_refund_number
from retender.domain.model.story import OrderChanged
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.story_money import RefundChanged
from retender.domain.model.story_pages import AttemptChanged, AttemptMade
from retender.plugins.sandbox.outcomes import Outcome, outcome_of
from retender.simulators.kit.payer import Book
from retender.tests.simulation.books import Books, instant_of
from retender.tests.simulation.gateways import Asked, asked_of
from retender.tests.simulation.hosted.simulator import CONSOLE

if TYPE_CHECKING:
    from retender.tests.simulation.people import Life
    from retender.tests.simulation.town import Town

Row = sqlite3.Row

_FINAL = {"orders": {"PAID", "CLOSED"}, "attempts": {"CLOSED", "SUCCEEDED", "REFUNDED"}}
_ENDED = {"DONE", "OVERTAKEN"}
_SURPLUS = {"duplicate", "cancelled", "late"}
_CAPTURED = {"SUCCEEDED", "REFUNDING", "REFUNDED", "REFUND_STUCK"}
_UNSETTLED = """
    WITH left_to_people AS (
        SELECT order_id, attempt_id FROM attempts WHERE number IN (
            SELECT number FROM attention WHERE code = 'EVIDENCE_AMOUNT_MISMATCH'))
    SELECT (SELECT count(*) FROM orders
            WHERE state IN ('NEW', 'EXPIRING', 'CANCELLING')
            AND order_id NOT IN (SELECT order_id FROM left_to_people))
         + (SELECT count(*) FROM attempts
            WHERE state IN ('CREATING', 'OPEN', 'CLOSING', 'REFUNDING')
            AND attempt_id NOT IN (SELECT attempt_id FROM left_to_people))
         + (SELECT count(*) FROM refunds WHERE state IN ('DUE', 'SENT', 'DOUBTED'))
         + (SELECT count(*) FROM outbox WHERE sent_at IS NULL)
"""


def is_settled(books: Books) -> bool:
    """Tell whether all is final; what a human must look at may stay as it is."""
    ((unsettled,),) = books.rows(_UNSETTLED)
    return bool(unsettled == 0)


@dataclass(slots=True)
class Account:
    """
    One order as our database has it, with what its gateways' books say.

    Attributes:
        odd: numbers under which a gateway took another amount than was asked, by its own
            book; a human must look, and until then nothing of them is settled.
        misfits: numbers of which a human was told that the amount differs.
        called: refunds of which a human was told that they are stuck.

    """

    order: Row
    attempts: Sequence[Row]
    refunds: Sequence[Row]
    story: Sequence[Row]
    events: Sequence[Row]
    books: Mapping[str, Book]
    odd: frozenset[str]
    misfits: frozenset[str]
    called: frozenset[str]
    life: "Life"
    problems: list[str] = field(default_factory=list)

    def kept(self, number: str) -> int:
        """Return what a gateway took under a number and has not given back."""
        book = self.books.get(number)
        return 0 if book is None else book.captured_minor - book.refunded_minor

    def is_left_to_people(self, refund: Row) -> bool:
        """
        Tell whether a refund is stuck for a reason that its gateway's book bears out.

        The sandbox never gives such an amount back; the money came back after it was done; or
        somebody at the console gave so much back that there is not enough for it.
        """
        if refund["state"] != "STUCK" or refund["refund_no"] not in self.called:
            return False
        if refund["account"] == "sandbox":
            return outcome_of(self.order["amount_minor"]) is Outcome.REFUND_STUCK
        number = self.number_of(refund)
        book = self.books.get(number)
        if book is None:
            return False
        if refund["cause"] == "external":
            return any(name.startswith(CONSOLE) for name in book.undone)
        return refund["number"] in book.undone or any(
            name.startswith(CONSOLE) for name in (*book.refunds, *book.undone)
        )

    def number_of(self, refund: Row) -> str:
        """Return the number of the attempt whose money it gives back."""
        return next(
            str(attempt["number"])
            for attempt in self.attempts
            if attempt["attempt_id"] == refund["attempt_id"]
        )

    def by_hand(self, number: str) -> int:
        """Return what went back of a number at its gateway's console."""
        book = self.books.get(number)
        refunds = {} if book is None else book.refunds
        return sum(minor for name, minor in refunds.items() if name.startswith(CONSOLE))

    def done(self, attempt: Row, *causes: str) -> int:
        """Return what went back of an attempt by our own books, for these causes."""
        return sum(
            refund["amount_minor"]
            for refund in self.refunds
            if (refund["attempt_id"], refund["state"]) == (attempt["attempt_id"], "DONE")
            and refund["cause"] in causes
        )

    def stuck_surpluses(self) -> set[str]:
        """Return the attempts whose money stays with us until people have given it back."""
        return {
            refund["attempt_id"]
            for refund in self.refunds
            if refund["cause"] in _SURPLUS and self.is_left_to_people(refund)
        }


def audit(town: "Town", lives: Sequence["Life"]) -> list[str]:
    """Return everything that is not as promised; each problem begins with its order."""
    problems = [*town.bugs]
    known = {row["number"] for row in town.books.rows("SELECT number FROM attempts")}
    for account, gateway in town.gateways.items():
        taken = {number for number, book in gateway.books().items() if book.captured_minor}
        unknown = sorted(taken - known)
        problems += [f"{number}: {account} took money that nobody knows of" for number in unknown]
    problems += _announcements(town)
    asked = {account: asked_of(gateway) for account, gateway in town.gateways.items()}
    for account_of_order in _accounts(town, lives):
        problems += _terms(account_of_order, asked)
        for check in (_rest, _money, _refunds, _in_time, _story, _told):
            problems += [
                f"{account_of_order.order['order_no']}: {p}" for p in check(account_of_order)
            ]
    return problems


def _accounts(town: "Town", lives: Sequence["Life"]) -> Iterator[Account]:
    orders = {row["order_no"]: row for row in town.books.rows("SELECT * FROM orders")}
    attempts = town.books.rows("SELECT * FROM attempts ORDER BY idx")
    refunds = town.books.rows("SELECT * FROM refunds ORDER BY created_at")
    story = town.books.rows("SELECT * FROM story ORDER BY seq")
    events = town.books.rows("SELECT * FROM outbox ORDER BY seq")
    items = town.books.rows("SELECT * FROM attention")
    misfits = frozenset(row["number"] for row in items if row["code"] == "EVIDENCE_AMOUNT_MISMATCH")
    called = frozenset(
        row["subject"] for row in items if row["code"] == "REFUND_STUCK" and row["ended_at"] is None
    )
    books = {account: gateway.books() for account, gateway in town.gateways.items()}
    for life in lives:
        order = orders.get(life.plan.order_no)
        if order is None:
            continue
        mine = [row for row in attempts if row["order_id"] == order["order_id"]]
        its_books = {
            row["number"]: book
            for row in mine
            if (book := books[row["account"]].get(row["number"])) and book.captured_minor
        }
        yield Account(
            order=order,
            attempts=mine,
            refunds=[row for row in refunds if row["order_id"] == order["order_id"]],
            story=[row for row in story if row["order_id"] == order["order_id"]],
            events=[row for row in events if row["order_no"] == order["order_no"]],
            books=its_books,
            # The gateway's word alone: what we say of it ourselves excuses nothing.
            odd=frozenset(
                row["number"]
                for row in mine
                if (book := its_books.get(row["number"]))
                and any(
                    minor != row["amount_minor"]
                    for minor in (book.captures or {"": book.captured_minor}).values()
                )
            ),
            misfits=misfits & {row["number"] for row in mine},
            called=called,
            life=life,
        )


def _terms(account: Account, asked: Mapping[str, Mapping[str, Asked]]) -> Iterator[str]:
    """What a gateway was asked for is what was written down before, to the second."""
    for attempt in account.attempts:
        trade = asked[attempt["account"]].get(attempt["number"])
        if trade is None:
            continue
        written = Asked(attempt["amount_minor"], instant_of(attempt["expires_at"]))
        if trade != written:
            order_no, number = account.order["order_no"], attempt["number"]
            yield f"{order_no}: the gateway was asked for {trade} under {number}, not {written}"


def _rest(account: Account) -> Iterator[str]:
    """Everything is final: orders, attempts, refunds; but for what a gateway took oddly."""
    if account.order["state"] not in _FINAL["orders"] and not account.odd:
        yield f"stays {account.order['state']}"
    for number in sorted(account.odd ^ account.misfits):
        told = "a human was told so" if number in account.misfits else "no human was told"
        yield f"the gateway's book of {number} is {account.books.get(number)}, and {told}"
    stuck = account.stuck_surpluses()
    for attempt in account.attempts:
        if attempt["number"] in account.odd:
            continue
        final = {"REFUND_STUCK"} if attempt["attempt_id"] in stuck else _FINAL["attempts"]
        if attempt["state"] not in final:
            yield f"attempt {attempt['number']} stays {attempt['state']}"
    for refund in account.refunds:
        if refund["state"] not in _ENDED and not account.is_left_to_people(refund):
            yield f"refund {refund['number']} stays {refund['state']}: {refund['problem']}"


def _money(account: Account) -> Iterator[str]:
    """What is kept is what is due: of a paid order the winner's, less what the shop gave back."""
    order = account.order
    stuck = account.stuck_surpluses()
    winner = next((a for a in account.attempts if a["attempt_id"] == order["winner"]), None)
    if (order["state"] == "PAID") != (winner is not None):
        yield f"is {order['state']}, and its winner is {winner and winner['number']}"
    for attempt in account.attempts:
        number, book = attempt["number"], account.books.get(attempt["number"])
        if number in account.odd:
            continue
        if (book is not None) != (attempt["state"] in _CAPTURED):
            yield f"attempt {number} is {attempt['state']}, and the gateway has {book}"
        due = 0
        if attempt["attempt_id"] in stuck:
            due = attempt["amount_minor"] - account.done(attempt, "external")
        if winner is not None and attempt["attempt_id"] == winner["attempt_id"]:
            due = order["amount_minor"] - account.done(attempt, "shop", "external")
        due += sum(
            refund["amount_minor"]
            for refund in account.refunds
            if (refund["cause"], refund["attempt_id"]) == ("further", attempt["attempt_id"])
            and account.is_left_to_people(refund)
        )
        if account.kept(number) != due:
            yield f"of {number} {account.kept(number)} is kept, and {due} is due"
        by_hand, ours = account.by_hand(number), account.done(attempt, "external")
        if by_hand != ours:
            yield f"of {number} {by_hand} went back at the console, and we know of {ours}"


def _refunds(account: Account) -> Iterator[str]:
    """Each refund in the books is one of ours and as much, and the winner's are the shop's."""
    ours = {refund["number"]: refund for refund in account.refunds}
    for number, book in account.books.items():
        for refund_number, minor in book.refunds.items():
            if refund_number.startswith(CONSOLE):
                continue  # another hand's; the sums say whether we know of it
            refund = ours.get(refund_number)
            if refund is None or refund["amount_minor"] != minor:
                yield f"the gateway gave {minor} back as {refund_number}, and we did not ask so"
        if book.refunded_minor > book.captured_minor:
            yield f"more was given back of {number} than was taken"
        is_winner = any(
            a["number"] == number and a["attempt_id"] == account.order["winner"]
            for a in account.attempts
        )
        if is_winner and automatic_refund_number(number) in book.refunds:
            yield f"the winner {number} was refunded by itself"


def _in_time(account: Account) -> Iterator[str]:
    """Give no payment back that was made in time, unless another one paid the order."""
    life = account.life
    if account.order["state"] == "PAID" or LatePayment.REFUND in life.words:
        return
    for number, paid_at in life.paid.items():
        if number in account.odd:
            continue
        if number in account.books and paid_at < life.placed_at + life.town.plan.to_pay:
            yield f"{number} was paid in time, and the order is {account.order['state']}"


def _born(account: Account, attempt: sqlite3.Row) -> str:
    """Return the state that an attempt was written down in: one made here is OPEN at once."""
    made = (line for line in account.story if line["kind"] == StoryKind.ATTEMPT_MADE)
    its = next((one for one in made if one["attempt_id"] == attempt["attempt_id"]), None)
    fact = None if its is None else fact_of(StoryKind.ATTEMPT_MADE, its["facts"])
    return fact.state if isinstance(fact, AttemptMade) else "CREATING"


def _changes(account: Account) -> Iterator[tuple[tuple[str, str | None], str, str]]:
    """Yield every change of state that the story tells: whose, from what, to what."""
    for line in account.story:
        match fact_of(StoryKind(line["kind"]), line["facts"]):
            case OrderChanged() as fact:
                yield ("order", None), fact.before, fact.after
            case AttemptChanged() as fact:
                yield ("attempt", line["attempt_id"]), fact.before, fact.after
            case RefundChanged() as fact:
                whose = (f"refund {fact.refund_no}", line["attempt_id"])
                yield whose, fact.before, fact.after


def _story(account: Account) -> Iterator[str]:
    """Every change of state is in the story, from first to last, and what is CLOSED is dead."""
    chains = {("order", None): ("NEW", account.order["state"])}
    chains |= {
        ("attempt", attempt["attempt_id"]): (_born(account, attempt), attempt["state"])
        for attempt in account.attempts
    }
    chains |= {
        (f"refund {refund['refund_no']}", refund["attempt_id"]): (
            "DONE" if refund["cause"] == "external" else "DUE",
            refund["state"],
        )
        for refund in account.refunds
    }
    for (what, attempt_id), (first, last) in chains.items():
        state = first
        for whose, before, after in _changes(account):
            if whose != (what, attempt_id):
                continue
            if before != state:
                yield f"the story of {what} {attempt_id} jumps from {state} to {before}"
            if (what, before) == ("attempt", "CLOSED"):
                yield f"attempt {attempt_id} was CLOSED, and could still take money"
            state = after
        if state != last:
            yield f"the story of {what} {attempt_id} ends with {state}, and it is {last}"


def _told(account: Account) -> Iterator[str]:
    """The shop hears of payment exactly once per event id, and of nothing untrue."""
    town = account.life.town
    paid = [e for e in account.events if e["kind"] == "order.paid"]
    if len(paid) != (account.order["state"] == "PAID"):
        yield f"is {account.order['state']}, and {len(paid)} events say that it is paid"
    if paid and any(event["kind"] == "order.closed" for event in account.events):
        yield "is paid, and events say that it is closed"
    heard = [
        event.event_id
        for event in town.shop.told.values()
        if event.order_no == account.order["order_no"] and event.kind == "order.paid"
    ]
    if sorted(heard) != [event["event_id"] for event in paid]:
        yield f"the shop heard of payment as {heard}"


def _announcements(town: "Town") -> Iterator[str]:
    """What was told is true, and what is true was told."""
    ours = {row["event_id"] for row in town.books.rows("SELECT event_id FROM outbox")}
    for event_id, event in town.shop.told.items():
        if event_id not in ours:
            yield f"{event.order_no}: the shop heard {event.kind}, which never became true"
    for event_id in sorted(ours - set(town.shop.told)):
        yield f"event {event_id} was never told"


def summary_of(books: Books) -> Mapping[str, int]:
    """Count the states that orders and attempts ended in."""
    counts: Counter[str] = Counter()
    for table in ("orders", "attempts"):
        for row in books.rows(f"SELECT state, count(*) AS many FROM {table} GROUP BY state"):  # noqa: S608 - two names of ours
            counts[f"{table} {row['state']}"] = row["many"]
    return counts
