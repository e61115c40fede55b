"""ListAttentionHistory: all that ever waited for a human."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.attention import AttentionItem
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListAttentionHistory:
    """List attention items, open and ended; changes nothing."""

    unit_of_work: UnitOfWork

    @retry_when_busy
    async def __call__(self, *, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the newest first."""
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.attention.all(limit)
