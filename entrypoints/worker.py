"""Worker: expires orders, finds out what became of attempts, sends refunds, tells the shop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, TypeVar

from retender.domain.model.attention import About
from retender.domain.model.backlog import Due
from retender.domain.model.errors import RetenderError
from retender.domain.model.named import named, notes_of
from retender.domain.model.operators import for_operators
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.escalate import Escalate
from retender.domain.use_cases.expire_orders import Expired, ExpireOrders
from retender.domain.use_cases.find_due_work import DueWork, FindDueWork
from retender.domain.use_cases.peek_due_work import PeekDueWork
from retender.domain.use_cases.set_aside import SetAside
from retender.ports.accounts import Accounts

log = logging.getLogger("retender.worker")

T = TypeVar("T")
D = TypeVar("D")

_AT_ONCE = 10
"""Pieces of one account's work in hand at once; a bound on what one worker can hold up."""

_RARELY = timedelta(minutes=1)
"""How often to look for what nobody is in a hurry with, and what no index shows at a glance."""

_LONGEST_PAUSE = timedelta(minutes=1)
"""After failures in a row; or the interval, where that is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    What one round did, of one lane or of all of them together.

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

    def __add__(self, other: "Round") -> "Round":
        """Sum up what two lanes did."""
        return Round(
            expiring=self.expiring + other.expiring,
            closed=self.closed + other.closed,
            attempts=self.attempts + other.attempts,
            refunds=self.refunds + other.refunds,
            told=self.told + other.told,
            failed=self.failed + other.failed,
            full=self.full or other.full,
        )


Lane: TypeAlias = Callable[[], Awaitable[Round]]


class Worker:
    """
    Does what is due, lane by lane, until it is told to stop.

    Every account has a lane, with a batch and a pace of its own, so that one dead
    provider holds up neither another nor the housekeeping, which has lanes too: the
    orders' ends, the shop's events, the calls for a human. One more lane is for what
    belongs to accounts that are configured no more.

    Any number of workers may run at once: work is claimed by leases in the database,
    and all of it is harmless when done twice. What goes wrong with one piece is
    logged and never stops the others; nothing is lost, since it stays due.
    """

    def __init__(
        self,
        *,
        expire_orders: ExpireOrders,
        peek_due_work: PeekDueWork,
        find_due_work: FindDueWork,
        check_attempt: CheckAttempt,
        check_refund: CheckRefund,
        announce_events: AnnounceEvents,
        escalate: Escalate,
        set_aside: SetAside,
        accounts: Accounts,
        allowed: Callable[[str, int], int],
        interval: timedelta,
        batch: int,
        stop_within: timedelta,
        random: Callable[[], float],
    ) -> None:
        """
        Take the use cases, and how to pace them.

        Args:
            expire_orders: ends what is over.
            peek_due_work: tells which lanes have work.
            find_due_work: claims attempts and refunds.
            check_attempt: finds out about one attempt.
            check_refund: sends or asks after one refund.
            announce_events: tells the shop.
            escalate: calls a human for what stays unknown too long.
            set_aside: lets what cannot be read wait for a human.
            accounts: each gets a lane.
            allowed: how many of so many calls to an account are worth beginning now:
                none while its circuit is open, one as a probe.
            interval: pause between two looks for work, half as long to one and a half times.
            batch: how much of each kind one round of a lane takes.
            stop_within: how long a stop waits for what is held.
            random: a number from 0 to 1, so that many workers do not march in step.

        """
        self._expire_orders = expire_orders
        self._peek_due_work = peek_due_work
        self._find_due_work = find_due_work
        self._check_attempt = check_attempt
        self._check_refund = check_refund
        self._announce_events = announce_events
        self._escalate = escalate
        self._set_aside = set_aside
        self._accounts = tuple(account.name for account in accounts.all())
        self._allowed = allowed
        self._interval = interval
        self._batch = batch
        self._stop_within = stop_within
        self._random = random
        self._stopping = asyncio.Event()
        self._leaving = asyncio.Event()

    def stop(self) -> None:
        """
        Finish what is held, then leave ``run``; told a second time, leave at once.

        Safe to call from a signal handler. What is not finished is left to its lease.
        """
        if self._stopping.is_set():
            self._leaving.set()
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped: every lane at its own pace."""
        work = asyncio.create_task(self._all_lanes())
        leave = asyncio.create_task(self._told_to_leave())
        try:
            await asyncio.wait([work, leave], return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            leave.cancel()
            await asyncio.wait([work, leave])
        if not work.cancelled():
            work.result()  # no lane ends by itself but by a bug

    async def run_once(self) -> Round:
        """Do one round: what is over, then every account's work side by side, then tell."""
        done = await self._orders()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_finished(lane)) for lane in self._asking()]
        for each in asked:
            done += each.result()
        return done + await self._events() + await self._attention()

    async def _all_lanes(self) -> None:
        """Let one look wake the lanes that have work; the two that it cannot see look rarely."""
        orders, events = asyncio.Event(), asyncio.Event()
        accounts = {name: asyncio.Event() for name in self._accounts}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_going(self._orders, orders))
            for name, wake in accounts.items():
                group.create_task(self._keep_going(partial(self._account, name), wake))
            group.create_task(self._keep_going(self._events, events))
            group.create_task(self._keep_going(self._gone, None))
            group.create_task(self._keep_going(self._attention, None))
            group.create_task(self._look(orders, events, accounts))

    async def _look(
        self, orders: asyncio.Event, events: asyncio.Event, accounts: Mapping[str, asyncio.Event]
    ) -> None:
        """Wake who has work, again and again."""
        failures = 0
        while not self._stopping.is_set():
            trouble = _Trouble()
            peek = self._peek_due_work(accounts=self._accounts)
            due = await trouble.caught("looking for work", peek, Due())
            failures = failures + 1 if trouble.count else 0
            if due.orders:
                orders.set()
            if due.events:
                events.set()
            for name in due.accounts:
                accounts[name].set()
            await self._pause(self._interval, failures)

    # --- the lanes -----------------------------------------------------------------

    def _asking(self) -> Sequence[Lane]:
        """Return the lanes that ask providers."""
        return [*(partial(self._account, name) for name in self._accounts), self._gone]

    async def _orders(self) -> Round:
        trouble = _Trouble()
        nothing = Expired(expiring=0, closed=0)
        work = self._expire_orders(limit=self._batch)
        done = await trouble.caught("expiring orders", work, nothing)
        return Round(
            expiring=done.expiring,
            closed=done.closed,
            failed=trouble.count,
            full=max(done.expiring, done.closed) >= self._batch,
        )

    async def _events(self) -> Round:
        trouble = _Trouble()
        told = await trouble.caught("telling events", self._announce_events(limit=self._batch), 0)
        return Round(told=told, failed=trouble.count, full=told >= self._batch)

    async def _attention(self) -> Round:
        trouble = _Trouble()
        await trouble.caught("calling for a human", self._escalate(limit=self._batch), None)
        return Round(failed=trouble.count)

    async def _account(self, name: str) -> Round:
        """Ask one account's provider, or leave it alone while its circuit is open."""
        limit = self._allowed(name, self._batch)
        if not limit:
            return Round()
        trouble = _Trouble()
        with named(account=name):
            find = self._find_due_work(limit=limit, account=name)
            due = await trouble.caught(f"finding due work of {name}", find, DueWork())
            return await self._checked(due, limit, trouble, lambda: self._allowed(name, 1) > 0)

    async def _gone(self) -> Round:
        """Look at what belongs to accounts that are configured no more; it is only told of."""
        trouble = _Trouble()
        find = self._find_due_work(limit=self._batch, but=self._accounts)
        due = await trouble.caught("finding due work of other accounts", find, DueWork())
        return await self._checked(due, self._batch, trouble, lambda: True)

    async def _checked(
        self, due: DueWork, limit: int, trouble: "_Trouble", is_allowed: Callable[[], bool]
    ) -> Round:
        """Ask after everything that is held, a bounded number at once."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def check(about: About, subject: str, piece: Callable[[], Awaitable[object]]) -> int:
            async with at_once:
                # The circuit may have opened meanwhile: the piece comes again after its lease.
                if not is_allowed():
                    return 0
                readable = self._or_set_aside(about, subject, due.held_until, piece())
                await trouble.caught(f"checking {about} {subject}", readable, None)
                return 1

        at = {"held_until": due.held_until}
        async with asyncio.TaskGroup() as group:
            attempts = [
                group.create_task(
                    check(About.ATTEMPT, each, partial(self._check_attempt, attempt_id=each, **at))
                )
                for each in due.attempt_ids
            ]
            refunds = [
                group.create_task(
                    check(About.REFUND, each, partial(self._check_refund, refund_no=each, **at))
                )
                for each in due.refund_nos
            ]
        was_full = max(len(attempts), len(refunds)) >= limit
        return Round(
            attempts=sum(each.result() for each in attempts),
            refunds=sum(each.result() for each in refunds),
            failed=trouble.count,
            # After a failure it pauses, however much is waiting, so as not to spin.
            full=was_full and not trouble.count and is_allowed(),
        )

    async def _or_set_aside(
        self, about: About, subject: str, held_until: datetime | None, piece: Awaitable[T]
    ) -> T | None:
        """Do a piece of work, or let it wait for a human if a row of it cannot be read."""
        try:
            return await piece
        except RowUnreadable as unreadable:
            await self._set_aside(unreadable, about, subject, held_until=held_until)
            return None

    # --- pace ----------------------------------------------------------------------

    async def _keep_going(self, lane: Lane, wake: asyncio.Event | None) -> None:
        """
        Do a lane's rounds when it is woken, and at once again while there is more than a batch.

        One that nobody wakes begins, and comes again after a while.
        """
        failures, full = 0, wake is None
        while not self._stopping.is_set():
            if wake is not None and not full:
                await self._woken(wake)
                wake.clear()
                if self._stopping.is_set():
                    return
            done = await lane()
            failures, full = failures + 1 if done.failed else 0, done.full
            if wake is None and not full:
                await self._pause(max(self._interval, _RARELY), failures)
            elif failures:
                await self._pause(self._interval, failures)

    async def _woken(self, wake: asyncio.Event) -> None:
        """Wait for work, or for a stop."""
        waits = [asyncio.create_task(each.wait()) for each in (wake, self._stopping)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _pause(self, interval: timedelta, failures: int) -> None:
        """Sleep for about the interval, longer after failures in a row; a stop ends it at once."""
        longest = max(interval, _LONGEST_PAUSE)
        pause = min(interval * 2 ** min(failures, 16), longest)
        try:
            async with asyncio.timeout(pause.total_seconds() * (0.5 + self._random())):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _told_to_leave(self) -> None:
        """Return when a stop's time is over, or when it is told a second time."""
        await self._stopping.wait()
        try:
            async with asyncio.timeout(self._stop_within.total_seconds()):
                await self._leaving.wait()
        except TimeoutError:
            log.warning("not all was finished in time; the rest is left to its lease")


async def _finished(lane: Lane) -> Round:
    return await lane()


class _Trouble:
    """Logs and counts what goes wrong, so that one piece of work never stops another."""

    def __init__(self) -> None:
        self.count = 0

    async def caught(self, what: str, work: Awaitable[T], otherwise: D) -> T | D:
        """Return what the work returns, or the other value if it fails."""
        try:
            return await work
        except RetenderError as error:
            named = _named(error)
            log.warning(
                "%s failed; it comes again: %s %s%s", what, error.code, for_operators(error), named
            )
        except Exception as error:
            named = _named(error)
            log.exception("%s failed; it comes again%s", what, named)
        self.count += 1
        return otherwise


def _named(error: Exception) -> str:
    """Say of which order, attempt and account the work was, as far as it came to know."""
    notes = "; ".join(notes_of(error))
    return f" ({notes})" if notes else ""
