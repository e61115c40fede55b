"""Mistakes in hearing notices, telling the shop, and holding leases."""

from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from retender.adapters.memory.attempts import MemoryAttempts
from retender.adapters.memory.records import MemoryOutbox
from retender.adapters.memory.refunds import MemoryRefunds
from retender.domain.model.event import Event, EventKind, UntoldEvent
from retender.domain.use_cases import check_attempt, check_refund
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.take_notice import TakeNotice
from retender.tests.model.jobs import tell_shop
from retender.tests.model.requests import Call, Suspend
from retender.tests.model.state import ORDER_ID, ORDER_NO, START


class _Notice(NamedTuple):
    """What is acknowledged."""

    number: str


def said_received_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    take = TakeNotice.__call__

    async def hasty(self: TakeNotice, *, account: str, raw: Any) -> Any:
        async with self.unit_of_work(read_only=True):
            await_this = Call("acknowledge", account, _Notice(raw.body.decode()))
        await Suspend(await_this)
        return await take(self, account=account, raw=raw)

    patch.setattr(TakeNotice, "__call__", hasty)


def noted_in_a_transaction_of_its_own(patch: pytest.MonkeyPatch) -> None:
    async def split(self: TakeNotice, *, account: str, raw: Any) -> None:
        provider = self.accounts.get(account).provider
        notice = await provider.parse_notice(raw)
        async with self.unit_of_work() as work:
            news = await work.inbox.add(account, notice.event_key, "", START)
            await work.commit()
        if news and notice.receipt is not None:
            async with self.unit_of_work() as work:
                await self._hear(work, account, notice, notice.receipt, START)
                await work.commit()

    patch.setattr(TakeNotice, "__call__", split)


def told_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    take = TakeNotice.__call__

    async def hasty(self: TakeNotice, *, account: str, raw: Any) -> Any:
        async with self.unit_of_work(read_only=True):
            event = Event(
                event_id="EARLY",
                kind=EventKind.ORDER_PAID,
                subject=ORDER_ID,
                order_no=ORDER_NO,
                at=START,
            )
        await tell_shop(event)
        return await take(self, account=account, raw=raw)

    patch.setattr(TakeNotice, "__call__", hasty)


def noted_as_told_before_it_is(patch: pytest.MonkeyPatch) -> None:
    async def hasty(self: AnnounceEvents, untold: UntoldEvent, until: datetime) -> bool:
        async with self.unit_of_work() as work:
            noted = await work.outbox.mark_sent(
                untold.event.event_id, self.clock(), held_until=until
            )
            await work.commit()
        try:
            await self.announcer(untold.event)
        except OSError:
            return False
        return noted

    patch.setattr(AnnounceEvents, "_tell", hasty)


def each_telling_has_its_own_id(patch: pytest.MonkeyPatch) -> None:
    tell = AnnounceEvents._tell

    async def renamed(self: AnnounceEvents, untold: UntoldEvent, until: datetime) -> bool:
        event = replace(untold.event, event_id=f"{untold.event.event_id}X{until:%S}")
        return await tell(self, replace(untold, event=event), until)

    patch.setattr(AnnounceEvents, "_tell", renamed)


def events_are_not_leased(patch: pytest.MonkeyPatch) -> None:
    async def look(self: MemoryOutbox, now: Any, until: Any, limit: int) -> list[UntoldEvent]:
        del now, until, limit
        return [row.untold for row in self.rows.events.values() if row.sent_at is None]

    patch.setattr(MemoryOutbox, "claim_due", look)
    patch.setattr(MemoryOutbox, "_held", lambda self, event_id, _: self.rows.events[event_id])


def late_workers_close(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(check_attempt, "is_held", lambda *_: True)
    _unfence(patch, MemoryAttempts)


def late_workers_send(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(check_refund, "is_held", lambda *_: True)
    _unfence(patch, MemoryRefunds)


def _unfence(patch: pytest.MonkeyPatch, rows: type[Any]) -> None:
    move = rows.move

    async def unfenced(self: Any, *args: Any, **more: Any) -> bool:
        moved: bool = await move(self, *args, **{**more, "held_until": None})
        return moved

    patch.setattr(rows, "move", unfenced)
