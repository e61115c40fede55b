"""TimeBudget: how long a command asks around before it acts, and how it asks side by side."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class TimeBudget(Protocol):
    """
    The time that one command has for its questions, from the budget's making on.

    Only questions are cut off, never a transaction: what a provider answered in
    time is written down, and what it did not answer stays unknown.
    """

    async def answer(self, ask: Callable[[T], Awaitable[R]], about: T) -> R:
        """
        Ask, and return the answer if it comes while time is left.

        Raises:
            ProviderUnavailable: no time was left, so nothing was sent.
            ProviderUncertain: the question was cut off; it may have had an effect.

        """

    async def side_by_side(
        self, work: Callable[[T], Awaitable[R]], about: Sequence[T]
    ) -> Sequence[R]:
        """
        Do the same for each, all at once, and return what each returned, in order.

        If one raises, the others are finished first; then the first error is raised.
        """


NewTimeBudget: TypeAlias = Callable[[], TimeBudget]
"""Gives one command its budget; its time runs from then on."""
