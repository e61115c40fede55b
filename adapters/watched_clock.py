"""GatewayClocks: our clock, watched by the gateways' clocks and the database's."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from retender.adapters.http.gateway_clock import GatewayClock
from retender.domain.model.deadline import ClockStanding, DeadlinePolicy, agreed
from retender.ports.clock import Clock

log = logging.getLogger(__name__)


class GatewayClocks:
    """
    Implements ``WatchedClock``: keeps a clock for every account, and one for the database.

    Accounts of one provider are one witness: the same people set their clocks.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        deadlines: DeadlinePolicy,
        provider_of: Callable[[str], str] = str,
        database_time: Callable[[], Awaitable[datetime]] | None = None,
    ) -> None:
        """
        Know of no gateway yet.

        Args:
            clock: ours.
            deadlines: says what difference is too much.
            provider_of: tells whose gateway an account's is; default: each its own.
            database_time: asks a database on another host for its time; None: there is none.

        """
        self._clock = clock
        self._deadlines = deadlines
        self._provider_of = provider_of
        self._of: dict[str, GatewayClock] = {}
        self._own_is_wrong = False
        self._database = None if database_time is None else _watch(database_time, clock, deadlines)

    def of(self, account: str) -> GatewayClock:
        """Return the account's one, for whoever sees its gateway's answers."""
        if account not in self._of:
            self._of[account] = GatewayClock(account, clock=self._clock, deadlines=self._deadlines)
        return self._of[account]

    def __call__(self) -> datetime:
        """Return the present."""
        return self._clock()

    def difference(self, account: str | None = None) -> timedelta:
        """Return by how much others are surely ahead of us, as the port says."""
        if account is None:
            return self._told(agreed(self._witnesses(), self._deadlines))
        clock = self.of(account)
        clock.probe_if_off()
        return clock.difference

    def is_wrong(self, account: str | None = None) -> bool:
        """Tell whether our clock ends nothing, as the port says."""
        off = [self.difference()]
        if account is not None:
            # To doubt an absence one answer is enough: after a jump of our clock the first
            # one that tells of it may be the very one that says "not found".
            off += [self.difference(account), self.of(account).last_said]
        return any(self._deadlines.standing(each) is ClockStanding.TOO_FAR for each in off)

    async def ask_database(self) -> timedelta | None:
        """
        Ask a database on another host for its time, and return its clock minus ours.

        None, if there is none to ask. What goes wrong with the question is raised.
        """
        if self._database is None or self._database.probe is None:
            return None
        await self._database.probe()
        await self._database.probe()  # two must agree
        return self._database.offset

    def _told(self, difference: timedelta) -> timedelta:
        """Log once when our own clock is found wrong, or right again."""
        wrong = self._deadlines.standing(difference) is ClockStanding.TOO_FAR
        if wrong and not self._own_is_wrong:
            log.error(
                "our own clock is %+.0f s from those of others, who agree: nothing is begun and "
                "nothing ends until it is set",
                -difference.total_seconds(),
            )
        elif self._own_is_wrong and not wrong:
            log.info("our own clock is right again, by the word of others")
        self._own_is_wrong = wrong
        return difference

    def _witnesses(self) -> list[timedelta]:
        """Return what each one says that has spoken of late; of one provider, what says least."""
        said: dict[str, timedelta] = {}
        for account, clock in self._of.items():
            clock.probe_if_off()
            if clock.has_spoken:
                witness = f"provider {self._provider_of(account)}"
                said[witness] = min(said.get(witness, timedelta.max), clock.difference, key=abs)
        if self._database is not None:
            self._database.probe_if_off()
            if self._database.has_spoken:
                said["database"] = self._database.difference
        return list(said.values())

    def offsets(self) -> Mapping[str, timedelta]:
        """Return the best guess of every account that has answered."""
        return {
            account: clock.offset for account, clock in self._of.items() if clock.offset is not None
        }


def _watch(
    ask: Callable[[], Awaitable[datetime]], clock: Clock, deadlines: DeadlinePolicy
) -> GatewayClock:
    """Return the clock of a database, which says its time only when it is asked for it."""
    watched = GatewayClock("the database", clock=clock, deadlines=deadlines, silent=True)

    async def probe() -> None:
        asked_at = clock()
        watched.learn_moment(await ask(), asked_at=asked_at, cut_off=timedelta(0))

    watched.probe = probe
    return watched
