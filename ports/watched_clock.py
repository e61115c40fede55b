"""WatchedClock: our clock, and what the clocks of others say of it."""

from datetime import datetime, timedelta
from typing import Protocol


class WatchedClock(Protocol):
    """
    Our clock, watched by those whose clocks we see: gateways, a database on another host.

    It errs on the side of zero: what may as well be the time that an answer took, or one odd
    answer, or is not known at all, is no difference. It waits for nobody; who was too far off
    is asked again behind it, so that a clock that was set counts soon. Source: protocol,
    revision 2, rule 9.
    """

    def __call__(self) -> datetime:
        """Return the present as ``Clock`` does, right or wrong."""
        ...

    def difference(self, account: str | None = None) -> timedelta:
        """
        Return by how much others are surely ahead of us; behind: below zero.

        Args:
            account: its gateway's clock; None: our own clock is off by so much, as two
                independent witnesses say who agree with each other.

        """
        ...

    def is_wrong(self, account: str | None = None) -> bool:
        """
        Tell whether it ends nothing: our clock is off by more than the watch outlasts.

        Args:
            account: for what belongs to this one, its gateway alone is witness enough;
                None: for everything.

        """
        ...
