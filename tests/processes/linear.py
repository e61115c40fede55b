"""
The history checker: what callers of the API saw of one order fits one order of events.

An order only ever moves on, and every fact about it stays true, so that a
history is linearizable if, and only if, no read knows less than what was known
to be true before the read began, and none knows what nobody had begun to do
before it ended. Calls that overlap may be answered either way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

RANK = {"NEW": 0, "EXPIRING": 1, "CANCELLING": 1, "PAID": 2, "CLOSED": 2}
"""How far an order has come; it never goes back."""

_FINAL = max(RANK.values())


class Outcome(StrEnum):
    """How a call ended, as its caller knows it."""

    OK = "ok"
    """Answered, and done."""
    REFUSED = "refused"
    """Answered, and surely not done."""
    FAILED = "failed"
    """Surely not done: no connection, or a store without time for it."""
    UNKNOWN = "unknown"
    """Perhaps done: no answer, or one that does not tell."""


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What an answer shows of an order.

    Attributes:
        state: the order's, if it is shown.
        winner: the attempt that paid, if it is shown.
        attempts: attempts that are shown to exist.
        refunds: the shop's refunds that are shown to exist, each with its state.
        whole: all there is of these is shown, so that what is missing does not exist.

    """

    state: str | None = None
    winner: str | None = None
    attempts: frozenset[str] = frozenset()
    refunds: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of the API, or one act of a payer.

    Attributes:
        verb: place, pay, show, close, refund; act is a payer's payment.
        began, ended: seconds on one clock that never goes back.
        about: the refund's number, for a refund.
        seen: what the answer shows; None if there was none.

    """

    order_no: str
    verb: str
    began: float
    ended: float
    outcome: Outcome
    about: str = ""
    seen: Seen | None = None

    @property
    def may_have_acted(self) -> bool:
        """Whether it was done, or perhaps."""
        return self.outcome in {Outcome.OK, Outcome.UNKNOWN}


def check_history(calls: Iterable[Call], lasts_seconds: float) -> list[str]:
    """
    Return what cannot be, order by order; nothing: the history is as it should be.

    Args:
        calls: in any order.
        lasts_seconds: how long an unpaid order lives, on the clock of the calls.

    """
    by_order: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_order[call.order_no].append(call)
    return [
        f"{order_no}: {problem}"
        for order_no, mine in by_order.items()
        for problem in _problems(mine, lasts_seconds)
    ]


@dataclass(slots=True)
class _Known:
    """What is true for sure once some calls have ended."""

    exists: bool = False
    rank: int = 0
    attempts: set[str] = field(default_factory=set)
    refunds: set[str] = field(default_factory=set)
    refunded: set[str] = field(default_factory=set)

    def learn(self, call: Call) -> None:
        if call.outcome is not Outcome.OK or call.verb == "act" or call.seen is None:
            return
        self.exists = True
        if call.seen.state is not None:
            self.rank = max(self.rank, RANK[call.seen.state])
        if call.verb == "close":
            self.rank = max(self.rank, RANK["EXPIRING"])
        self.attempts |= call.seen.attempts
        self.refunds |= set(call.seen.refunds)
        self.refunded |= {no for no, state in call.seen.refunds.items() if state == "DONE"}

    def missing_in(self, read: Call) -> Iterator[str]:
        """Say what the read should have shown."""
        at = f"the {read.verb} begun at {read.began:.3f}"
        if self.exists and read.seen is None and read.outcome is Outcome.REFUSED:
            yield f"{at} finds no order that was there"
        if read.seen is None:
            return
        if read.seen.state is not None and RANK[read.seen.state] < self.rank:
            yield f"{at} says {read.seen.state}, after the order was further"
        if not read.seen.whole:
            return
        for kind, known, shown in (
            ("attempt", self.attempts, read.seen.attempts),
            ("refund", self.refunds, read.seen.refunds),
        ):
            for lost in sorted(known - set(shown)):
                yield f"{at} lacks {kind} {lost}, which was acknowledged before"
        for no in sorted(self.refunded & set(read.seen.refunds)):
            if read.seen.refunds[no] != "DONE":
                yield f"{at} says that refund {no} is {read.seen.refunds[no]}, after it was DONE"


def _problems(calls: Sequence[Call], lasts_seconds: float) -> Iterator[str]:
    yield from _is_paid_once(calls)
    yield from _nothing_comes_of_nothing(calls, lasts_seconds)
    known = _Known()
    ended = iter(sorted(calls, key=lambda call: call.ended))
    following = next(ended, None)
    for read in sorted(calls, key=lambda call: call.began):
        while following is not None and following.ended < read.began:
            known.learn(following)
            following = next(ended, None)
        if read.verb == "show" or read.seen is not None:
            yield from known.missing_in(read)


def _is_paid_once(calls: Sequence[Call]) -> Iterator[str]:
    shown = [call.seen for call in calls if call.seen is not None]
    winners = {seen.winner for seen in shown if seen.winner is not None}
    if len(winners) > 1:
        yield f"it is shown as paid by {', '.join(sorted(winners))}"
    ends = {seen.state for seen in shown if seen.state and RANK[seen.state] == _FINAL}
    if len(ends) > 1:
        yield "it is shown as PAID and as CLOSED"


def _nothing_comes_of_nothing(calls: Sequence[Call], lasts_seconds: float) -> Iterator[str]:
    """Check each answer against what had been begun before it ended."""

    def first(verb: str, about: str = "", *, refused: bool = False) -> float:
        begun = (
            call.began
            for call in calls
            if call.verb == verb
            and (call.may_have_acted or (refused and call.outcome is Outcome.REFUSED))
            and about in {"", call.about}
        )
        return min(begun, default=float("inf"))

    placed = first("place")
    paid, closed = first("act"), min(first("close"), placed + lasts_seconds)
    # A close gives the order up first, and is refused if a page of it then turns out as paid.
    given_up = min(first("close", refused=True), closed)
    refunds = {call.about: first("refund", call.about) for call in calls if call.about}
    for call in calls:
        if call.seen is None:
            continue
        at = f"the {call.verb} ended at {call.ended:.3f}"
        if call.ended < placed:
            yield f"{at} shows an order that nobody had placed"
        if call.seen.state == "PAID" and call.ended < paid:
            yield f"{at} says PAID before anybody had paid"
        too_early = {"EXPIRING": given_up, "CANCELLING": given_up, "CLOSED": closed}.get(
            call.seen.state or "", 0
        )
        if call.ended < too_early:
            yield f"{at} says {call.seen.state} before its time, and nobody had closed it"
        for no in call.seen.refunds:
            if call.ended < refunds.get(no, float("inf")):
                yield f"{at} shows refund {no}, which nobody had asked for"
