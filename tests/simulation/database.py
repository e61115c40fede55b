"""SQLite without threads: the production engine on a stand-in for aiosqlite's connection."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util.concurrency import await_

from retender.adapters.sql import schema
from retender.adapters.sql.engine import open_engine
from retender.tests.simulation.kernel import Node

T = TypeVar("T")

_ASK_AGAIN = 0.05


class _Nothing:
    """What one need not wait for: SQLAlchemy insists that an asyncio driver awaits something."""

    def __await__(self) -> Iterator[None]:
        return iter(())


_NOTHING = _Nothing()


class Cursor(sqlite3.Cursor):
    """A cursor that never waits, but where a process may lose its turn."""

    connection: "Connection"

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> "Cursor":  # type: ignore[override]  # what SQLAlchemy passes
        """Execute; a lock that somebody else holds is waited for in virtual time."""
        if statement.startswith("BEGIN"):
            self.connection.turn()
        else:
            await_(_NOTHING)
        self.connection.insist(partial(super().execute, statement, parameters))
        return self

    async def _async_soft_close(self) -> None:
        """Keep the rows, as SQLAlchemy asks: here they wait in the cursor itself."""


class Connection(sqlite3.Connection):
    """
    What SQLAlchemy's dialect for aiosqlite needs of a connection.

    Others get a turn, and a process may die, where a transaction begins, before its commit
    and after it. In between nothing of it can be seen, so nothing else could matter there.
    Everything else happens at once: there is no thread to wait for.
    """

    node: Node
    patience: float
    is_dead = False

    def cut(self) -> None:
        """Do what the operating system does for a dead process: undo, and let go of all locks."""
        if not self.is_dead:
            self.is_dead = True
            super().close()

    close = terminate = cut

    def turn(self) -> None:
        """Let others go on."""
        if not self.is_dead:
            await_(asyncio.sleep(0))

    def insist(self, deed: Callable[[], T]) -> T:
        """Do it as soon as the lock is free, or raise what SQLite says."""
        waited = 0.0
        while True:
            try:
                return deed()
            except sqlite3.OperationalError as trouble:
                busy = trouble.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or waited >= self.patience or self.is_dead:
                    raise
            waited += _ASK_AGAIN
            await_(asyncio.sleep(_ASK_AGAIN))

    def _survive(self, place: str) -> None:
        """Die here if that is planned."""
        if self.node.trap == place:
            self.node.kill()
            await_(asyncio.sleep(0))  # and never come back

    def cursor(self) -> Cursor:  # type: ignore[override]  # of one kind
        """Return a cursor."""
        return Cursor(self)

    def commit(self) -> None:
        """Commit; one may die just before, and just after."""
        if self.is_dead:
            return
        self.turn()
        self._survive("before a commit")
        self.insist(super().commit)
        self._survive("after a commit")
        self.turn()

    def rollback(self) -> None:
        """Undo."""
        if not self.is_dead:
            super().rollback()


@dataclass(slots=True)
class _Seat:
    """Where a process of this name works at present: its file, and its life."""

    engine: AsyncEngine
    path: Path
    node: Node


_seats: dict[str, _Seat] = {}


def engine_of(path: Path, node: Node) -> AsyncEngine:
    """
    Open the production engine for a process, on connections that die with it.

    A new life gets an empty pool, as a forked process does, but keeps the statements that were
    compiled before: compiling is most of what starting costs, and it forgets nothing.
    """
    seat = _seats.get(node.name)
    if seat is None:
        seat = _seats[node.name] = _Seat(open_engine(f"sqlite:///{path}"), path, node)
        _sit_down(seat)
    seat.path, seat.node = path, node
    seat.engine.sync_engine.dispose(close=False)
    return seat.engine


def _sit_down(seat: _Seat) -> None:
    """Let the engine connect to wherever its seat is."""

    def connect(_dialect: object, _record: object, _args: object, how: dict[str, Any]) -> Connection:
        made: Connection = sqlite3.connect(
            seat.path, timeout=0, isolation_level=None, factory=Connection
        )
        made.node, made.patience = seat.node, how["timeout"]
        seat.node.at_death.append(made.cut)
        return made

    event.listen(seat.engine.sync_engine, "do_connect", connect)


@cache
def _template() -> Path:
    """Make the tables once in a process, by the real migrations."""
    path = Path(mkdtemp(prefix="retender-simulation-")) / "template.db"
    asyncio.run(schema.upgrade(f"sqlite:///{path}"))
    return path


def fresh_database(folder: Path) -> Path:
    """Return a new database with all tables."""
    return Path(shutil.copy(_template(), folder / "shop.db"))
