"""
Four clocks and one solver: shown, upstream, page and watch.

*shown* is what the payer sees; *upstream* the absolute instant that the provider
gets; *page* until when the handed-out page itself works; *watch* until when late
money may still arrive. Protocol 1.3 gives the order: shown, upstream, watch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from retender.domain.model.attempt_errors import OwnClockOff
from retender.domain.model.errors import PayOrderPayTimeout, ProviderClockOff

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# So many must agree before our own clock is called wrong.
_WITNESSES = 2


class ClockStanding(StrEnum):
    """What a difference between a provider's clock and ours means (protocol 1.3)."""

    NEAR = "near"
    """Deadlines mean the same there and here."""
    FAR = "far"
    """Over half of what the watch allows: still well, but somebody should set a clock."""
    TOO_FAR = "too_far"
    """Over the watch: a trade that we believe dead could still be paid."""


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """
    How an order's remaining time is shared between payer and provider.

    The two known ways are two settings of one rule: the payer sees 30 minutes
    and the provider gets 31 (``grace`` of one minute), or the payer is turned
    away in the last minute (``cutoff`` of one minute). Both may be set, and
    ``grace`` may be negative: refusing from minute 29 *and* sending the
    remaining time less one minute is ``cutoff`` 1 min with ``grace`` -1 min.

    Attributes:
        grace: upstream minus shown; at least clock difference + latency.
        cutoff: a request with less than this remaining is refused.
        watch: how long after upstream an absent trade is not yet believed absent;
            at least clock difference + time-out + the longest pause tolerated.

    """

    grace: timedelta = timedelta(minutes=1)
    cutoff: timedelta = timedelta(0)
    watch: timedelta = timedelta(minutes=2)

    def __post_init__(self) -> None:
        """Refuse settings under which late money would be missed."""
        if self.cutoff < timedelta(0) or self.watch < timedelta(0):
            msg = "cutoff and watch are not negative"
            raise ValueError(msg)
        if self.grace + self.watch < timedelta(0):
            msg = "grace and watch together must not end before the shown deadline"
            raise ValueError(msg)

    def standing(self, difference: timedelta) -> ClockStanding:
        """
        Judge a clock's difference by the watch, which is there to outlast it.

        Which clock is ahead is all one: the later one lets a payer pay when we have given up,
        the earlier one turns a payer away who still has time.
        """
        apart = abs(difference)
        if apart > self.watch:
            return ClockStanding.TOO_FAR
        return ClockStanding.FAR if apart > self.watch / 2 else ClockStanding.NEAR


@dataclass(frozen=True, slots=True)
class ExpiryTerms:
    """
    What a provider lets us say about when a page stops taking money.

    Attributes:
        shortest: the least remaining time it takes; less is refused or stretched.
        longest: the most it takes; more is cut.
        granularity: instants (or durations) are whole multiples of this.
        absolute: it takes an instant; otherwise only a duration, counted from
            when the request arrives.

    """

    shortest: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(days=7)
    granularity: timedelta = timedelta(seconds=1)
    absolute: bool = True


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    One attempt's four clocks, solved.

    Invariants: ``upstream`` is a whole multiple of the provider's granularity,
    and never later than shown + grace; ``watch`` is not before ``upstream``.
    """

    shown: datetime
    upstream: datetime
    watch: datetime


def check_in_time(shown: datetime, now: datetime, policy: DeadlinePolicy) -> None:
    """
    Turn away who comes too late: after shown, or with less than the cutoff left.

    Raises:
        PayOrderPayTimeout: says by when one had to come.

    """
    last = shown - policy.cutoff
    if now < shown and now <= last:
        return
    message = f"The time to pay ended at {last.isoformat()}."
    raise PayOrderPayTimeout(message, pay_until=last.isoformat(), reason="cutoff")


def check_clock(title: str, difference: timedelta, policy: DeadlinePolicy) -> None:
    """
    Turn away what is new from a provider whose clock is surely too far from ours.

    Args:
        title: the provider for people.
        difference: what is sure of its clock minus ours.
        policy: says how much is too much.

    Raises:
        ProviderClockOff: by how much, and what is allowed.

    """
    if policy.standing(difference) is not ClockStanding.TOO_FAR:
        return
    apart = abs(difference) // timedelta(seconds=1)
    allowed = policy.watch // timedelta(seconds=1)
    message = (
        f"The clock of {title} and ours are {apart} s apart, more than the {allowed} s that are "
        "allowed for: nothing was asked of it; pay another way."
    )
    raise ProviderClockOff(message, seconds_apart=apart, seconds_allowed=allowed)


def check_own_clock(difference: timedelta, policy: DeadlinePolicy) -> None:
    """
    Turn away what is new while our own clock is surely wrong.

    Args:
        difference: by how much others who agree are surely ahead of us.
        policy: says how much is too much.

    Raises:
        OwnClockOff: by how much, and what is allowed.

    """
    if policy.standing(difference) is ClockStanding.TOO_FAR:
        raise OwnClockOff(difference, policy.watch)


def agreed(differences: Iterable[timedelta], policy: DeadlinePolicy) -> timedelta:
    """
    Return by how much our own clock is surely off, by the word of independent witnesses.

    Two at least must say so and agree with each other, and be more than those who say that
    it is right: one alone may be wrong itself (revision 2, rule 9). Of those who agree the one
    that says least is believed, and of two groups as large the one that holds it.

    Args:
        differences: each witness's clock minus ours, as far as it is sure.
        policy: its watch says what is off, and how near to each other two agree.

    """
    every = list(differences)
    off = sorted(d for d in every if policy.standing(d) is ClockStanding.TOO_FAR)
    groups = [[d for d in off if first <= d <= first + policy.watch] for first in off]
    best = max(groups, key=lambda its: (len(its), -min(map(abs, its))), default=[])
    if len(best) < _WITNESSES or len(best) <= len(every) - len(off):
        return timedelta(0)
    return min(best, key=abs)


def solve(shown: datetime, now: datetime, policy: DeadlinePolicy, terms: ExpiryTerms) -> Deadline:
    """
    Choose what to tell the provider for an attempt that starts now.

    The upstream instant is rounded down, never up, and is chosen once: it is
    stored with the attempt and sent unchanged ever after (protocol 1.3).

    Args:
        shown: the order's deadline as the payer sees it.
        now: our clock; aware, like every time here.
        policy: grace, cutoff and watch of this deployment.
        terms: what the provider can express.

    Raises:
        PayOrderPayTimeout: too late, or less time remains than the provider
            takes; ``earliest_upstream`` is the first instant it would take.

    """
    check_in_time(shown, now, policy)
    wanted = min(shown + policy.grace, now + terms.longest)
    if terms.absolute:
        upstream = wanted - (wanted - _EPOCH) % terms.granularity
    else:
        upstream = now + (wanted - now) // terms.granularity * terms.granularity
    if upstream - now < terms.shortest:
        earliest = now + terms.shortest
        message = (
            f"{_seconds(upstream - now)} s remain, and this provider takes no less than "
            f"{_seconds(terms.shortest)} s."
        )
        raise PayOrderPayTimeout(
            message, reason="provider_minimum", earliest_upstream=earliest.isoformat()
        )
    return Deadline(shown=shown, upstream=upstream, watch=max(shown, upstream) + policy.watch)


def _seconds(duration: timedelta) -> int:
    return max(0, duration // timedelta(seconds=1))
