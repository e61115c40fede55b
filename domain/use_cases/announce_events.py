"""AnnounceEvents: tell the shop what became true, after it did."""

import logging
from dataclasses import dataclass

from retender.ports.announcer import Announcer
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnnounceEvents:
    """
    Relay the outbox: at least once each, always under the same event id.

    An event is told only after the commit that made it true, and noted as told
    only after it was: a crash in between tells it again.
    """

    unit_of_work: UnitOfWork
    announcer: Announcer
    clock: Clock

    async def __call__(self, *, limit: int = 100) -> int:
        """Tell a batch, the oldest first, and return how many were told."""
        async with self.unit_of_work(read_only=True) as work:
            events = await work.outbox.unsent(limit)
        told = 0
        for event in events:
            try:
                await self.announcer(event)
            except Exception:
                # Whatever the receiver's trouble is, it must not hold up the others.
                logger.exception(
                    "event %s (%s) not told; it comes again", event.event_id, event.kind
                )
                continue
            async with self.unit_of_work() as work:
                told += await work.outbox.mark_sent(event.event_id, self.clock())
                await work.commit()
        return told
