"""SQLite: a file, one writer at a time, and no server to set anything up."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from sqlalchemy import URL, Connection

from retender.adapters.sql.place import Place
from retender.adapters.sql.server_kind import Need, ServerKind, full, lacks_tables
from retender.domain.model.errors import RetenderError, SetupError, StoreBusy

CONNECTIONS = 5
"""Each connection is a thread; one writes at a time, and the others read."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers do not wait for the writer, nor it for them
    "PRAGMA synchronous = FULL",  # what is committed survives a power cut
    "PRAGMA foreign_keys = ON",
)
_PRIMARY = 0xFF  # the lowest byte of an SQLite error code; the rest refines it
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_TAKEN = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_BROKEN = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: its folder must exist and be writable",
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
    sqlite3.SQLITE_READONLY: "may not be written to",
}


class Sqlite(ServerKind):
    """
    Writers begin with ``BEGIN IMMEDIATE``.

    A transaction that first reads and then wants to write would fail at once if
    another had written in between, whatever the busy time-out.
    """

    title: ClassVar[str] = "SQLite"
    drivers: ClassVar[Mapping[str, str]] = {"sqlite+aiosqlite": ""}
    remote: ClassVar[bool] = False
    connections: ClassVar[int] = CONNECTIONS
    one_writer: ClassVar[bool] = True
    options: ClassVar[Mapping[str, object]] = {}
    needs: ClassVar[Sequence[Need]] = (
        Need(
            "journal_mode",
            "PRAGMA journal_mode",
            ("wal",),
            "readers and the writer would wait for each other",
        ),
        Need(
            "synchronous",
            "PRAGMA synchronous",
            ("2", "3"),
            "a power cut could lose what was committed",
        ),
        Need("foreign_keys", "PRAGMA foreign_keys", ("1",), "an attempt could outlive its order"),
    )

    def address(self, url: URL) -> URL:
        """Return the URL of a file; one in memory would be another for each connection."""
        if url.database in {None, "", ":memory:"}:
            message = "An SQLite database in memory cannot be shared; name a file, or `memory:`."
            raise SetupError(message)
        return super().address(url)

    def is_there(self, url: URL) -> bool:
        """Whether the file exists."""
        return Path(str(url.database)).exists()

    def connect_args(self, url: URL, patience: timedelta) -> dict[str, object]:
        """Let the driver begin nothing by itself, and wait for locks."""
        del url
        return {"isolation_level": None, "timeout": patience.total_seconds()}

    def set_up(self, patience: timedelta) -> Sequence[str]:
        """Return the pragmas; the busy time-out is set by the driver."""
        del patience
        return _PRAGMAS

    def begin(self, *, reading: bool) -> Sequence[str]:
        """Begin as a reader, or with the write lock."""
        return ("BEGIN",) if reading else ("BEGIN IMMEDIATE",)

    def meaning(self, trouble: BaseException, place: Place) -> RetenderError | None:
        """Sort by SQLite's primary error code."""
        if self.is_conflict(trouble):
            return StoreBusy("The database is locked by another process; nothing was changed.")
        code = _code(trouble)
        if code == sqlite3.SQLITE_FULL:
            return full(place)
        if code in _BROKEN:
            return SetupError(f"The database {place} {_BROKEN[code]}.")
        return lacks_tables() if "no such table" in str(trouble) else None

    def is_conflict(self, trouble: BaseException) -> bool:
        """Whether another process had the lock for too long."""
        return _code(trouble) in _BUSY

    def is_undone(self, trouble: BaseException) -> bool:
        """Whether others were in the way, or the commit itself found no room to be written."""
        return self.is_conflict(trouble) or _code(trouble) == sqlite3.SQLITE_FULL

    def is_taken(self, trouble: BaseException | None) -> bool:
        """Whether UNIQUE or a primary key says no."""
        return getattr(trouble, "sqlite_errorcode", None) in _TAKEN

    def wait_for_turn(self, connection: Connection, patience: timedelta) -> None:
        """Do nothing: the write lock is ours from the transaction's beginning."""


def _code(trouble: BaseException) -> int:
    return int(getattr(trouble, "sqlite_errorcode", 0)) & _PRIMARY
