"""SqlUnitOfWork: one database transaction a unit of work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from retender.adapters.sql.attempts import SqlAttempts
from retender.adapters.sql.backlog import SqlBacklog
from retender.adapters.sql.engine import PATIENCE, commit, connected, server_kind_of
from retender.adapters.sql.orders import SqlOrders
from retender.adapters.sql.records import SqlAttention, SqlInbox, SqlOutbox, SqlStory
from retender.adapters.sql.refunds import SqlRefunds
from retender.adapters.sql.seal import PageSeal
from retender.domain.model.errors import StoreBusy


class SqlWork:
    """One open transaction on one connection."""

    def __init__(
        self, connection: AsyncConnection, seal: PageSeal, *, read_only: bool, once: bool
    ) -> None:
        """Work on a connection whose transaction has begun; ``once``: that has none."""
        self._connection: AsyncConnection | None = connection
        self._seal = seal
        self._read_only = read_only
        self._story = SqlStory(connection)
        self._once = once

    @property
    def orders(self) -> SqlOrders:
        """The orders."""
        return SqlOrders(self._open(), self._story)

    @property
    def attempts(self) -> SqlAttempts:
        """The attempts."""
        return SqlAttempts(self._open(), self._seal, self._story)

    @property
    def refunds(self) -> SqlRefunds:
        """The refunds."""
        return SqlRefunds(self._open(), self._story)

    @property
    def inbox(self) -> SqlInbox:
        """Which notices were taken."""
        return SqlInbox(self._open())

    @property
    def attention(self) -> SqlAttention:
        """What waits for a human."""
        return SqlAttention(self._open())

    @property
    def backlog(self) -> SqlBacklog:
        """What has not come to its end."""
        return SqlBacklog(self._open(), self._seal)

    @property
    def outbox(self) -> SqlOutbox:
        """Events not yet told."""
        return SqlOutbox(self._open())

    @property
    def story(self) -> SqlStory:
        """What happened and why."""
        self._open()
        return self._story

    async def commit(self) -> None:
        """Commit the transaction; the work is over then."""
        connection = self._open()
        if self._read_only:
            message = "a read-only unit of work has nothing to commit"
            raise RuntimeError(message)
        await self._story.write()
        try:
            await commit(connection)
        except BaseException:
            # After a failed COMMIT nobody knows how it stands: SQLite may keep the transaction, and
            # the lock that everybody else waits for. Closing the connection ends it for sure.
            await connection.invalidate()
            raise
        self.end()

    def end(self) -> None:
        """Let go of the connection."""
        self._connection = None

    def _open(self) -> AsyncConnection:
        if self._connection is None:
            message = "this unit of work is over; begin another"
            raise RuntimeError(message)
        connection = self._connection
        if self._once:
            self.end()  # a second question would see another instant
        return connection


class SqlUnitOfWork:
    """
    Implements ``UnitOfWork`` over SQLAlchemy Core.

    Writers of one order wait for each other in the database, at the order's row:
    whoever changes an order together with its attempts and refunds locks them in
    this order, so that no two wait for each other. Should the database find
    otherwise, one of them gets ``StoreBusy``, and the whole unit may be done again.

    SQLite has one writer at a time. Those of this process stand in line here,
    in the order of arrival: waiting inside the database means asking again and
    again, and whoever asks at the right moment wins. Only the first of the line
    competes with other processes, for as long as the busy time-out allows.
    """

    def __init__(
        self, engine: AsyncEngine, *, page_key: bytes, patience: timedelta = PATIENCE
    ) -> None:
        """
        Use the engine, which the caller disposes of.

        Args:
            engine: made by ``open_engine``.
            page_key: 32 bytes that stored pages are encrypted with.
            patience: how long a writer stands in line before ``StoreBusy``.

        Raises:
            SetupError: the key has another length.

        """
        self._engine = engine
        self._seal = PageSeal(page_key)
        self._patience = patience
        self._in_line = server_kind_of(engine.url).one_writer
        self._line = asyncio.Lock()

    @asynccontextmanager
    async def __call__(
        self, *, read_only: bool = False, once: bool = False
    ) -> AsyncIterator[SqlWork]:
        """Begin a transaction, unless one question is all; it is rolled back unless committed."""
        async with (
            self._turn() if self._in_line and not read_only else nullcontext(),
            connected(self._engine, reading=read_only, once=once) as connection,
        ):
            work = SqlWork(connection, self._seal, read_only=read_only, once=once)
            try:
                yield work
            finally:
                work.end()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Stand in line to write."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._line.acquire()
        except TimeoutError:
            message = "Other writers did not finish in time; nothing was changed."
            raise StoreBusy(message) from None
        try:
            yield
        finally:
            self._line.release()
