"""The system's clock."""

from datetime import UTC, datetime


def system_clock() -> datetime:
    """Return the present as an aware UTC time; implements ``Clock``."""
    return datetime.now(UTC)
