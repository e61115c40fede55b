"""Background: notes that nobody waits for, as tasks of the running loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

logger = logging.getLogger(__name__)

MOST = 1000
"""Notes that may wait; what comes then is dropped, for it is worth less than the memory."""


class Background:
    """
    Implements ``Afterwards``: one note after another, in the order in which they came.

    Never two at once: they would take the connections that answers need.
    """

    def __init__(self, most: int = MOST) -> None:
        """Begin with nothing to do."""
        self._most = most
        self._waiting: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    async def __call__(self, note: Callable[[], Awaitable[None]]) -> None:
        """Take it up, unless too many wait."""
        if len(self._waiting) >= self._most:
            logger.warning("a note is dropped: %d wait to be written", self._most)
            return
        task = asyncio.create_task(self._written(note))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def settle(self, within: timedelta = timedelta(seconds=5)) -> None:
        """Wait for what is left, so long at most, before the store is closed."""
        if not self._waiting:
            return
        _, late = await asyncio.wait(self._waiting, timeout=within.total_seconds())
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d notes are dropped: the store took none in %s", len(late), within)
            await asyncio.wait(late)

    async def _written(self, note: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            try:
                await note()
            except Exception:
                logger.exception("a note was not written")


def settled_with(exits: AsyncExitStack, opened: object) -> Background:
    """Return one that settles before ``exits`` closes what was opened before it."""
    del opened
    background = Background()
    exits.push_async_callback(background.settle)
    return background
