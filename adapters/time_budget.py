"""AsyncTimeBudget: asks side by side as tasks of the running loop, until its time is over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain

T = TypeVar("T")
R = TypeVar("R")


class AsyncTimeBudget:
    """
    Implements ``TimeBudget`` by the loop's own clock, which nobody can set.

    A question that is cut off is cancelled rather than left running: nothing goes
    on behind a command's back, and the worker asks again anyway.
    """

    def __init__(self, within: timedelta) -> None:
        """Begin to count; needs a running loop."""
        self._within = within
        self._until = asyncio.get_running_loop().time() + within.total_seconds()

    async def answer(self, ask: Callable[[T], Awaitable[R]], about: T) -> R:
        """Ask while time is left."""
        most = f"{self._within.total_seconds():g} s"
        if asyncio.get_running_loop().time() >= self._until:
            raise ProviderUnavailable(f"Nothing was sent: the {most} for questions are over.")
        try:
            async with asyncio.timeout_at(self._until):
                return await ask(about)
        except TimeoutError:
            raise ProviderUncertain(f"No answer within the {most} for questions.") from None

    async def side_by_side(
        self, work: Callable[[T], Awaitable[R]], about: Sequence[T]
    ) -> Sequence[R]:
        """Do the same for each, each in a task; one alone needs none."""
        if len(about) == 1:
            return [await work(about[0])]

        async def outcome(each: T) -> R | Exception:
            try:
                return await work(each)
            except Exception as error:  # noqa: BLE001 - raised below, when all are done
                return error

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(outcome(each)) for each in about]
        done: list[R] = []
        for task in tasks:
            result = task.result()
            if isinstance(result, Exception):
                raise result
            done.append(result)
        return done
