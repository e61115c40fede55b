"""Worker: expires orders, finds out what became of attempts, sends refunds, tells the shop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from retender.domain.model.errors import RetenderError
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.escalate import Escalate
from retender.domain.use_cases.expire_orders import Expired, ExpireOrders
from retender.domain.use_cases.find_due_work import DueWork, FindDueWork

log = logging.getLogger("retender.worker")

T = TypeVar("T")
D = TypeVar("D")

_AT_ONCE = 10
"""Calls to providers in flight at once; a bound on what one worker can hold up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    What one round did.

    Attributes:
        expiring: orders whose time ran out.
        closed: orders none of whose pages can take money any more.
        attempts: attempts that were asked after.
        refunds: refunds that were sent or asked after.
        told: events that reached the shop.
        failed: pieces of work that went wrong; they come again.
        full: whether a batch was filled, so more may be waiting.

    """

    expiring: int = 0
    closed: int = 0
    attempts: int = 0
    refunds: int = 0
    told: int = 0
    failed: int = 0
    full: bool = False


class Worker:
    """
    Does what is due, round after round, until it is told to stop.

    Any number may run at once: work is claimed by leases in the database, and
    all of it is harmless when done twice. What goes wrong with one piece is
    logged and never stops the others; nothing is lost, since it stays due.
    """

    def __init__(
        self,
        *,
        expire_orders: ExpireOrders,
        find_due_work: FindDueWork,
        check_attempt: CheckAttempt,
        check_refund: CheckRefund,
        announce_events: AnnounceEvents,
        escalate: Escalate,
        interval: timedelta,
        batch: int,
        random: Callable[[], float],
    ) -> None:
        """
        Take the use cases, and how to pace them.

        Args:
            expire_orders: ends what is over.
            find_due_work: claims attempts and refunds.
            check_attempt: finds out about one attempt.
            check_refund: sends or asks after one refund.
            announce_events: tells the shop.
            escalate: calls a human for what stays unknown too long.
            interval: pause between rounds, half as long to one and a half times.
            batch: how much of each kind one round takes.
            random: a number from 0 to 1, so that many workers do not march in step.

        """
        self._expire_orders = expire_orders
        self._find_due_work = find_due_work
        self._check_attempt = check_attempt
        self._check_refund = check_refund
        self._announce_events = announce_events
        self._escalate = escalate
        self._interval = interval
        self._batch = batch
        self._random = random
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish what is held, then leave ``run``; safe to call from a signal handler."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped; at once again while there is more than a batch."""
        while not self._stopping.is_set():
            done = await self.run_once()
            if not done.full:
                await self._pause()

    async def run_once(self) -> Round:
        """Do one round: all that is due now, at most a batch of each kind."""
        batch, trouble = self._batch, _Trouble()
        expired = await trouble.caught(
            "expiring orders", self._expire_orders(limit=batch), Expired(expiring=0, closed=0)
        )
        due = await trouble.caught(
            "finding due work",
            self._find_due_work(limit=batch),
            DueWork(),
        )
        await self._check(due, trouble)
        told = await trouble.caught("telling events", self._announce_events(limit=batch), 0)
        await trouble.caught("calling for a human", self._escalate(limit=batch), None)
        done = Round(
            expiring=expired.expiring,
            closed=expired.closed,
            attempts=len(due.attempt_ids),
            refunds=len(due.refund_nos),
            told=told,
            failed=trouble.count,
        )
        most = max(done.expiring, done.closed, done.attempts, done.refunds, done.told)
        # After a failure it pauses, however much is waiting, so as not to spin.
        return replace(done, full=most >= batch and not done.failed)

    async def _check(self, due: DueWork, trouble: "_Trouble") -> None:
        """Ask after everything that is held, a bounded number at once."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def attempt(attempt_id: str) -> None:
            async with at_once:
                check = self._check_attempt(attempt_id=attempt_id, held_until=due.held_until)
                await trouble.caught(f"checking attempt {attempt_id}", check, None)

        async def refund(refund_no: str) -> None:
            async with at_once:
                check = self._check_refund(refund_no=refund_no, held_until=due.held_until)
                await trouble.caught(f"checking refund {refund_no}", check, None)

        async with asyncio.TaskGroup() as group:
            for attempt_id in due.attempt_ids:
                group.create_task(attempt(attempt_id))
            for refund_no in due.refund_nos:
                group.create_task(refund(refund_no))

    async def _pause(self) -> None:
        """Sleep for about the interval; a stop ends it at once."""
        seconds = self._interval.total_seconds() * (0.5 + self._random())
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


class _Trouble:
    """Logs and counts what goes wrong, so that one piece of work never stops another."""

    def __init__(self) -> None:
        self.count = 0

    async def caught(self, what: str, work: Awaitable[T], otherwise: D) -> T | D:
        """Return what the work returns, or the other value if it fails."""
        try:
            return await work
        except RetenderError as error:
            log.warning("%s failed; it comes again: %s %s", what, error.code, error.message)
        except Exception:
            log.exception("%s failed; it comes again", what)
        self.count += 1
        return otherwise
