"""A simulator on a stopped clock, and the merchant who stands before it."""

import pytest

from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.simulator import AlipaySimulator, create_simulator
from retender.tests.simulators.alipay.merchant import BASE, NOON, Merchant


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    """Make keys once: that is what takes time."""
    return KeyRing.make(NOON)


@pytest.fixture
def fresh_keys() -> KeyRing:
    """Make keys that a test may change."""
    return KeyRing.make(NOON)


@pytest.fixture
def simulator(keys: KeyRing) -> AlipaySimulator:
    """Return a fresh simulator whose clock stands at noon in Beijing."""
    fresh = create_simulator(BASE, clock=lambda: NOON, keys=keys)
    fresh.clock.freeze()
    return fresh


@pytest.fixture
def merchant(simulator: AlipaySimulator) -> Merchant:
    """Return the merchant that the simulator knows."""
    return Merchant(simulator)
