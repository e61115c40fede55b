"""Afterwards: what is written down once the caller has its answer."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Afterwards(Protocol):
    """
    Does what nobody waits for, such as a line of the story about what changed nothing.

    Only what may be lost is given to it: with a process that dies, it is.
    """

    async def __call__(self, note: Callable[[], Awaitable[None]]) -> None:
        """Take it up and return at once; it never raises, and what fails is logged."""
