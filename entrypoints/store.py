"""Store: what an entrypoint does with a database besides running use cases on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

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
        unopened: counts the newest live attempts of which something is sealed, and how many
            of these do not open under the page key.
        time: asks what time it is by its clock; None, if that is our own machine's.

    """

    unit_of_work: UnitOfWork
    embedded: bool
    upgrade: Callable[[], Awaitable[str]]
    current: Callable[[], Awaitable[str | None]]
    check: Callable[[], Awaitable[None]]
    standing: Callable[[], Awaitable[str]]
    differences: Callable[[], Awaitable[tuple[str, ...]]]
    shortcomings: Callable[[], Awaitable[tuple[str, ...]]]
    unopened: Callable[[], Awaitable[tuple[int, int]]]
    time: Callable[[], Awaitable[datetime]] | None = None


def forgetful(unit_of_work: UnitOfWork) -> Store:
    """Return a store in memory: it has no tables, and says that it forgets."""
    return Store(
        unit_of_work=unit_of_work,
        embedded=True,
        upgrade=_nothing_to_upgrade,
        current=_nothing_to_upgrade,
        check=_nothing_to_check,
        standing=_always_current,
        differences=_nothing_differs,
        shortcomings=_forgets_all,
        unopened=_nothing_sealed,
    )


async def _nothing_to_upgrade() -> str:
    return "memory"


async def _nothing_to_check() -> None:
    """Be content: there are no tables."""


async def _always_current() -> str:
    return "current"


async def _nothing_differs() -> tuple[str, ...]:
    return ()


async def _nothing_sealed() -> tuple[int, int]:
    return 0, 0


async def _forgets_all() -> tuple[str, ...]:
    return ("it is in memory: all of it is forgotten when the process ends",)
