"""Store: what an entrypoint does with a database besides running use cases on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """
    An opened database.

    Attributes:
        unit_of_work: transactions on it.
        embedded: it lives in a file of ours and needs no set-up by hand.
        upgrade: brings its tables up to date, and returns their version.
        current: returns the version of its tables, or None: it has none yet.
        check: raises ``SetupError`` if they are not up to date, or it cannot be reached.
        standing: says how its tables stand to what is needed: none, older, current
            or newer.
        differences: says where tables that are up to date are not as they should be.
        shortcomings: says what about its set-up would lose what was committed.

    """

    unit_of_work: UnitOfWork
    embedded: bool
    upgrade: Callable[[], Awaitable[str]]
    current: Callable[[], Awaitable[str | None]]
    check: Callable[[], Awaitable[None]]
    standing: Callable[[], Awaitable[str]]
    differences: Callable[[], Awaitable[tuple[str, ...]]]
    shortcomings: Callable[[], Awaitable[tuple[str, ...]]]
