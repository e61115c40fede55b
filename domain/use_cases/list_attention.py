"""ListAttention: what waits for a human now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attention import AttentionItem
from retender.domain.model.backlog import BacklogSize
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """
    What waits for a human.

    Attributes:
        items: the open ones, the oldest first, as many as were asked for.
        size: all that is under way, counted at the same instant.
        at: when that was.

    """

    items: Sequence[AttentionItem]
    size: BacklogSize
    at: datetime

    @property
    def count(self) -> int:
        """How many are open, shown or not."""
        return sum(waiting.count for waiting in self.size.waiting.values())


@dataclass(frozen=True, slots=True)
class ListAttention:
    """List what waits for a human, and count it; changes nothing."""

    unit_of_work: UnitOfWork
    clock: Clock

    async def __call__(self, *, limit: int = 100) -> Attention:
        """Return the oldest first."""
        async with self.unit_of_work(read_only=True) as work:
            return Attention(
                items=await work.attention.open(limit) if limit else (),
                size=await work.backlog.size(),
                at=self.clock(),
            )
