"""The hosted gateway's book: sessions, what was captured of each, and what went back."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

_TWICE, _UNDONE = 0.08, 0.12
"""How often a payment is taken twice, and how often a refund fails after it was done."""

_LONG_AFTER = timedelta(hours=2)


class Refused(Exception):
    """The gateway says no, and moved nothing."""

    def __init__(self, code: str) -> None:
        """Keep its code."""
        super().__init__(code)
        self.code = code


class SessionState(StrEnum):
    """Where a session stands."""

    OPEN = "OPEN"
    PAID = "PAID"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Taken:
    """One capture, under an id of its own."""

    trade_no: str
    minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """
    One refund, under an id of the gateway's: our number may be on several.

    Attributes:
        number: ours; None where it was made at the console.
        done_at: until then it is pending.
        fails_at: from then on it has failed after all, and the money is the shop's again.

    """

    refund_id: str
    number: str | None
    trade_no: str
    minor: int
    done_at: datetime
    fails_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return how it stands then."""
        if self.fails_at is not None and now >= self.fails_at:
            return "FAILED"
        return "DONE" if now >= self.done_at else "PENDING"


@dataclass(slots=True, kw_only=True)
class Session:
    """One order of the gateway's; several may be about one number of ours."""

    reference: str
    number: str
    minor: int
    notify_url: str
    expires_at: datetime
    state: SessionState = SessionState.OPEN
    taken: list[Taken] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)

    def left(self, trade_no: str, now: datetime) -> int:
        """Return what of a capture can still go back."""
        took = sum(each.minor for each in self.taken if each.trade_no == trade_no)
        gone = [r for r in self.given_back if r.trade_no == trade_no and r.state(now) != "FAILED"]
        return took - sum(refund.minor for refund in gone)


class Ledger:
    """
    The book, and the gateway's own mind: what it does twice, and what it takes back.

    It keeps no number unique. Who asks for a page again gets a second session; who sends a
    refund again gets a second refund.
    """

    def __init__(self, clock: Callable[[], datetime], salt: int) -> None:
        """Begin with an empty book; its whims are drawn from ``salt``."""
        self._clock = clock
        self._salt = salt
        self._sessions: dict[str, Session] = {}
        self._made = 0

    def __iter__(self) -> Iterator[Session]:
        """Yield the sessions, the oldest first."""
        return iter(self._sessions.values())

    def open(self, number: str, minor: int, notify_url: str, expires_at: datetime) -> Session:
        """Make a session, whatever was made under this number before."""
        session = Session(
            reference=self._name("s"),
            number=number,
            minor=minor,
            notify_url=notify_url,
            expires_at=expires_at,
        )
        self._sessions[session.reference] = session
        return session

    def find(self, reference: str) -> Session:
        """
        Return the session of this id.

        Raises:
            Refused: there is none.

        """
        if reference not in self._sessions:
            raise Refused("SESSION_UNKNOWN")
        return self._sessions[reference]

    def close(self, reference: str) -> Session:
        """Let it take no money any more, unless it did."""
        session = self.find(reference)
        if session.state is SessionState.OPEN:
            session.state = SessionState.CLOSED
        return session

    def pay(self, reference: str) -> list[Taken]:
        """Take the money, now and then twice."""
        session, now = self.find(reference), self._clock()
        if session.state is not SessionState.OPEN or now >= session.expires_at:
            raise Refused("SESSION_OVER")
        session.state = SessionState.PAID
        for _ in range(2 if self._luck(reference, "twice") < _TWICE else 1):
            session.taken.append(Taken(self._name("t"), session.minor, now))
        return session.taken

    def refund(
        self, reference: str, number: str | None, trade_no: str | None, minor: int
    ) -> GivenBack:
        """Give back of one capture, by default the first; the same number twice does so twice."""
        session, now = self.find(reference), self._clock()
        if not session.taken:
            raise Refused("NOTHING_TAKEN")
        trade_no = trade_no or session.taken[0].trade_no
        if minor > session.left(trade_no, now):
            raise Refused("TOO_MUCH")
        refund_id = self._name("r")
        luck = self._luck(refund_id, "time")
        done_at = now + timedelta(seconds=2 + 300 * luck)
        undone = self._luck(refund_id, "undone") < _UNDONE
        refund = GivenBack(
            refund_id=refund_id,
            number=number,
            trade_no=trade_no,
            minor=minor,
            done_at=done_at,
            fails_at=done_at + _LONG_AFTER * luck if undone else None,
        )
        session.given_back.append(refund)
        return refund

    def refunds_of(self, reference: str, number: str) -> list[GivenBack]:
        """Return every refund of the session that bears this number of ours."""
        return [refund for refund in self.find(reference).given_back if refund.number == number]

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"{kind}_{self._made:06d}"

    def _luck(self, name: str, what: str) -> float:
        digest = hashlib.sha256(f"{self._salt}|{name}|{what}".encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32
