"""Beijing time, the only one that Alipay speaks: no offset is ever written."""

from datetime import UTC, datetime, timedelta, timezone

# China has one time zone and no summer time, so no time zone data is needed.
BEIJING = timezone(timedelta(hours=8), "Beijing")

_FORM = "%Y-%m-%d %H:%M:%S"


def beijing(instant: datetime) -> datetime:
    """Return the same instant on a Beijing clock."""
    return instant.astimezone(BEIJING)


def beijing_text(instant: datetime) -> str:
    """Write an instant as Alipay does, whole seconds, rounded down."""
    return beijing(instant).strftime(_FORM)


def from_beijing(text: str) -> datetime:
    """
    Read what Alipay writes, as UTC.

    Raises:
        ValueError: the text is no such time.

    """
    return datetime.strptime(text, _FORM).replace(tzinfo=BEIJING).astimezone(UTC)
