"""Notice delivery: what a gateway tells the merchant, again and again until it is heard."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from retender.simulators.kit.clock import SimulatorClock

HISTORY_LIMIT = 10_000

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Posts headers and body to a URL; returns status and body, or raises ``MerchantUnreachable``."""


class MerchantUnreachable(Exception):
    """The merchant's address gave no answer at all."""


class Forgery(StrEnum):
    """How a stranger dresses up a notice."""

    NONE = "none"
    STRANGER_KEY = "stranger_key"
    FLIPPED_BYTE = "flipped_byte"


@dataclass(frozen=True, slots=True)
class Dressing:
    """
    How a brand must render one delivery.

    Attributes:
        now: the provider's time of this delivery; a brand that signs each
            retry anew signs this.
        forgery: whether, and how, the signature is to be wrong.
        alterations: fields to overwrite *before* signing, for notices that
            are genuine and yet do not fit (other amount, other merchant).
    """

    now: datetime
    forgery: Forgery = Forgery.NONE
    alterations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderedNotice:
    """A notice as it goes over the wire."""

    headers: Mapping[str, str]
    body: bytes


Render = Callable[[Dressing], RenderedNotice]


@dataclass(slots=True)
class PendingNotice:
    """A notice that the merchant has not acknowledged yet."""

    notice_id: int
    reference: str
    kind: str
    url: str
    render: Render
    due_at: datetime
    ladder: tuple[timedelta, ...]
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One delivery as it went.

    Attributes:
        notice_id: equal for all tries and copies of one notice.
        reference: the merchant's number of what the notice is about.
        kind: the brand's word for what is told.
        attempt: 1 for the first try; copies bear the same.
        fate: ``delivered``, ``dropped`` (never left) or ``unreachable``.
        status: the merchant's HTTP status, 0 if there was no answer.
    """

    notice_id: int
    reference: str
    kind: str
    url: str
    attempt: int
    sent_at: datetime
    notice: RenderedNotice
    fate: str
    status: int = 0
    answer: bytes = b""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class NoticeDials:
    """
    What happens to notices on their way.

    Attributes:
        hold: nothing leaves until this is off again.
        drop: how many of the next deliveries vanish; each counts as a try.
        duplicate: how many copies follow each delivery.
        delay_seconds: added before the first try of notices queued from now on.
        reorder: what is due leaves newest first.
        forge: every delivery is a stranger's.
        alter: fields overwritten before signing.
    """

    hold: bool = False
    drop: int = 0
    duplicate: int = 0
    delay_seconds: float = 0.0
    reorder: bool = False
    forge: Forgery = Forgery.NONE
    alter: Mapping[str, str] = field(default_factory=dict)


class NoticeDelivery:
    """
    A queue of notices with the brand's ladder of retries.

    Nothing is sent by itself: ``deliver_due`` sends what is due on the
    simulator's clock, a test calls it or a ``NoticePump`` does.
    """

    def __init__(
        self,
        clock: SimulatorClock,
        ladder: Sequence[timedelta],
        accepts: Callable[[int, bytes], bool],
    ) -> None:
        """Retry after each gap of ``ladder`` until ``accepts(status, body)`` is true."""
        self.dials = NoticeDials()
        self.history: deque[Delivery] = deque(maxlen=HISTORY_LIMIT)
        self._clock = clock
        self._ladder = tuple(ladder)
        self._accepts = accepts
        self._ids = count(1)
        self._pending: list[PendingNotice] = []

    def queue(
        self,
        reference: str,
        kind: str,
        url: str,
        render: Render,
        *,
        ladder: Sequence[timedelta] | None = None,
    ) -> PendingNotice:
        """
        Take up a notice about ``reference``; it is due now, or as the dials say.

        ``ladder`` replaces the usual one for this notice.
        """
        due_at = self._clock.now() + timedelta(seconds=self.dials.delay_seconds)
        gaps = self._ladder if ladder is None else tuple(ladder)
        notice = PendingNotice(next(self._ids), reference, kind, url, render, due_at, gaps)
        self._pending.append(notice)
        return notice

    def turn(self, **changes: object) -> NoticeDials:
        """Set some dials, leave the others as they are."""
        if "forge" in changes:
            changes["forge"] = Forgery(str(changes["forge"]))
        self.dials = replace(self.dials, **changes)  # type: ignore[arg-type]  # a wrong name raises
        return self.dials

    def reset(self) -> None:
        """Turn every dial back; what is queued stays queued."""
        self.dials = NoticeDials()

    def pending(self) -> list[PendingNotice]:
        """Return what is still to be told, earliest due first."""
        return sorted(self._pending, key=lambda notice: (notice.due_at, notice.notice_id))

    def due(self, now: datetime) -> list[PendingNotice]:
        """Return what leaves at ``now``, in the order in which it leaves."""
        if self.dials.hold:
            return []
        due = [notice for notice in self.pending() if notice.due_at <= now]
        return due[::-1] if self.dials.reorder else due

    async def deliver_due(self, send: Send) -> list[Delivery]:
        """Send what is due, keep for a later try what was not accepted."""
        done: list[Delivery] = []
        for notice in self.due(self._clock.now()):
            # Out of the queue while under way: nobody else shall send it too.
            self._pending.remove(notice)
            try:
                deliveries = await self._deliver(notice, send)
            except BaseException:
                self._pending.append(notice)
                raise
            done += deliveries
            if not any(delivery.accepted for delivery in deliveries):
                self._retry(notice)
        return done

    async def _deliver(self, notice: PendingNotice, send: Send) -> list[Delivery]:
        notice.tries += 1
        copies = 1 + self.dials.duplicate
        return [await self._deliver_once(notice, send) for _ in range(copies)]

    async def _deliver_once(self, notice: PendingNotice, send: Send) -> Delivery:
        now = self._clock.now()
        rendered = notice.render(Dressing(now, self.dials.forge, self.dials.alter))
        delivery = Delivery(
            notice_id=notice.notice_id,
            reference=notice.reference,
            kind=notice.kind,
            url=notice.url,
            attempt=notice.tries,
            sent_at=now,
            notice=rendered,
            fate="dropped",
        )
        if self.dials.drop > 0:
            self.dials = replace(self.dials, drop=self.dials.drop - 1)
        else:
            try:
                status, answer = await send(notice.url, rendered.headers, rendered.body)
            except MerchantUnreachable as trouble:
                delivery = replace(delivery, fate="unreachable", answer=str(trouble).encode())
            else:
                delivery = replace(
                    delivery,
                    fate="delivered",
                    status=status,
                    answer=answer,
                    accepted=self._accepts(status, answer),
                )
        self.history.append(delivery)
        return delivery

    def _retry(self, notice: PendingNotice) -> None:
        if notice.tries > len(notice.ladder):
            return
        notice.due_at = self._clock.now() + notice.ladder[notice.tries - 1]
        self._pending.append(notice)


class NoticePump:
    """Sends due notices in the background of a real server, from ``start`` to ``stop``."""

    def __init__(self, delivery: NoticeDelivery, send: Send, every_seconds: float = 0.05) -> None:
        """Look every ``every_seconds`` of real time at what the simulator's clock has made due."""
        self._delivery = delivery
        self._send = send
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, if not begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._pump())

    async def stop(self) -> None:
        """End and wait for the end; a notice under way stays queued."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _pump(self) -> None:
        while True:
            await self._delivery.deliver_due(self._send)
            await asyncio.sleep(self._every_seconds)
