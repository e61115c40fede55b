"""``open_engine``: a database by its URL, set up so that its promises are kept."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as NoConnectionInTime
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from retender.adapters.sql.mariadb import MariaDB
from retender.adapters.sql.place import Place
from retender.adapters.sql.postgresql import PostgreSQL
from retender.adapters.sql.server_kind import ServerKind, uncertain, unreachable
from retender.adapters.sql.sqlite import Sqlite
from retender.domain.model.errors import RetenderError, SetupError, StoreBusy

PATIENCE = timedelta(seconds=5)
"""How long anybody waits for a lock or a connection before ``StoreBusy``."""

_BEGUN = "retender: a transaction has begun"
"""Noted in a connection's ``info`` while it must be ended."""

_ENDS = ("COMMIT", "ROLLBACK")

_LOOK_AGAIN = 0.02
"""Seconds between two tries of a setting that others are changing as well."""

SERVER_KINDS: Mapping[str, ServerKind] = {
    "sqlite": Sqlite(),
    "postgresql": PostgreSQL(),
    "postgres": PostgreSQL(),
    "mysql": MariaDB(),
    "mariadb": MariaDB(),
}
"""Every database that there is a store for, by the name that a URL begins with."""


def open_engine(url: str, *, patience: timedelta = PATIENCE) -> AsyncEngine:
    """
    Return an engine for the database; nothing is connected yet.

    Args:
        url: ``sqlite:///file``, ``postgresql://...`` (psycopg), ``postgresql+asyncpg://...``,
            ``mariadb://...`` or ``mysql://...`` (asyncmy).
        patience: how long to wait for a lock or a connection.

    Raises:
        SetupError: the URL names no database that we know how to use, or its
            driver is not installed.

    """
    address = database_url(url)
    kind = server_kind_of(address)
    try:
        engine = create_async_engine(
            address,
            connect_args=kind.connect_args(address, patience),
            pool_size=kind.connections,
            max_overflow=0,
            pool_timeout=patience.total_seconds(),
            pool_use_lifo=True,  # the one used last has the most pages at hand
            hide_parameters=True,  # payers and pages have no business in an error's text
            **kind.options,
        )
    except ModuleNotFoundError as missing:
        extra = kind.drivers[address.drivername]
        message = (
            f"The driver {missing.name} of {kind.title} is not installed: "
            f"pip install '.[{extra}]' in a clone of Retender."
        )
        raise SetupError(message) from None
    _EngineEvents(kind, address, patience).teach(engine)
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
    name = parsed.get_backend_name()
    if name not in SERVER_KINDS:
        message = (
            f"There is no store for {name}; there is one for sqlite:///FILE, "
            "postgresql://USER@HOST/NAME and mariadb://USER@HOST/NAME."
        )
        raise SetupError(message)
    return SERVER_KINDS[name].address(parsed)


def server_kind_of(url: URL) -> ServerKind:
    """Return what we know of the database that a URL names."""
    return SERVER_KINDS[url.get_backend_name()]


@asynccontextmanager
async def connected(
    engine: AsyncEngine, *, reading: bool = False, once: bool = False
) -> AsyncIterator[AsyncConnection]:
    """
    Take a connection and begin; giving it back undoes what was not committed.

    This is the only way to begin as the kind of server asks, and ``commit`` the only way to keep
    something: the driver adds no statement of its own. A connection that broke while nobody
    used it is found out by BEGIN, and another one is taken: nothing was done on it yet.

    Args:
        engine: made by ``open_engine``.
        reading: see all of one instant, write nothing and wait for nobody.
        once: one SELECT is all that will be asked: it needs no transaction.

    Raises:
        StoreBusy: all connections stayed in use, none could be made, or another
            writer did not finish in time.

    """
    statements = () if once else server_kind_of(engine.url).begin(reading=reading)
    connection = await _begun(engine, statements)
    try:
        yield connection
    finally:
        # psycopg forgets what it has prepared at every ROLLBACK, and a reader has nothing to undo.
        await _give_back(connection, "COMMIT" if reading else "ROLLBACK")


async def commit(connection: AsyncConnection) -> None:
    """
    Commit what was begun.

    Raises:
        StoreBusy: nothing was kept: others were in the way.
        StoreFull: nothing was kept: there is no room.
        StoreUncertain: it was cut off, and may have been kept.

    """
    try:
        await connection.exec_driver_sql("COMMIT")
    except (RetenderError, IntegrityError, InvalidRequestError):
        raise  # the database said no, or was not asked
    except Exception as trouble:
        raise uncertain(Place.of(connection.engine.url), trouble) from trouble
    connection.info[_BEGUN] = False


async def _begun(engine: AsyncEngine, statements: Sequence[str]) -> AsyncConnection:
    """Take a connection and begin on it; if it turns out to be broken, on another one."""
    try:
        return await _begun_on(await _taken(engine), statements)
    except _BrokenWhileIdle:
        # The pool now knows: it hands out none that was made before.
        try:
            return await _begun_on(await _taken(engine), statements)
        except _BrokenWhileIdle as again:
            raise unreachable(Place.of(engine.url), again.trouble) from again.trouble


class _BrokenWhileIdle(Exception):
    """A pooled connection was of no use, which its first statement told."""

    def __init__(self, trouble: BaseException) -> None:
        super().__init__()
        self.trouble = trouble


async def _taken(engine: AsyncEngine) -> AsyncConnection:
    connection = engine.connect()
    try:
        await connection.start()
    except NoConnectionInTime:
        message = "All database connections stayed in use; nothing was changed."
        raise StoreBusy(message) from None
    except OSError as trouble:
        raise unreachable(Place.of(engine.url), trouble) from trouble
    return connection


async def _begun_on(connection: AsyncConnection, statements: Sequence[str]) -> AsyncConnection:
    """Begin, or give the connection back."""
    try:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        connection.info[_BEGUN] = bool(statements)
    except StoreBusy as trouble:
        broken = connection.invalidated
        await connection.close()
        if broken:
            raise _BrokenWhileIdle(trouble.__cause__ or trouble) from trouble
        raise
    except BaseException:
        await connection.invalidate()  # nobody knows how far it came
        await connection.close()
        raise
    return connection


async def _give_back(connection: AsyncConnection, end: str) -> None:
    """End what was begun and not committed."""
    try:
        if not connection.invalidated and connection.info.pop(_BEGUN, False):
            await connection.exec_driver_sql(end)
    except DBAPIError:
        # Whatever it says, or if it broke: a connection that is closed is undone, as was to be.
        if not connection.invalidated:
            await connection.invalidate()
    except BaseException:
        await connection.invalidate()
        raise
    finally:
        await connection.close()


class _EngineEvents:
    """What the connections of one engine do at certain moments."""

    def __init__(self, kind: ServerKind, address: URL, patience: timedelta) -> None:
        self._kind = kind
        self._place = Place.of(address)
        self._set_up = kind.set_up(patience)
        self._patience = patience

    def teach(self, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "connect", self._on_connect)
        event.listen(engine.sync_engine, "handle_error", self._on_error, retval=True)

    def _on_connect(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        """Prepare a new connection."""
        cursor = connection.cursor()
        try:
            for statement in self._set_up:
                self._execute(cursor, statement)
        except BaseException:
            connection.close()  # it is in no pool yet, so nobody else does
            raise
        cursor.close()

    def _execute(self, cursor: DBAPICursor, statement: str) -> None:
        """
        Execute a setting, and wait where the database does not.

        Many who open a new SQLite file at once all change its journal. One of them does; the
        others are told "locked" at once, since no busy time-out holds for that.
        """
        until = monotonic() + self._patience.total_seconds()
        while True:
            try:
                cursor.execute(statement)
            except Exception as trouble:
                if not self._kind.is_conflict(trouble) or monotonic() >= until:
                    raise
                await_only(asyncio.sleep(_LOOK_AGAIN))
            else:
                return

    def _on_error(self, context: ExceptionContext) -> BaseException | None:
        """Return an error of our own for what the caller or the operator can do something about."""
        if context.is_pre_ping or _is_expected(context):
            return None  # SQLAlchemy deals with it, and nobody notices
        trouble = context.original_exception
        if _while_ending(context) and not self._kind.is_undone(trouble):
            return None  # a rollback is one all the same; of a commit ``commit`` tells
        meaning = self._kind.meaning(trouble, self._place)
        if self._kind.is_away(trouble):
            context.is_disconnect = True  # so that the next try goes to whoever serves by then
        if meaning is None and self._kind.remote and _is_lost(context):
            return unreachable(self._place, trouble)
        return meaning


def _is_expected(context: ExceptionContext) -> bool:
    """Whether it answers a question: MariaDB is asked for a table's columns to see if it exists."""
    execution = context.execution_context
    options = {} if execution is None else execution.execution_options
    return bool(options.get("skip_user_error_events", False))


def _while_ending(context: ExceptionContext) -> bool:
    return context.statement in _ENDS


def _is_lost(context: ExceptionContext) -> bool:
    return context.is_disconnect or context.connection is None
