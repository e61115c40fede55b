"""Lease: for how long somebody holds a row, and whether they still do."""

from datetime import datetime


def is_free(leased_until: datetime | None, now: datetime) -> bool:
    """Tell whether nobody holds a row: it was never leased, or the lease is over."""
    return leased_until is None or leased_until <= now


def is_held(leased_until: datetime | None, held_until: datetime, now: datetime) -> bool:
    """Tell whether a token is still the row's, and not over: only then may its holder act."""
    return leased_until == held_until and now < held_until
