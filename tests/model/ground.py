"""Core: all of a state but who stands where, and the steps from one state to another."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from retender.adapters.memory.rows import Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.event import EventKind
from retender.domain.model.refund import Refund
from retender.tests.model.handlers import Job
from retender.tests.model.state import Books, Ledger, Phase, Told

Late = tuple[str, str, str]
"""A request that is still on its way: verb, whereabouts, number."""


class Heard(NamedTuple):
    """What the shop heard, under which event id, and whether more than once."""

    kind: EventKind
    subject: str
    event_id: str
    again: bool = False


class Core(NamedTuple):
    """All of a state but the handlers in the middle of something."""

    ledger: Ledger
    phase: Phase
    books: Books = ()
    wire: frozenset[Late] = frozenset()
    """Requests whose sender gave up, and that may arrive yet."""
    heard: frozenset[Heard] = frozenset()
    """What the shop was told."""
    untrue: frozenset[str] = frozenset()
    """Numbers of which a human said what is not so, or not yet: see ``decisions``."""
    naps: int = 0
    """How many leases ran out while their holders slept."""

    @property
    def now(self) -> datetime:
        """The instant that stands for the time."""
        return self.phase.later(self.naps)


class Move(NamedTuple):
    """
    One step.

    Attributes:
        kind: who takes it: u people, f a fault, s the system, t time.
        words: what it is; put together only for a story.
        core: which core is there after it.
        place: where the handler that moved stands then; 0: it is done.
        bug: the invariant that the step itself breaks.

    """

    kind: str
    words: tuple[object, ...]
    core: int
    place: int = 0
    bug: str | None = None


class Start(NamedTuple):
    """A handler that may begin, beside no more than so many of the same job; -1: all alone."""

    job: Job
    beside: int
    move: Move


def held_rows(ledger: Ledger) -> dict[str, tuple[Attempt | Refund | Told, ...]]:
    """Return what workers lease, by the job that leases it."""
    return {"work": (*ledger.attempts, *ledger.refunds), "announce": ledger.outbox}


def leased(ledger: Ledger) -> tuple[Attempt | Refund | Told, ...]:
    """Return everything that may be leased."""
    return (*ledger.attempts, *ledger.refunds, *ledger.outbox)


def rows_by_number(ledger: Ledger) -> dict[str, Attempt | Refund]:
    """Return attempts and refunds by their provider-side numbers."""
    rows: list[Attempt | Refund] = [*ledger.attempts, *ledger.refunds]
    return {row.number: row for row in rows}


def without_leases(ledger: Ledger, name: str) -> Rows:
    """Return rows none of which is leased for this job."""
    rows = ledger.thaw()
    if name == "announce":
        free = {key: replace(row, leased_until=None) for key, row in rows.events.items()}
        rows.events.update(free)
    else:
        for attempt in ledger.attempts:
            rows.attempts[attempt.attempt_id] = replace(attempt, leased_until=None)
        for refund in ledger.refunds:
            rows.refunds[refund.refund_no] = replace(refund, leased_until=None)
    return rows
