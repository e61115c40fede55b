"""States, times and tables, formatted for people."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

_STYLES = {
    "NEW": "bold blue",
    "CREATING": "blue",
    "OPEN": "bold blue",
    "EXPIRING": "yellow",
    "CANCELLING": "yellow",
    "CLOSING": "yellow",
    "REFUNDING": "yellow",
    "DUE": "yellow",
    "SENT": "yellow",
    "DOUBTED": "yellow",
    "PAID": "bold green",
    "SUCCEEDED": "bold green",
    "REFUNDED": "green",
    "DONE": "green",
    "CLOSED": "dim",
    "STUCK": "bold red",
    "REFUND_STUCK": "bold red",
}


def state(name: str) -> str:
    """Return a state's name in its colour."""
    return f"[{_STYLES.get(name, 'bold')}]{name}[/]"


def instant(at: datetime) -> str:
    """Return a time of day with its date and zone."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def duration(length: timedelta) -> str:
    """Return a duration as ``1:30``, ``2 h 05 min``, ``3 days``; rounded down to seconds."""
    seconds = length // timedelta(seconds=1)
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}:{seconds % _MINUTE:02d}"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE:02d} min"
    return f"{seconds // _DAY} days"


def since(start: datetime, at: datetime) -> str:
    """Return how long after the start, or before it, something was."""
    return f"-{duration(start - at)}" if at < start else f"+{duration(at - start)}"


def or_dash(value: object) -> str:
    """Return a value as text, or a dash where there is none."""
    return "-" if value in {None, "", ()} else str(value)


def table(*headings: str) -> "Table":
    """Return an empty table: facts are never cut off, and what runs long is in the last column."""
    from rich.table import Table

    made = Table(box=None)
    for heading in headings:
        last = heading is headings[-1]
        made.add_column(heading, no_wrap=not last, overflow="fold")
    return made
