"""The demo's clock: real time, plus what the story skips, shared by everything that runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SkippingClock:
    """
    What time it is in the story.

    Server, worker and simulators all read this one clock, so that "five minutes
    later" needs no five minutes.
    """

    def __init__(self, real: Callable[[], datetime] | None = None) -> None:
        """Begin at the real time."""
        self._real = real or (lambda: datetime.now(UTC))
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        """Return the story's present."""
        return self._real() + self._skipped

    def skip(self, by: timedelta) -> None:
        """Let time pass."""
        self._skipped += by
