"""The simulator's own clock: follows a real one until a test moves or stops it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimulatorClock:
    """
    What time it is at the provider.

    Apart from our own clock, so that a test can let a payment page expire, a
    notice be late, or the provider's clock be wrong, without waiting.
    """

    def __init__(self, base: Callable[[], datetime]) -> None:
        """Follow ``base``, which must give aware datetimes."""
        self._base = base
        self._ahead = timedelta(0)
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """Return the provider's present instant, in UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return _aware_utc(self._base()) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move by ``by``, also backwards; a frozen clock moves and stays frozen."""
        if self._frozen_at is not None:
            self._frozen_at += by
        else:
            self._ahead += by

    def freeze(self, at: datetime | None = None) -> None:
        """Stop at ``at``, or right now."""
        self._frozen_at = self.now() if at is None else _aware_utc(at)

    def reset(self) -> None:
        """Follow the base clock again, as at the start."""
        self._ahead = timedelta(0)
        self._frozen_at = None


def _aware_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"a simulator's clock needs an aware datetime, got {instant.isoformat()}")
    return instant.astimezone(UTC)
