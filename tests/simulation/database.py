"""SQLite without threads: the production engine on a stand-in for aiosqlite's connection."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql import schema
from retender.adapters.sql.engine import open_engine
from retender.tests.simulation.kernel import Node

T = TypeVar("T")

_ASK_AGAIN = 0.05
_TURNS = ("BEGIN", "COMMIT", "ROLLBACK")


class Cursor:
    """A cursor whose coroutines never wait, but where a process may lose its turn."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._cursor = connection.sqlite.cursor()

    async def __aenter__(self) -> Self:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    async def execute(self, statement: str, parameters: Sequence[object] = ()) -> "Cursor":
        """Execute; a lock that somebody else holds is waited for in virtual time."""
        if statement.startswith(_TURNS):
            await self._connection.turn()
        await self._connection.insist(lambda: self._cursor.execute(statement, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """Return all rows."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Close."""
        self._cursor.close()


class Connection:
    """
    What SQLAlchemy needs of an aiosqlite connection.

    Others get a turn, and a process may die, where a transaction begins, before its commit
    and after it. In between nothing of it can be seen, so nothing else could matter there.
    """

    def __init__(self, path: Path, patience: float, node: Node) -> None:
        self.sqlite = sqlite3.connect(path, timeout=0, isolation_level=None)
        self._patience = patience
        self._node = node
        self._dead = False

    @property
    def _connection(self) -> sqlite3.Connection | None:
        return None if self._dead else self.sqlite

    def cut(self) -> None:
        """Do what the operating system does for a dead process: undo, and let go of all locks."""
        if not self._dead:
            self._dead = True
            self.sqlite.close()

    stop = cut

    async def turn(self) -> None:
        """Let others go on."""
        if not self._dead:
            await asyncio.sleep(0)

    async def insist(self, deed: Callable[[], T]) -> T:
        """Do it as soon as the lock is free, or raise what SQLite says."""
        waited = 0.0
        while True:
            try:
                return deed()
            except sqlite3.OperationalError as trouble:
                busy = trouble.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or waited >= self._patience or self._dead:
                    raise
            waited += _ASK_AGAIN
            await asyncio.sleep(_ASK_AGAIN)

    async def _survive(self, place: str) -> None:
        """Die here if that is planned."""
        if self._node.trap == place:
            self._node.kill()
            await asyncio.sleep(0)  # and never come back

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self)

    async def create_function(self, *args: Any, **more: Any) -> None:
        """Give SQLite a function."""
        self.sqlite.create_function(*args, **more)

    async def commit(self) -> None:
        """Commit; one may die just before, and just after."""
        await self.turn()
        await self._survive("before a commit")
        await self.insist(self.sqlite.commit)
        await self._survive("after a commit")
        await self.turn()

    async def rollback(self) -> None:
        """Undo."""
        if not self._dead:
            self.sqlite.rollback()

    async def close(self) -> None:
        """Close."""
        self.cut()


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

    async def connect(*_: object, timeout: float, **__: object) -> Connection:  # noqa: ASYNC109
        connection = Connection(seat.path, timeout, seat.node)
        seat.node.at_death.append(connection.cut)
        return connection

    def arrange(_dialect: object, _record: object, _args: object, how: dict[str, Any]) -> None:
        how["async_creator_fn"] = connect

    event.listen(seat.engine.sync_engine, "do_connect", arrange)


@cache
def _template() -> Path:
    """Make the tables once in a process, by the real migrations."""
    path = Path(mkdtemp(prefix="retender-simulation-")) / "template.db"
    asyncio.run(schema.upgrade(f"sqlite:///{path}"))
    return path


def fresh_database(folder: Path) -> Path:
    """Return a new database with all tables."""
    return Path(shutil.copy(_template(), folder / "shop.db"))
