"""Escalate: call a human for what stays unknown too long, and take the call back by itself."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem, Ending, Resolution
from retender.domain.model.event import Event
from retender.domain.model.named import named
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.steps.open_attention import (
    BY_ITSELF,
    attention_about,
    end_attention,
    facts_of_attempt,
    facts_of_refund,
    open_attention,
)
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.use_cases.set_aside import SetAside
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.ports.watched_clock import WatchedClock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """
    The longest time for which anything may stay unknown before a human is called.

    What a human has noted, and what does not end all the same, is brought up
    again after as long once more.

    Attributes:
        attempts: after the end of its watch, when its page is over and "not found"
            would be an answer.
        refunds: after it was decided.
        events: after it became true.

    """

    attempts: timedelta = timedelta(hours=1)
    refunds: timedelta = timedelta(hours=24)
    events: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Escalated:
    """How many humans were called for, and how many calls were taken back."""

    opened: int
    settled: int


@dataclass(frozen=True, slots=True)
class Escalate:
    """
    Open an attention item for what is unknown too long, and settle those that are over.

    A stuck refund is called out when it gets stuck; here only if that call is
    missing or was ended long ago, and the refund is stuck still.
    """

    unit_of_work: UnitOfWork
    clock: WatchedClock
    new_id: NewId
    patience: Patience

    async def __call__(self, *, limit: int = 20) -> Escalated:
        """
        Do one bounded batch of each kind; a round that finds nothing writes nothing.

        Safe to run anywhere, any number of times at once.
        """
        if self.clock.is_wrong():
            return Escalated(opened=0, settled=0)  # by what clock would it be too long?
        now = self.clock()
        async with self.unit_of_work(read_only=True) as work:
            found, unreadable = await self._find(work, now, limit)
            over = await work.backlog.over(limit)
        set_aside = SetAside(self.unit_of_work, self.clock, self.new_id)
        for each in unreadable:
            await set_aside(each, About(each.what), each.key)
        opened = 0
        for item in found:
            with _named(item):
                opened += await self._open(item)
        settled = 0
        for item in over:
            with _named(item):
                settled += await settle_if_over(self.unit_of_work, self.clock, item)
        return Escalated(opened=opened, settled=settled)

    async def _find(
        self, work: Work, now: datetime, limit: int
    ) -> tuple[Sequence[AttentionItem], Sequence[RowUnreadable]]:
        """Write out what is to be called, and what cannot be read of it; each kind at its time."""
        patience = self.patience
        since = now - patience.attempts
        unreadable: list[RowUnreadable] = []
        attempts = await work.backlog.attempts(since, since, limit)
        found = [self._of_attempt(attempt, now) for attempt in _readable(attempts, unreadable)]
        since = now - patience.refunds
        for code, made_by in (
            (AttentionCode.REFUND_TOO_LONG, since),
            (AttentionCode.REFUND_STUCK, now),
        ):
            refunds = await work.backlog.refunds(code, made_by, since, limit)
            for refund in _readable(refunds, unreadable):
                try:
                    order = await work.orders.by_id(refund.order_id)
                except RowUnreadable as its_order:
                    unreadable.append(its_order)
                    order = None
                order_no = None if order is None else order.order_no
                found.append(self._of_refund(refund, order_no, code, now))
        since = now - patience.events
        events = await work.backlog.events(since, since, limit)
        found += self._of_events(_readable(events, unreadable), now)
        return found, unreadable

    def _of_attempt(self, attempt: Attempt, now: datetime) -> AttentionItem:
        return attention_about(
            attempt,
            attempt.charge.order_no,
            code=AttentionCode.UNKNOWN_TOO_LONG,
            attention_id=self.new_id(),
            at=now,
            source=f"unknown for more than {self.patience.attempts} after its watch",
            data=facts_of_attempt(attempt),
        )

    def _of_refund(
        self, refund: Refund, order_no: str | None, code: AttentionCode, now: datetime
    ) -> AttentionItem:
        stuck = code is AttentionCode.REFUND_STUCK
        long = f"under way for more than {self.patience.refunds}"
        return attention_about(
            refund,
            order_no,
            code=code,
            attention_id=self.new_id(),
            at=now,
            source="stuck, and nobody is on it" if stuck else long,
            data=facts_of_refund(refund),
        )

    def _of_events(self, events: Iterable[Event], now: datetime) -> Iterator[AttentionItem]:
        for event in events:
            yield AttentionItem(
                attention_id=self.new_id(),
                code=AttentionCode.UNTOLD_TOO_LONG,
                account="",
                number=event.event_id,
                at=now,
                source=f"not told for more than {self.patience.events}",
                data={"kind_of_event": str(event.kind), "since": event.at.isoformat()},
                about=About.EVENT,
                subject=event.event_id,
                order_no=event.order_no,
            )

    @retry_when_busy
    async def _open(self, item: AttentionItem) -> bool:
        async with self.unit_of_work() as work:
            opened = await open_attention(work, item)
            if opened and await work.backlog.over(1, item.attention_id):
                return False  # it ended since we looked: nothing is written
            await work.commit()
        return opened


def _readable(rows: Iterable[T | RowUnreadable], unreadable: list[RowUnreadable]) -> Iterator[T]:
    """Yield what can be read, and put the rest aside."""
    for row in rows:
        if isinstance(row, RowUnreadable):
            unreadable.append(row)
        else:
            yield row


def _named(item: AttentionItem) -> AbstractContextManager[None]:
    attempt = item.number if item.about is About.ATTEMPT else None
    refund = item.subject if item.about is About.REFUND else None
    return named(
        order_no=item.order_no,
        attempt_number=attempt,
        refund_no=refund,
        account=item.account,
    )


@retry_when_busy
async def settle_if_over(unit_of_work: UnitOfWork, clock: Clock, item: AttentionItem) -> bool:
    """End an attention item of ours by itself, if its subject is where it was no more."""
    async with unit_of_work() as work:
        if not await work.backlog.over(1, item.attention_id):
            return False
        why = _OVER.get(item.code, "it came to its end")
        ending = Ending(at=clock(), resolution=Resolution.SETTLED, why=why, by=BY_ITSELF)
        settled = await end_attention(work, item, ending)
        await work.commit()
    return settled


_OVER = {
    AttentionCode.UNKNOWN_TOO_LONG: "it is known at last what became of the attempt",
    AttentionCode.REFUND_TOO_LONG: "the refund is under way no more",
    AttentionCode.REFUND_STUCK: "the refund is stuck no more",
    AttentionCode.UNTOLD_TOO_LONG: "the shop has heard of it at last",
    AttentionCode.ACCOUNT_GONE: "it came to its end all the same",
}
