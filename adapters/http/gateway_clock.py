"""GatewayClock: what the ``Date`` of every answer tells of one gateway's clock."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from retender.domain.model.deadline import ClockStanding, DeadlinePolicy
from retender.ports.clock import Clock

log = logging.getLogger(__name__)

KEPT = 3
"""Of so many of the last answers the middle one is believed."""

FORGOTTEN_AFTER = timedelta(minutes=15)
"""
So old a measurement says nothing any more: somebody may have set a clock meanwhile.

A gateway that gets no new payments may not be asked at all; this is how it comes back.
"""

PROBED_AFTER = timedelta(seconds=30)
"""
A gateway that is too far off is asked for its time again, so long after its last answer.

Somebody may have set the clock. Pages that are made without a call ask nobody, so that
without this the account would stay refused until its answers are forgotten.
"""

_EPOCH_YEAR, _YEARS = 2000, 1000
"""A Date that is further away is no time at all."""

_SAID_LATE = timedelta(seconds=2)
"""A Date is cut to whole seconds, and servers look at their clocks once a second only."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    What one answer proves: the gateway's clock minus ours lies between two bounds.

    It said its time after we had begun to ask, and before its answer was here. The longer
    that took, the further apart the bounds are, and the less is sure.

    Attributes:
        least: it is ahead of us by so much at least; below zero if it may be behind.
        most: and by so much at most.
        at: when that was measured.

    """

    least: timedelta
    most: timedelta
    at: datetime

    @classmethod
    def of(
        cls,
        said: datetime,
        *,
        asked_at: datetime,
        answered_at: datetime,
        cut_off: timedelta = _SAID_LATE,
    ) -> "Measurement":
        """Compare what it said, perhaps cut off a little, with our clock before and after."""
        return cls(said - answered_at, said + cut_off - asked_at, answered_at)

    @property
    def sure(self) -> timedelta:
        """The part of the difference that is sure: the bound next to zero, or zero between."""
        return max(self.least, min(self.most, timedelta(0)))


class GatewayClock:
    """
    The clock of one account's gateway, as its last answers tell.

    Of the last three answers the middle one is believed, and one that is missing counts as no
    difference: a slow answer, whose bounds are far apart, and a false one, that some proxy
    dated, are outvoted. It takes two that agree to say that a clock is off.

    Attributes:
        offset: the best guess, by the last answer alone; None before the first. For people:
            good to about a second and half the time that the answer took.
        probe: asks the gateway for nothing but its time, and learns it; None: nobody can.

    """

    def __init__(
        self, account: str, *, clock: Clock, deadlines: DeadlinePolicy, silent: bool = False
    ) -> None:
        """
        Know nothing yet.

        Args:
            account: whose gateway, for the log.
            clock: ours.
            deadlines: says what difference is too much.
            silent: it says its time only when it is probed, so it is, again and again.

        """
        self.offset: timedelta | None = None
        self.probe: Callable[[], Awaitable[None]] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._tried_at: datetime | None = None
        self._account = account
        self._clock = clock
        self._deadlines = deadlines
        self._silent = silent
        self._last: deque[Measurement] = deque(maxlen=KEPT)
        self._standing = ClockStanding.NEAR

    @property
    def last(self) -> Measurement | None:
        """What the last answer proves by itself."""
        return self._last[-1] if self._last else None

    @property
    def last_said(self) -> timedelta:
        """By how much it was surely ahead in its last answer of late; zero, if there is none."""
        said = self._of_late()
        return said[-1] if said else timedelta(0)

    @property
    def has_spoken(self) -> bool:
        """Whether it said its time of late."""
        return bool(self._of_late())

    def _of_late(self) -> list[timedelta]:
        now = self._clock()
        return [each.sure for each in self._last if abs(now - each.at) < FORGOTTEN_AFTER]

    @property
    def difference(self) -> timedelta:
        """By how much it is surely ahead of us, if two answers of late say so; else zero."""
        sure = self._of_late()
        sure += [timedelta(0)] * (KEPT - len(sure))
        return sorted(sure)[KEPT // 2]

    def probe_if_off(self) -> None:
        """Have it asked again behind the caller, if it was too far off, or is silent."""
        if self.probe is None or self._probing is not None or not self._is_to_probe():
            return
        self._tried_at = self._clock()
        self._probing = asyncio.create_task(self._ask_for_time(self.probe))
        self._probing.add_done_callback(self._probed)

    def _is_to_probe(self) -> bool:
        now = self._clock()
        if self._tried_at is not None and abs(now - self._tried_at) < PROBED_AFTER:
            return False
        if self.last is None:
            return self._silent
        too_far = self._deadlines.standing(self.difference) is ClockStanding.TOO_FAR
        return (self._silent or too_far) and abs(now - self.last.at) >= PROBED_AFTER

    async def _ask_for_time(self, probe: Callable[[], Awaitable[None]]) -> None:
        for _ in range(KEPT // 2 + 1):  # so many must agree that it is right again
            await probe()

    def _probed(self, task: asyncio.Task[None]) -> None:
        self._probing = None
        if not task.cancelled() and (trouble := task.exception()) is not None:
            log.info("%s's gateway was asked for its time in vain: %s", self._account, trouble)

    def learn(self, date: str | None, *, asked_at: datetime) -> None:
        """Learn from an answer that is just coming in; a Date that is none says nothing."""
        said = _read(date)
        if said is not None:
            self.learn_moment(said, asked_at=asked_at, cut_off=_SAID_LATE)

    def learn_moment(self, said: datetime, *, asked_at: datetime, cut_off: timedelta) -> None:
        """Learn from a moment that it named; what was cut off of it may be as much as that."""
        now = self._clock()
        # On average a quarter of it is missing: a Date is cut to seconds.
        self.offset = said + cut_off / 4 - (asked_at + (now - asked_at) / 2)
        self._last.append(Measurement.of(said, asked_at=asked_at, answered_at=now, cut_off=cut_off))
        self._tell_change()

    def _tell_change(self) -> None:
        """Log once when it becomes worse or better, not with every answer."""
        difference = self.difference
        standing = self._deadlines.standing(difference)
        if standing is self._standing:
            return
        self._standing = standing
        log.log(
            logging.INFO if standing is ClockStanding.NEAR else logging.WARNING,
            "the clock of %s's gateway is %+.0f s from ours: %s",
            self._account,
            difference.total_seconds(),
            _CONSEQUENCES[standing],
        )


_CONSEQUENCES = {
    ClockStanding.NEAR: "that is well",
    ClockStanding.FAR: "over half of what pay.watch_seconds allows; set the clocks",
    ClockStanding.TOO_FAR: "over pay.watch_seconds; nobody begins to pay there",
}


def _read(date: str | None) -> datetime | None:
    """Read a Date of HTTP; None if it is none."""
    if date is None:
        return None
    try:
        said = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
    # What nothing can be added to or taken from is a broken clock, and no time.
    return said if abs(said.year - _EPOCH_YEAR) < _YEARS else None
