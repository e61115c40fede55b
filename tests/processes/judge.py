"""The judge: when all has come to rest, the gateways' own books against our database."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import connected
from retender.adapters.sql.tables import attempts, attention, orders, outbox, refunds
from retender.domain.model.backlog import OPEN_ORDERS
from retender.domain.model.transition import LIVE, AttemptState, RefundState
from retender.tests.processes.scene import Scene

Book: TypeAlias = Mapping[str, Any]
"""A line of a gateway's books, as its control API shows it."""

TOLD = re.compile(r"order\.paid: order (?P<order>\S+), subject \S+ event (?P<event>\w+)")

_CAPTURED = {"SUCCEEDED", "REFUNDED"}
_FINAL_ATTEMPTS = {"CLOSED", *_CAPTURED}


@dataclass(slots=True)
class OrderSummary:
    """
    What was found.

    Attributes:
        counts: of what there is, for people.
        problems: what is not as promised; none is what we want.

    """

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ours:
    """One order as our database has it: its rows, by the columns' names."""

    row: Any
    attempts: list[Any] = field(default_factory=list)
    refunds: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)


async def unsettled(engine: AsyncEngine) -> Mapping[str, int]:
    """Count what is not final yet, by what it is."""
    questions = {
        "orders": select(func.count()).where(orders.c.state.in_(OPEN_ORDERS)),
        "attempts": select(func.count()).where(
            attempts.c.state.in_([*LIVE, AttemptState.REFUNDING])
        ),
        "refunds": select(func.count()).where(
            refunds.c.state.in_([RefundState.DUE, RefundState.SENT])
        ),
        "events": select(func.count()).where(outbox.c.sent_at.is_(None)).select_from(outbox),
    }
    async with connected(engine, reading=True) as connection:
        counts = {what: await connection.scalar(query) for what, query in questions.items()}
    return {what: count for what, count in counts.items() if count}


async def judge(scene: Scene, engine: AsyncEngine, http: httpx.AsyncClient) -> OrderSummary:
    """Fetch the books, the rows and the logs, and compare them order by order."""
    books: dict[tuple[str, str], Book] = {}
    for account, url in scene.gateways.items():
        answer = await http.get(f"{url}/_simulator/books", timeout=60)
        books |= {(account, number): book for number, book in answer.json().items()}
    found, strange = await _rows(engine)
    told = announced(scene)
    summary = compare(found, books, told)
    summary.problems += [
        f"attention item {row.code} of {row.account}: {row.number}" for row in strange
    ]
    summary.counts["announcements"] = sum(told.values())
    summary.counts["announced again after a crash"] = sum(told.values()) - len(told)
    return summary


def compare(
    found: Sequence[Ours],
    books: Mapping[tuple[str, str], Book],
    told: Mapping[tuple[str, str], int],
) -> OrderSummary:
    """
    Compare our orders with the gateways' books.

    Args:
        found: every order that we have.
        books: what moved, by account and number.
        told: how often the shop heard ``order.paid``, by order and event.

    """
    summary = OrderSummary()
    known = {(row.account, row.number) for order in found for row in order.attempts}
    for account, number in sorted(set(books) - known):
        if books[account, number]["captured_minor"]:
            summary.problems.append(f"LOST: {account} took money under {number}, unknown to us")
    for order in found:
        mine = {a.number: books.get((a.account, a.number)) for a in order.attempts}
        problems = [
            *_money(order, mine),
            *_refunds(order, mine),
            *_rest(order),
            *_told(order, told),
        ]
        summary.problems += [f"{order.row.order_no}: {problem}" for problem in problems]
        _count(summary.counts, order, mine)
    return summary


def announced(scene: Scene) -> Counter[tuple[str, str]]:
    """Count the ``order.paid`` lines in the workers' logs, by order and event."""
    told: Counter[tuple[str, str]] = Counter()
    for worker in scene.workers:
        with scene.family.log(worker).open(encoding="utf-8", errors="replace") as log:
            found = (TOLD.search(line) for line in log if "order.paid" in line)
            told.update((match["order"], match["event"]) for match in found if match)
    return told


async def _rows(engine: AsyncEngine) -> tuple[Sequence[Ours], Sequence[Row[Any]]]:
    async with connected(engine, reading=True) as connection:
        found = {row.order_id: Ours(row) for row in await connection.execute(select(orders))}
        by_number = {order.row.order_no: order for order in found.values()}
        wanted = [c for c in attempts.c if c.name not in {"sealed_page", "charge_details"}]
        for row in await connection.execute(select(*wanted)):
            found[row.order_id].attempts.append(row)
        for row in await connection.execute(select(refunds)):
            found[row.order_id].refunds.append(row)
        for row in await connection.execute(select(outbox)):
            by_number[row.order_no].events.append(row)
        strange = (await connection.execute(select(attention))).all()
    return list(found.values()), strange


def _kept(book: Book | None) -> int:
    return 0 if book is None else int(book["captured_minor"] - book["refunded_minor"])


def _money(order: Ours, books: Mapping[str, Book | None]) -> Iterator[str]:
    """Each yuan that was taken is the order's payment, or went back."""
    due = order.row.amount_minor if order.row.state == "PAID" else 0
    shop = sum(r.amount_minor for r in order.refunds if r.cause == "shop" and r.state == "DONE")
    kept = sum(_kept(book) for book in books.values())
    if kept != due - shop:
        word = "DOUBLED" if kept > due - shop else "LOST"
        yield f"{word}: kept is {kept}, and it should be {due} less {shop} for the shop's refunds"
    for row in order.attempts:
        book = books[row.number]
        took = 0 if book is None else book["captured_minor"]
        if took and row.state not in _CAPTURED:
            yield f"LOST: {row.account} took {took} under {row.number}, and ours is {row.state}"
        if not took and row.state in _CAPTURED:
            yield f"{row.account} took nothing under {row.number}, and ours is {row.state}"
        if took and took != row.amount_minor:
            yield f"{row.account} took {took} under {row.number}, asked for was {row.amount_minor}"
        if row.state == "REFUNDED" and _kept(book):
            yield f"DOUBLED: {row.number} is refunded, and {row.account} keeps {_kept(book)}"
    winners = [row.attempt_id for row in order.attempts if row.state == "SUCCEEDED"]
    if winners != ([order.row.winner] if order.row.winner else []):
        yield f"the winner is {order.row.winner}, and succeeded have {winners}"


def _refunds(order: Ours, books: Mapping[str, Book | None]) -> Iterator[str]:
    """Each refund in the books is one of ours, once; the kept payment is the shop's to refund."""
    ours = {row.number: row for row in order.refunds}
    theirs = [(n, minor) for b in books.values() if b for n, minor in b["refunds"].items()]
    for number, count in Counter(number for number, _ in theirs).items():
        if count > 1:
            yield f"refund {number} stands {count} times in the books"
    for number, minor in theirs:
        row = ours.get(number)
        if row is None or row.amount_minor != minor or row.state != "DONE":
            yield f"refund {number} of {minor} was made, and ours is {row}"
    for number in sorted(set(ours) - {number for number, _ in theirs}):
        if ours[number].state == "DONE":
            yield f"refund {number} is DONE, and no book knows of it"
    for row in order.refunds:
        if row.cause != "shop" and row.attempt_id == order.row.winner:
            yield f"the kept payment was given back by {row.refund_no}"


def _rest(order: Ours) -> Iterator[str]:
    """All is final."""
    if order.row.state not in {"PAID", "CLOSED"}:
        yield f"it is still {order.row.state}"
    for row in order.attempts:
        if row.state not in _FINAL_ATTEMPTS:
            yield f"attempt {row.attempt_id} is still {row.state}"
    for row in order.refunds:
        if row.state != "DONE":
            yield f"refund {row.refund_no} is {row.state}: {row.problem}"


def _told(order: Ours, told: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """The shop hears of a paid order once, by one event."""
    events = [row.event_id for row in order.events if row.kind == "order.paid"]
    wanted = 1 if order.row.state == "PAID" else 0
    if len(events) != wanted:
        yield f"it is {order.row.state}, with {len(events)} events order.paid"
    for event_id in events:
        if not told.get((order.row.order_no, event_id)):
            yield f"event {event_id} was never announced"
    for row in order.events:
        if row.sent_at is None:
            yield f"event {row.event_id} is noted as not told"


def _count(counts: Counter[str], order: Ours, books: Mapping[str, Book | None]) -> None:
    counts["orders"] += 1
    counts[f"orders {order.row.state}"] += 1
    counts["attempts"] += len(order.attempts)
    counts["captured payments"] += sum(
        1 for book in books.values() if book and book["captured_minor"]
    )
    by_cause: dict[str, int] = defaultdict(int)
    for row in order.refunds:
        by_cause["shop" if row.cause == "shop" else "surplus"] += 1
    counts["refunds of the shop"] += by_cause["shop"]
    counts["surpluses given back"] += by_cause["surplus"]
    counts["CNY captured, minor"] += sum(b["captured_minor"] for b in books.values() if b)
    counts["CNY refunded, minor"] += sum(b["refunded_minor"] for b in books.values() if b)
