"""MemoryUnitOfWork: the reference that every other store is measured against."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from retender.adapters.memory.attempts import MemoryAttempts
from retender.adapters.memory.backlog import MemoryBacklog
from retender.adapters.memory.orders import MemoryOrders
from retender.adapters.memory.records import (
    MemoryAttention,
    MemoryInbox,
    MemoryOutbox,
    MemoryStory,
)
from retender.adapters.memory.refunds import MemoryRefunds
from retender.adapters.memory.rows import Rows
from retender.domain.model.errors import StoreBusy


class MemoryWork:
    """One open transaction: a copy of all rows, published by ``commit``."""

    def __init__(self, rows: Rows, publish: Callable[[Rows], None] | None) -> None:
        """Work on these rows; without ``publish`` it is read-only."""
        self._rows: Rows | None = rows
        self._publish = publish

    @property
    def orders(self) -> MemoryOrders:
        """The orders."""
        return MemoryOrders(self._open())

    @property
    def attempts(self) -> MemoryAttempts:
        """The attempts."""
        return MemoryAttempts(self._open())

    @property
    def refunds(self) -> MemoryRefunds:
        """The refunds."""
        return MemoryRefunds(self._open())

    @property
    def inbox(self) -> MemoryInbox:
        """Which notices were taken."""
        return MemoryInbox(self._open())

    @property
    def attention(self) -> MemoryAttention:
        """What waits for a human."""
        return MemoryAttention(self._open())

    @property
    def backlog(self) -> MemoryBacklog:
        """What has not come to its end."""
        return MemoryBacklog(self._open())

    @property
    def outbox(self) -> MemoryOutbox:
        """Events not yet told."""
        return MemoryOutbox(self._open())

    @property
    def story(self) -> MemoryStory:
        """What happened and why."""
        return MemoryStory(self._open())

    async def commit(self) -> None:
        """Publish the copy; the work is over then."""
        rows = self._open()
        if self._publish is None:
            message = "a read-only unit of work has nothing to commit"
            raise RuntimeError(message)
        self._publish(rows)
        self.end()

    def end(self) -> None:
        """Let go of the copy: whatever was not committed is undone by that."""
        self._rows = None

    def _open(self) -> Rows:
        if self._rows is None:
            message = "this unit of work is over; begin another"
            raise RuntimeError(message)
        return self._rows


class MemoryUnitOfWork:
    """
    Implements ``UnitOfWork`` with copies and one lock.

    Writers take turns in the order of arrival; readers see what was committed
    when they began and wait for nobody.
    """

    def __init__(self, *, patience: timedelta = timedelta(seconds=5)) -> None:
        """Begin with nothing; a writer waits for its turn no longer than ``patience``."""
        self._rows = Rows()
        self._patience = patience
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def __call__(
        self, *, read_only: bool = False, once: bool = False
    ) -> AsyncIterator[MemoryWork]:
        """Begin on a copy of all that is committed; such a copy answers any number of questions."""
        del once
        if read_only:
            work = MemoryWork(self._rows.copy(), None)
            yield work
            work.end()
            return
        await self._wait_for_turn()
        try:
            work = MemoryWork(self._rows.copy(), self._publish)
            yield work
            work.end()
        finally:
            self._turn.release()

    async def _wait_for_turn(self) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._turn.acquire()
        except TimeoutError:
            message = "Another writer did not finish in time; nothing was changed."
            raise StoreBusy(message) from None

    def _publish(self, rows: Rows) -> None:
        self._rows = rows
