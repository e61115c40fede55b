"""State: what the model keeps of a store, of a provider and of the time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, TypeVar

from retender.adapters.memory.rows import OutboxRow, Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.event import Event, EventKind, UntoldEvent
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.refund import MOST_TRIES, Refund, RefundCause
from retender.domain.model.transition import UNDER_WAY, RefundState

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
FAR = START + timedelta(days=365)
NAP = timedelta(seconds=2)
"""How long a worker sleeps to find its lease over: nothing else happens in so short a time."""
LEASE = NAP / 2
RowT = TypeVar("RowT", Order, Attempt, Refund)
PRICE = Money(8880, "CNY")
ORDER_ID, ORDER_NO, PAYER = "ORDER00001", "A1", "ann"
HOSTED = "hosted"
"""
A provider of the other kind: it is asked by an id of its own, which stands beside the page in
the answer to ``open`` and nowhere else, its notices bear that id alone, it makes a second order
if it is asked for a page again, and it gives money back as often as it is asked to.
"""
_AGAIN, _FURTHER, _THEIRS, _TRADE = "-2", "-T2", "ref-", "trade-"


class Phase(IntEnum):
    """What the time is, as far as anybody compares it with anything."""

    __hash__ = int.__hash__  # an Enum's own hash is slow, and asked for all the time

    IN_TIME = 0
    PAST_SHOWN = 1
    PAST_UPSTREAM = 2
    PAST_WATCH = 3

    @property
    def instant(self) -> datetime:
        """One instant that stands for the phase: 30 minutes shown, 31 upstream, 33 watched."""
        return _INSTANTS[self]

    def later(self, naps: int) -> datetime:
        """Return the instant after so many leases ran out in a nap: a moment later."""
        return self.instant + naps * NAP if naps else self.instant

    @property
    def words(self) -> str:
        """What has just passed."""
        return ("", "the deadline shown to the payer", "the provider's expiry", "the watch")[self]


_INSTANTS = tuple(START + timedelta(minutes=minutes, seconds=1) for minutes in (0, 30, 31, 33))


class Trade(StrEnum):
    """Where one number stands at its provider."""

    __hash__ = str.__hash__

    LATENT = "latent"
    """A page exists, a trade does not yet: "not found", and payable all the same."""
    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class Fate(StrEnum):
    """What became of one refund number at its provider."""

    __hash__ = str.__hash__

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    """Accepted, and then it would not go back; asked, the provider says so."""
    REFUSED = "refused"
    """Never accepted; asked, the provider knows nothing of it."""


class Till(NamedTuple):
    """One number in a provider's books: the truth about the money."""

    number: str
    account: str
    state: Trade
    in_time: bool = False
    notices: tuple[str, ...] = ()
    """Of what notices are on their way: this number, or refunds of it."""
    refunds: tuple[tuple[str, Fate], ...] = ()

    @property
    def ours(self) -> str:
        """Our number; a second order or capture under it has a name of its own."""
        return self.number.partition("-")[0]

    @property
    def reference(self) -> str | None:
        """What it is called by its provider, if that goes by ids of its own."""
        theirs = f"{_THEIRS}{self.number.removesuffix(_FURTHER)}"
        return theirs if self.account == HOSTED else None

    @property
    def trade_no(self) -> str | None:
        """What its provider calls the capture, if that may make several under one number."""
        return f"{_TRADE}{self.number}" if self.account == HOSTED else None

    @property
    def further(self) -> "Till":
        """Another capture of the same order, made at the same moment."""
        name = f"{self.number}{_FURTHER}"
        return self._replace(number=name, notices=tuple(name for _ in self.notices))

    @property
    def again(self) -> "Till":
        """The second order under the same number."""
        return Till(f"{self.ours}{_AGAIN}", self.account, Trade.OPEN)

    @property
    def given_back(self) -> int:
        """How often the money went back."""
        return sum(fate is Fate.DONE for _, fate in self.refunds)

    @property
    def holds_money(self) -> bool:
        """Whether the payer's money is here."""
        return self.state is Trade.PAID and not self.given_back

    def fate_of(self, number: str) -> Fate | None:
        """Return what became of a refund number; None: the provider never saw it."""
        return next((fate for known, fate in self.refunds if known == number), None)

    def without_fate(self, number: str) -> "Till":
        """Return the entry as if the provider had never seen this number."""
        return self._replace(refunds=tuple(known for known in self.refunds if known[0] != number))

    def with_fate(self, number: str, fate: Fate) -> "Till":
        """Return the entry after this became of the number; more than two are not told apart."""
        others = [refund for refund in self.refunds if refund[0] != number]
        return self._replace(refunds=tuple(sorted([*others, (number, fate)]))[:3])


def name_in_books(number: str, reference: str | None, trade_no: str | None = None) -> str:
    """Return the name of an entry: its provider's own id says which, where there is one."""
    if trade_no is not None:
        return trade_no.removeprefix(_TRADE)
    return number if reference is None else reference.removeprefix(_THEIRS)


Books = tuple[Till, ...]
"""Everything the providers know, by number."""


class Told(NamedTuple):
    """One event of the outbox."""

    kind: EventKind
    subject: str
    event_id: str
    sent: bool
    leased_until: datetime | None


class Waits(NamedTuple):
    """An open attention item about something of ours; which of two with the same is no matter."""

    code: AttentionCode
    subject: str

    @property
    def attention_id(self) -> str:
        """Return the name under which the store finds it."""
        return f"{self.code}/{self.subject}"


@dataclass(frozen=True, eq=False, slots=True)
class Ledger:
    """
    What our store holds between two commits; equal contents are one object.

    Everything that no decision of the model depends on is gone: lines of the
    story, numbers of tries, the moments of looks that are planned.
    """

    order: Order
    attempts: tuple[Attempt, ...]
    refunds: tuple[Refund, ...]
    events: frozenset[tuple[EventKind, str]]
    asking: tuple[Attempt, ...]
    """Attempts for which somebody has the claim to ask for a page."""
    unplanned: bool
    """A live attempt or a refund under way has no next look: nobody would find it."""
    inbox: frozenset[tuple[str, str]]
    """Keys of notices that were taken; empty if the model does without."""
    outbox: tuple[Told, ...]
    """Events, with their ids; empty if the model does without the announcer."""
    waiting: frozenset[Waits]
    """What waits for a human; empty if the model does without."""
    captures: tuple[FurtherCapture, ...] = ()
    """What was captured once more under a number of an attempt."""
    by_number: dict[str, Attempt] = field(init=False)

    def thaw(self) -> Rows:
        """Return rows for the memory store to work on."""
        rows = Rows(
            orders={ORDER_ID: self.order},
            attempts={attempt.attempt_id: attempt for attempt in self.attempts},
            refunds={refund.refund_no: refund for refund in self.refunds},
            captures={(each.account, each.provider_trade_no): each for each in self.captures},
        )
        for key in self.inbox:
            rows.notices[key] = ("", START)
        for told in self.outbox:
            event = Event(
                event_id=told.event_id,
                kind=told.kind,
                subject=told.subject,
                order_no=ORDER_NO,
                at=START,
            )
            rows.events[told.event_id] = OutboxRow(
                untold=UntoldEvent(event),
                sent_at=START if told.sent else None,
                leased_until=told.leased_until,
            )
        for waits in sorted(self.waiting):
            rows.attention[waits.attention_id] = self._item(waits)
        return rows

    def _item(self, waits: Waits) -> AttentionItem:
        """Write an open attention item out."""
        is_attempt = self.attempt_by_id(waits.subject) is not None
        return AttentionItem(
            attention_id=waits.attention_id,
            code=waits.code,
            account="",
            number=waits.subject,
            at=START,
            source="",
            about=About.ATTEMPT if is_attempt else About.REFUND,
            subject=waits.subject,
            order_no=ORDER_NO,
        )

    def __post_init__(self) -> None:
        """Look up by number what is looked up often."""
        object.__setattr__(self, "by_number", {a.number: a for a in self.attempts})

    def attempt_of(self, number: str) -> Attempt | None:
        """Return the attempt of a provider-side number."""
        return self.by_number.get(number)

    def attempt_by_id(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of our id."""
        return next((a for a in self.attempts if a.attempt_id == attempt_id), None)

    @property
    def names_given(self) -> int:
        """How many rows bear a name of ours: where the next names begin."""
        return len(self.attempts) + len(self.refunds) + len(self.outbox)


class Ledgers:
    """All ledgers met so far, each once."""

    def __init__(
        self,
        *,
        inbox: bool = False,
        outbox: bool = False,
        leases: bool = False,
        attention: bool = False,
    ) -> None:
        """Begin with one new order."""
        self.keeps_inbox, self.keeps_outbox = inbox, outbox
        self.keeps_leases, self.keeps_attention = leases, attention
        self._rows: dict[Any, Any] = {}
        self._plain: dict[int, object] = {}
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
        going = [r for r in rows.refunds.values() if r.state in UNDER_WAY]
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
            frozenset(rows.notices) if self.keeps_inbox else frozenset(),
            self._outbox(rows) if self.keeps_outbox else (),
            _waiting(rows) if self.keeps_attention else frozenset(),
            tuple(replace(each, found_at=START) for each in rows.captures.values()),
        )
        if parts not in self._known:
            self._known[parts] = Ledger(*parts)
        return self._known[parts]

    def _outbox(self, rows: Rows) -> tuple[Told, ...]:
        """Forget in which order events were written: nobody promises to tell them in it."""
        told = (
            Told(event.kind, event.subject, event.event_id, row.sent_at is not None, lease)
            for row in rows.events.values()
            for event, lease in [(row.untold.event, row.leased_until)]
        )
        return tuple(sorted(told, key=lambda t: t[:3]))

    def _once(self, row: RowT, plain: Callable[[RowT], RowT]) -> RowT:
        """Return the one object for all rows that differ in nothing that matters."""
        if id(row) not in self._plain:
            plain_row = plain(row)
            if self.keeps_leases and not isinstance(row, Order):
                plain_row = replace(plain_row, leased_until=row.leased_until)
            row = self._rows.setdefault(plain_row, plain_row)
            self._plain[id(row)] = row  # kept, so that its id is never another row's
        return row


def _waiting(rows: Rows) -> frozenset[Waits]:
    """Return the open attention items about something of ours; how others ended is forgotten."""
    opened = (one for one in rows.attention.values() if one.is_open)
    return frozenset(Waits(one.code, one.subject) for one in opened if one.subject is not None)


def _told(rows: Rows) -> set[tuple[EventKind, str]]:
    """Return what the shop is to hear; when it does is no part of the model."""
    return {(row.untold.event.kind, row.untold.event.subject) for row in rows.events.values()}


def _plain_order(order: Order) -> Order:
    """Forget why it ends, and how often it was locked."""
    return replace(order, end_reason=None, version=0)


def _plain_attempt(attempt: Attempt) -> Attempt:
    """Forget an attempt's planned look, its lease, and when exactly things were."""
    return replace(
        attempt,
        charge=replace(attempt.charge, created_at=START),
        page_until=None if attempt.page is None else attempt.charge.expires_at,
        opened_at=None if attempt.opened_at is None else START,
        next_check_at=START if attempt.is_live and attempt.next_check_at is not None else None,
        checks=0,
        leased_until=None,
        captured_at=None,
    )


def was_just_sent(refund: Refund) -> datetime | None:
    """
    Return an instant far off if it matters that a refund was sent, and may be on its way still.

    So long ago that it has arrived, or never will, is as if it had never been sent.
    """
    matters = refund.account == HOSTED and refund.state is RefundState.SENT
    return FAR if matters and refund.sent_at is not None else None


def _plain_refund(refund: Refund) -> Refund:
    """
    Forget a refund's planned try, its words, and tries that are not the last.

    Its lease is kept: whoever sends takes one, workers or not, and a "no" counts under it.
    When it was sent counts where sending again is not harmless: it was just now, or long ago.
    """
    under_way = refund.state in UNDER_WAY
    return replace(
        refund,
        cause=RefundCause.DUPLICATE if refund.is_automatic else refund.cause,
        reason="Refund",
        created_at=START,
        next_try_at=START if under_way and refund.next_try_at is not None else None,
        tries=MOST_TRIES if refund.tries >= MOST_TRIES else 0,
        problem=None,
        sent_at=was_just_sent(refund),
    )
