"""UlidIds: ids that sort by time, and double as provider-side numbers."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from retender.ports.clock import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RANDOM_BYTES = 10
_LENGTH = 26
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 in the order of ASCII, without I, L, O and U, which people misread."""


class UlidIds:
    """
    Implements ``NewId`` with ULIDs: 48 bits of milliseconds, then 80 random bits.

    Every id of one process is greater than the one before, also within a
    millisecond and when the clock goes back: if need be it is the last one plus one.
    """

    def __init__(
        self, clock: Clock, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Take the time and the randomness that ids are made of."""
        self._clock = clock
        self._random_bytes = random_bytes
        self._last = -1
        self._lock = Lock()

    def __call__(self) -> str:
        """Return a new id of 26 characters."""
        milliseconds = (self._clock() - _EPOCH) // _MILLISECOND
        chance = int.from_bytes(self._random_bytes(_RANDOM_BYTES))
        with self._lock:
            self._last = max(milliseconds << 8 * _RANDOM_BYTES | chance, self._last + 1)
            number = self._last
        return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
