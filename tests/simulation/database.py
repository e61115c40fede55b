"""SQLite without threads: the production engine on a stand-in for aiosqlite's connection."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util.concurrency import await_

from retender.adapters.sql import schema
from retender.adapters.sql.engine import open_engine
from retender.tests.simulation.kernel import Node

T = TypeVar("T")

_ASK_AGAIN = 0.05
_WRITING = ("INSERT", "UPDATE", "DELETE")


@dataclass(slots=True)
class Disk:
    """
    What the database's file is on.

    Attributes:
        is_full: nothing more can be written.
        is_looked_at: whether a commit with this statement in it is told of.
        committed: hears of a commit, before anybody else takes a step. It is given a plain
            cursor of the connection that committed: any other would read the file anew.

    """

    is_full: bool = False
    is_looked_at: Callable[[str], bool] = lambda _: False
    committed: Callable[[sqlite3.Cursor], None] = lambda _: None


class DiskFull(sqlite3.OperationalError):
    """What SQLite raises when it cannot write; as its driver does, with SQLite's own code."""

    sqlite_errorcode = sqlite3.SQLITE_FULL
    sqlite_errorname = "SQLITE_FULL"

    def __init__(self) -> None:
        super().__init__("database or disk is full")


def is_planned(trouble: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is the full disk that we made."""
    while trouble is not None:
        if isinstance(trouble, DiskFull) or isinstance(getattr(trouble, "orig", None), DiskFull):
            return True
        trouble = trouble.__cause__
    return False


class _Nothing:
    """What one need not wait for: SQLAlchemy insists that an asyncio driver awaits something."""

    def __await__(self) -> Generator[None]:
        yield from ()


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
            self.connection.note(statement)
        if statement == "COMMIT" and self.connection.has_written:
            self.connection.commit()
        elif statement == "ROLLBACK":
            self.connection.rollback()
        else:
            self.connection.insist(partial(super().execute, statement, parameters))
        return self

    def executemany(self, statement: str, several: Iterable[Sequence[object]]) -> "Cursor":  # type: ignore[override]  # what SQLAlchemy passes
        """Execute with each of several parameters; they are written in a transaction anyway."""
        await_(_NOTHING)
        self.connection.note(statement)
        self.connection.insist(partial(super().executemany, statement, list(several)))
        return self

    async def _async_soft_close(self) -> None:
        """Keep the rows, as SQLAlchemy asks: here they wait in the cursor itself."""


class Connection(sqlite3.Connection):
    """
    What SQLAlchemy's dialect for aiosqlite needs of a connection.

    Others get a turn, and a process may die or stop, where a transaction begins, before its
    commit and after it. In between nothing of it can be seen, so nothing else could matter there.
    Everything else happens at once: there is no thread to wait for.

    Attributes:
        node: whose it is.
        disk: what the file is on.
        patience: for how many seconds a lock is waited for.
        is_dead: it was closed, by its process or with it.

    """

    node: Node
    disk: Disk
    patience: float
    is_dead = False
    _writes = False
    _tells = False
    _is_looked_at = False

    @property
    def has_written(self) -> bool:
        """Whether its transaction changed something; a reader's end is no moment of its own."""
        return self._writes

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

    def note(self, statement: str) -> None:
        """Note what the transaction does; a full disk is noticed when much is written, or late."""
        if statement.startswith(_WRITING):
            self._writes = True
            self._is_looked_at = self._is_looked_at or self.disk.is_looked_at(statement)
            self._tells = self._tells or statement.startswith("INSERT INTO outbox")
            if self.disk.is_full and statement.startswith("INSERT INTO attempts"):
                raise DiskFull

    def _come_to(self, place: str) -> None:
        """Die or stop here if that is planned."""
        places = (place, f"{place} that tells") if self._tells else (place,)
        if self.node.fates and self.node.come_to(*places):
            await_(asyncio.sleep(0))  # and come back later, if ever

    def cursor(self) -> Cursor:  # type: ignore[override]  # of one kind
        """Return a cursor."""
        return Cursor(self)

    def commit(self) -> None:
        """Commit; one may die just before, and just after."""
        if self.is_dead:
            return
        self.turn()
        self._come_to("before a commit")
        if self._writes and self.disk.is_full:
            raise DiskFull
        self.insist(super().commit)
        if self._is_looked_at:
            self.disk.committed(sqlite3.Cursor(self))
        self._come_to("after a commit")
        self._writes = self._tells = self._is_looked_at = False
        self.turn()

    def rollback(self) -> None:
        """Undo."""
        self._writes = self._tells = self._is_looked_at = False
        if not self.is_dead:
            super().rollback()


@dataclass(slots=True)
class _Seat:
    """Where a process of this name works at present: its file, and its life."""

    engine: AsyncEngine
    path: Path
    node: Node
    disk: Disk


_seats: dict[str, _Seat] = {}


def engine_of(path: Path, node: Node, disk: Disk) -> AsyncEngine:
    """
    Open the production engine for a process, on connections that die with it.

    A new life gets an empty pool, as a forked process does, but keeps the statements that were
    compiled before: compiling is most of what starting costs, and it forgets nothing.
    """
    seat = _seats.get(node.name)
    if seat is None:
        seat = _seats[node.name] = _Seat(open_engine(f"sqlite:///{path}"), path, node, disk)
        _sit_down(seat)
    seat.path, seat.node, seat.disk = path, node, disk
    seat.engine.sync_engine.dispose(close=False)
    return seat.engine


def _sit_down(seat: _Seat) -> None:
    """Let the engine connect to wherever its seat is."""

    def connect(
        _dialect: object, _record: object, _args: object, how: dict[str, Any]
    ) -> Connection:
        made: Connection = sqlite3.connect(
            seat.path, timeout=0, isolation_level=None, factory=Connection
        )
        made.node, made.disk, made.patience = seat.node, seat.disk, how["timeout"]
        seat.node.at_death.append(made.cut)
        return made

    def checkout(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401
        """Refuse what a dying task of an earlier life gave back to this life's pool."""
        if connection.is_dead:
            raise DisconnectionError

    event.listen(seat.engine.sync_engine, "do_connect", connect)
    event.listen(seat.engine.sync_engine, "checkout", checkout)


@cache
def _template() -> Path:
    """Make the tables once in a process, by the real migrations."""
    path = Path(mkdtemp(prefix="retender-simulation-")) / "template.db"
    asyncio.run(schema.upgrade(f"sqlite:///{path}"))
    return path


def fresh_database(folder: Path) -> Path:
    """Return a new database with all tables."""
    return Path(shutil.copy(_template(), folder / "shop.db"))
