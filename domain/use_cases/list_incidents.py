"""ListIncidents: all that ever waited for a human."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.incident import Incident
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListIncidents:
    """List incidents, open and ended; changes nothing."""

    unit_of_work: UnitOfWork

    async def __call__(self, *, limit: int = 100) -> Sequence[Incident]:
        """Return the newest first."""
        async with self.unit_of_work(read_only=True) as work:
            return await work.incidents.all(limit)
