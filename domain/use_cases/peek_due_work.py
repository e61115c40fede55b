"""PeekDueWork: tell a worker in one question which of its lanes have work."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.backlog import Due
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PeekDueWork:
    """
    Look for due work without taking any: one question, whatever the number of accounts.

    An idle worker asks nothing else. What it sees may be taken by another worker at once.
    """

    unit_of_work: UnitOfWork
    clock: Clock

    @retry_when_busy
    async def __call__(self, *, accounts: Sequence[str]) -> Due:
        """Return what there is to do now, for these accounts and for everybody's orders."""
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.backlog.due(self.clock(), accounts)
