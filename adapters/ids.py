"""Ids that sort by time and suit every provider as a number."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from retender.ports.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_LENGTH = 26
_RANDOM_BITS = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ulids:
    """
    Implements ``NewId`` with ULIDs: 48 bits of milliseconds, then 80 bits of chance.

    Two of one millisecond would sort by chance, so within one process the next
    is at least one above the last; a clock that goes back changes nothing of that.
    """

    def __init__(
        self, clock: Clock, *, random_bits: Callable[[int], int] = secrets.randbits
    ) -> None:
        """Take the time, and where chance comes from."""
        self._clock = clock
        self._random_bits = random_bits
        self._last = -1

    def __call__(self) -> str:
        """Return a new id: 26 characters."""
        ms = (self._clock() - _EPOCH) // timedelta(milliseconds=1)
        fresh = ms << _RANDOM_BITS | self._random_bits(_RANDOM_BITS)
        self._last = fresh if fresh > self._last else self._last + 1
        return _written(self._last)


def _written(number: int) -> str:
    """Write 128 bits in 26 digits of 5 bits."""
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
