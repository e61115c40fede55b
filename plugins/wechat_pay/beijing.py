"""Times as WeChat Pay writes them: RFC 3339 on a Beijing clock, the offset spelt out."""

from datetime import UTC, datetime, timedelta, timezone

# China has one time zone and no summer time, so no time zone data is needed.
BEIJING = timezone(timedelta(hours=8), "Beijing")


def to_text(instant: datetime) -> str:
    """Write an instant with whole seconds, rounded down: ``2026-01-15T10:31:00+08:00``."""
    return instant.astimezone(BEIJING).replace(microsecond=0).isoformat()


def from_text(text: str) -> datetime:
    """
    Read an instant with any offset, as UTC.

    Raises:
        ValueError: the text is no such time, or says no offset.

    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"a time without an offset: {text!r}")
    return instant.astimezone(UTC)
