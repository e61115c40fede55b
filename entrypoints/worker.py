"""Worker: expires orders, finds out what became of attempts, sends refunds, tells the shop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from retender.domain.model.errors import RetenderError
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.expire_orders import Expired, ExpireOrders
from retender.domain.use_cases.find_due_work import DueWork, FindDueWork

log = logging.getLogger("retender.worker")

T = TypeVar("T")

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
            interval: pause between rounds, half as long to one and a half times.
            batch: how much of each kind one round takes.
            random: a number from 0 to 1, so that many workers do not march in step.

        """
        self._expire_orders = expire_orders
        self._find_due_work = find_due_work
        self._check_attempt = check_attempt
        self._check_refund = check_refund
        self._announce_events = announce_events
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
        batch = self._batch
        failures: list[str] = []

        async def attempt(what: str, work: Awaitable[T], otherwise: T) -> T:
            try:
                return await work
            except RetenderError as trouble:
                log.warning("%s failed; it comes again: %s %s", what, trouble.code, trouble.message)
            except Exception:
                log.exception("%s failed; it comes again", what)
            failures.append(what)
            return otherwise

        expired = await attempt("expiring orders", self._expire_orders(limit=batch), Expired(0, 0))
        due = await attempt("finding due work", self._find_due_work(limit=batch), DueWork((), ()))
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(what: str, check: Callable[[], Awaitable[object]]) -> None:
            async with at_once:
                await attempt(what, check(), None)

        async with asyncio.TaskGroup() as group:
            for attempt_id in due.attempt_ids:
                check = self._checking_attempt(attempt_id)
                group.create_task(one(f"checking attempt {attempt_id}", check))
            for refund_no in due.refund_nos:
                check = self._checking_refund(refund_no)
                group.create_task(one(f"checking refund {refund_no}", check))
        told = await attempt("telling events", self._announce_events(limit=batch), 0)
        counts = (expired.expiring, expired.closed, len(due.attempt_ids), len(due.refund_nos), told)
        return Round(
            expiring=expired.expiring,
            closed=expired.closed,
            attempts=len(due.attempt_ids),
            refunds=len(due.refund_nos),
            told=told,
            failed=len(failures),
            full=not failures and max(counts) >= batch,
        )

    def _checking_attempt(self, attempt_id: str) -> Callable[[], Awaitable[object]]:
        return lambda: self._check_attempt(attempt_id=attempt_id)

    def _checking_refund(self, refund_no: str) -> Callable[[], Awaitable[object]]:
        return lambda: self._check_refund(refund_no=refund_no)

    async def _pause(self) -> None:
        """Sleep for about the interval; a stop ends it at once."""
        seconds = self._interval.total_seconds() * (0.5 + self._random())
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
