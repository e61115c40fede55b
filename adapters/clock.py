"""The clock of the machine."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present as an aware UTC time; implements ``Clock``."""
    return datetime.now(UTC)
