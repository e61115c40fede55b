"""Schedules: when to ask again, spread out so that what began together does not stay together."""

import hashlib
from datetime import timedelta

_BYTES = 2
_SHARE = 4
"""One fourth of a wait may be taken away."""


def jittered(wait: timedelta, number: str, count: int) -> timedelta:
    """
    Return between three quarters of the wait and all of it: the same for the same arguments.

    It only ever shortens, so a promised longest wait stays one. The chance is a hash of the
    number and of how many waits it has had: nothing is drawn, and a schedule can be replayed.
    """
    digest = hashlib.blake2b(f"{number}/{count}".encode(), digest_size=_BYTES).digest()
    return wait - wait * int.from_bytes(digest) // (_SHARE << 8 * _BYTES)
