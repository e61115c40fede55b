"""Chance: one seeded stream for each order and actor, so that removing one moves no other."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch


def stream(*names: object) -> Random:
    """Return the stream of this name; text seeds do not depend on the hash seed."""
    return Random("/".join(map(str, names)))


@contextmanager
def seeded_secrets(seed: int) -> Iterator[None]:
    """
    Let ``secrets`` draw from the seed, for gateways that name things by chance.

    Keys are made before, once in a process: making them takes long, and nothing that is
    compared or written down depends on them.
    """
    chance = stream(seed, "secrets")
    drawn: dict[str, Any] = {
        "token_bytes": lambda length=32: chance.randbytes(length),
        "token_hex": lambda length=32: chance.randbytes(length).hex(),
        "token_urlsafe": lambda length=32: chance.randbytes(length).hex(),
        "randbelow": chance.randrange,
        "randbits": chance.getrandbits,
        "choice": chance.choice,
    }
    with patch.multiple(secrets, **drawn):
        yield
