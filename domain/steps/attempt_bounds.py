"""How many attempts an order may have: every page that cannot be closed may be paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from retender.domain.model.attempt import Attempt
from retender.domain.model.attempt_errors import TooManyAttempts
from retender.domain.model.order import Order

MOST_LIVE = 5
"""Attempts of one order that may take money at one time (protocol, revision 2, rule 11)."""
MOST_BEGUN = 20
WINDOW = timedelta(hours=1)
"""So many attempts of one order may begin in so long a time."""

_SECOND = timedelta(seconds=1)


def check_room(order: Order, attempts: Sequence[Attempt], live: int, now: datetime) -> None:
    """
    Turn a new attempt away that would be one too many.

    Args:
        order: what it is to pay.
        attempts: all that the order has.
        live: how many of them will still be able to take money beside the new one.
        now: our clock.

    Raises:
        TooManyAttempts: which bound, and until when.

    """
    begun = sorted(a.charge.created_at for a in attempts if a.charge.created_at > now - WINDOW)
    if len(begun) >= MOST_BEGUN:
        until = begun[-MOST_BEGUN] + WINDOW
        why = f"{MOST_BEGUN} were begun within an hour"
        raise TooManyAttempts(order.order_no, why, until, _seconds(until - now))
    if live >= MOST_LIVE:
        until = min(a.watch_until for a in attempts if a.is_live)
        why = f"{MOST_LIVE} earlier pages may still be paid"
        raise TooManyAttempts(order.order_no, why, until, _seconds(until - now))


def _seconds(duration: timedelta) -> int:
    return max(0, -(-duration // _SECOND))
