"""A plugin of pytest: what does not begin before the time is over is left out, aloud."""

import time
from dataclasses import dataclass

import pytest


@dataclass(slots=True, eq=False)  # pytest keeps plugins in a set
class Minute:
    """Lets tests begin for so many seconds after the first one: collecting them does not count."""

    seconds: float
    until: float | None = None

    def pytest_runtest_setup(self, item: pytest.Item) -> None:  # noqa: ARG002 -- pytest's hook
        """Look at the clock before each test."""
        now = time.monotonic()
        if self.until is None:
            self.until = now + self.seconds
        if now >= self.until:
            pytest.skip("the time of make quick is over: make test plays the rest")
