"""``open_engine``: a database by its URL, set up so that its promises are kept."""

import sqlite3
from datetime import timedelta

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from retender.domain.model.errors import SetupError, StoreBusy

PATIENCE = timedelta(seconds=5)
"""How long anybody waits for a lock or a connection before ``StoreBusy``."""

READ_ONLY = "retender_read_only"
"""Execution option of connections that take no write lock."""

CONNECTIONS = 5
"""Each SQLite connection is a thread; one writes at a time, and the others read."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers do not wait for the writer, nor it for them
    "PRAGMA synchronous = FULL",  # what is committed survives a power cut
    "PRAGMA foreign_keys = ON",
)
_PRIMARY = 0xFF  # the lowest byte of an SQLite error code; the rest refines it
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: its folder must exist and be writable",
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
    sqlite3.SQLITE_READONLY: "may not be written to",
}


def open_engine(url: str, *, patience: timedelta = PATIENCE) -> AsyncEngine:
    """
    Return an engine for the database; nothing is connected yet.

    Writing transactions on SQLite begin with ``BEGIN IMMEDIATE``: a transaction
    that first reads and then wants to write would fail at once if another had
    written in between, whatever the busy time-out.

    Args:
        url: ``sqlite+aiosqlite:///file``, or ``sqlite:///file`` for short.
        patience: how long to wait for a lock or a connection.

    Raises:
        SetupError: the URL names no database that we know how to use.

    """
    engine = create_async_engine(
        database_url(url),
        connect_args={"isolation_level": None, "timeout": patience.total_seconds()},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        hide_parameters=True,  # payers and pages have no business in an error's text
    )
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "handle_error", _sorted_trouble, retval=True)
    return engine


def database_url(url: str) -> URL:
    """
    Read the URL of a database.

    Raises:
        SetupError: it names no database that we know how to use.

    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        message = "The database URL reads like sqlite:///retender.db; this one does not."
        raise SetupError(message) from None
    if parsed.get_backend_name() != "sqlite":
        message = f"There is no store for {parsed.get_backend_name()} yet; use sqlite:///FILE."
        raise SetupError(message)
    if parsed.database in {None, "", ":memory:"}:
        message = "An SQLite database in memory cannot be shared; name a file, or `memory:`."
        raise SetupError(message)
    return parsed.set(drivername="sqlite+aiosqlite")


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Prepare a new connection; the busy time-out is set by the driver."""
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
    except BaseException:
        connection.close()  # it is in no pool yet, so nobody else does
        raise
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin as a reader or as a writer; the driver begins nothing by itself."""
    reading = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _sorted_trouble(context: ExceptionContext) -> BaseException | None:
    """Return an error of our own for what the caller or the operator can do something about."""
    trouble = context.original_exception
    code = getattr(trouble, "sqlite_errorcode", 0) & _PRIMARY
    if code in _BUSY:
        return StoreBusy("The database is locked by another process; nothing was changed.")
    if code in _BROKEN:
        name = context.engine.url.database if context.engine else "it"
        return SetupError(f"The database {name} {_BROKEN[code]}.")
    if "no such table" in str(trouble):
        return SetupError("The database lacks a table of ours: run `retender db upgrade`.")
    return None
