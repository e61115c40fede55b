"""AnnounceEvents: tell the shop what became true, after it did."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.domain.model.attention import About
from retender.domain.model.event import Event, UntoldEvent, next_telling
from retender.domain.model.named import named
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.use_cases.set_aside import SetAside
from retender.ports.announcer import Announcer
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

_SHARES = 6
"""One announcement may take so great a part of the lease, and is begun while that is left."""


@dataclass(frozen=True, slots=True)
class AnnounceEvents:
    """
    Relay the outbox: at least once each, always under the same event id.

    An event is told only after the commit that made it true, and noted as told
    only after it was: a crash in between tells it again. While a lease runs,
    nobody else tells its events; a receiver in trouble is tried again later and
    later (see ``next_telling``).

    Attributes:
        unit_of_work: where the outbox is.
        announcer: who tells the shop.
        clock: the present.
        new_id: numbers the calls for a human.
        lease: for how long a batch is claimed; one announcement may take a sixth of it.

    """

    unit_of_work: UnitOfWork
    announcer: Announcer
    clock: Clock
    new_id: NewId
    lease: timedelta = timedelta(minutes=1)

    async def __call__(self, *, limit: int = 100) -> int:
        """
        Tell a batch, the oldest first, and return how many were told.

        What cannot be told before the lease is over is left for later.
        """
        until, batch = await self._claim(limit)
        told = 0
        for untold in batch:
            if self.clock() + self.lease / _SHARES > until:
                break
            if isinstance(untold, RowUnreadable):
                set_aside = SetAside(self.unit_of_work, self.clock, self.new_id)
                await set_aside(untold, About.EVENT, untold.key, held_until=until)
                continue
            event = untold.event
            with named(order_no=event.order_no, event_id=event.event_id):
                told += await self._tell(untold, until)
        return told

    @retry_when_busy
    async def _claim(self, limit: int) -> tuple[datetime, list[UntoldEvent | RowUnreadable]]:
        async with self.unit_of_work(read_only=True, once=True) as work:
            now = self.clock()
            found = await work.outbox.any_due(now)
        if not found:
            return now, []
        async with self.unit_of_work() as work:
            now = self.clock()
            until = now + self.lease
            batch = list(await work.outbox.claim_due(now, until, limit))
            await work.commit()
        return until, batch

    async def _tell(self, untold: UntoldEvent, until: datetime) -> bool:
        event = untold.event
        try:
            async with asyncio.timeout((self.lease / _SHARES).total_seconds()):
                await self.announcer(event)
        except Exception:
            # Whatever the receiver's trouble is, it must not hold up the others.
            logger.exception(
                "event %s (%s) of order %s not told; it comes again",
                event.event_id,
                event.kind,
                event.order_no,
            )
            await self._put_off(untold, until)
            return False
        return await self._note(event, until)

    @retry_when_busy
    async def _put_off(self, untold: UntoldEvent, until: datetime) -> None:
        async with self.unit_of_work() as work:
            again_at = next_telling(untold, self.clock())
            await work.outbox.put_off(untold.event.event_id, again_at, held_until=until)
            await work.commit()

    @retry_when_busy
    async def _note(self, event: Event, until: datetime) -> bool:
        async with self.unit_of_work() as work:
            noted = await work.outbox.mark_sent(event.event_id, self.clock(), held_until=until)
            await work.commit()
        return noted
