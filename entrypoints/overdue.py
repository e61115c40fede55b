"""``overdue``: work that a worker should have done by now, if one runs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from retender.domain.model.backlog import Overdue, WorkKind

if TYPE_CHECKING:
    from retender.entrypoints.container import Container
    from retender.entrypoints.settings import Settings


def patience(settings: "Settings") -> timedelta:
    """
    Return how long work may be due before nobody seems to do it.

    A worker that died leaves its work to its lease, and one that runs looks after its
    interval, half as long again at most.
    """
    worker = settings.worker
    return timedelta(seconds=worker.lease_seconds + 2 * worker.interval_seconds)


async def overdue(container: "Container") -> Mapping[WorkKind, Overdue]:
    """Count it by kind; a kind without any is not there."""
    now = container.clock()()
    async with container.unit_of_work()(read_only=True) as work:
        return await work.backlog.overdue(now - patience(container.settings()), now)
