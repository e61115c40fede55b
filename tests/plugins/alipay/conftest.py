"""What the Alipay tests start from: throw-away keys, as the simulator makes them."""

import pytest

from retender.simulators.alipay.keys import KeyRing
from retender.tests.plugins.alipay.charges import NOON


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    """Make keys once: that is what takes time."""
    return KeyRing.make(NOON)


@pytest.fixture
def fresh_keys() -> KeyRing:
    """Make keys that a test may change."""
    return KeyRing.make(NOON)
