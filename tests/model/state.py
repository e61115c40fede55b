"""State: what the model keeps of a store, of a provider and of the time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, TypeVar

from retender.adapters.memory.rows import Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund, RefundCause
from retender.domain.model.transition import RefundState

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
FAR = START + timedelta(days=365)
RowT = TypeVar("RowT")
PRICE = Money(8880, "CNY")
ORDER_ID, ORDER_NO, PAYER = "ORDER00001", "A1", "ann"


class Phase(IntEnum):
    """What the time is, as far as anybody compares it with anything."""

    IN_TIME = 0
    PAST_SHOWN = 1
    PAST_UPSTREAM = 2
    PAST_WATCH = 3

    @property
    def instant(self) -> datetime:
        """One instant that stands for the phase: 30 minutes shown, 31 upstream, 33 watched."""
        return START + timedelta(minutes=(0, 30, 31, 33)[self], seconds=1)

    @property
    def words(self) -> str:
        """What has just passed."""
        return ("", "the deadline shown to the payer", "the provider's expiry", "the watch")[self]


class Trade(StrEnum):
    """Where one number stands at its provider."""

    LATENT = "latent"
    """A page exists, a trade does not yet: "not found", and payable all the same."""
    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class Till(NamedTuple):
    """One number in a provider's books: the truth about the money."""

    number: str
    account: str
    state: Trade
    in_time: bool = False
    noticed: bool = False
    """A notice is on its way; it may come any number of times, or get lost."""
    refunds: tuple[str, ...] = ()

    @property
    def holds_money(self) -> bool:
        """Whether the payer's money is here."""
        return self.state is Trade.PAID and not self.refunds


Books = tuple[Till, ...]
"""Everything the providers know, by number."""


@dataclass(frozen=True, eq=False, slots=True)
class Ledger:
    """
    What our store holds between two commits; equal contents are one object.

    Everything that no decision of the model depends on is gone: lines of the
    story, leases, numbers of tries, the moments of looks that are planned.
    """

    order: Order
    attempts: tuple[Attempt, ...]
    refunds: tuple[Refund, ...]
    events: frozenset[tuple[EventKind, str]]
    asking: tuple[Attempt, ...]
    """Attempts for which somebody has the claim to ask for a page."""
    unplanned: bool
    """A live attempt or a refund under way has no next look: nobody would find it."""
    by_number: dict[str, Attempt] = field(init=False)

    def thaw(self) -> Rows:
        """Return rows for the memory store to work on."""
        return Rows(
            orders={ORDER_ID: self.order},
            attempts={attempt.attempt_id: attempt for attempt in self.attempts},
            refunds={refund.refund_no: refund for refund in self.refunds},
        )

    def __post_init__(self) -> None:
        """Look up by number what is looked up often."""
        object.__setattr__(self, "by_number", {a.number: a for a in self.attempts})

    def attempt_of(self, number: str) -> Attempt | None:
        """Return the attempt of a provider-side number."""
        return self.by_number.get(number)


class Ledgers:
    """All ledgers met so far, each once."""

    def __init__(self) -> None:
        """Begin with one new order."""
        self._rows: dict[Any, Any] = {}
        self._plain: set[int] = set()
        self._known: dict[tuple[object, ...], Ledger] = {}
        order = Order(
            order_id=ORDER_ID,
            order_no=ORDER_NO,
            user_id=PAYER,
            subject="Tea",
            amount=PRICE,
            created_at=START,
            shown_until=START + timedelta(minutes=30),
        )
        self.first = self.freeze(Rows(orders={ORDER_ID: order}), frozenset())

    def freeze(self, rows: Rows, told: Iterable[tuple[EventKind, str]]) -> Ledger:
        """Keep what matters of committed rows."""
        live = [attempt for attempt in rows.attempts.values() if attempt.is_live]
        going = [r for r in rows.refunds.values() if r.state in (RefundState.DUE, RefundState.SENT)]
        attempts = [self._once(attempt, _plain_attempt) for attempt in rows.attempts.values()]
        attempts.sort(key=lambda attempt: attempt.idx)
        refunds = [self._once(refund, _plain_refund) for refund in rows.refunds.values()]
        refunds.sort(key=lambda refund: refund.refund_no)
        parts = (
            self._once(rows.orders[ORDER_ID], _plain_order),
            tuple(attempts),
            tuple(refunds),
            frozenset(told) | _told(rows),
            tuple(attempt for attempt in attempts if attempt.asking_until is not None),
            any(a.next_check_at is None for a in live) or any(r.next_try_at is None for r in going),
        )
        if parts not in self._known:
            self._known[parts] = Ledger(*parts)
        return self._known[parts]

    def _once(self, row: RowT, plain: Callable[[RowT], RowT]) -> RowT:
        """Return the one object for all rows that differ in nothing that matters."""
        if id(row) not in self._plain:
            row = self._rows.setdefault(plain(row), plain(row))
            self._plain.add(id(row))
        return row

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)


def _told(rows: Rows) -> set[tuple[EventKind, str]]:
    """Return what the shop is to hear; when it does is no part of the model."""
    events = (row.untold.event for row in rows.events.values())
    return {(event.kind, event.subject) for event in events}


def _plain_order(order: Order) -> Order:
    """Forget why it ends, and how often it was locked."""
    return replace(order, end_reason=None, version=0)


def _plain_attempt(attempt: Attempt) -> Attempt:
    """Forget an attempt's planned look, its lease, and when exactly things were."""
    return replace(
        attempt,
        charge=replace(attempt.charge, created_at=START),
        page_until=None if attempt.page is None else attempt.charge.expires_at,
        asking_until=None if attempt.asking_until is None else FAR,
        next_check_at=START if attempt.is_live else None,
        checks=0,
        leased_until=None,
        captured_at=None,
    )


def _plain_refund(refund: Refund) -> Refund:
    """Forget a refund's planned try, its lease, its words."""
    return replace(
        refund,
        cause=RefundCause.DUPLICATE if refund.is_automatic else refund.cause,
        reason="Refund",
        created_at=START,
        next_try_at=START if refund.state in (RefundState.DUE, RefundState.SENT) else None,
        tries=0,
        leased_until=None,
        problem=None,
    )
