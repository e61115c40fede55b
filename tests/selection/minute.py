"""A plugin of pytest: what does not begin before the time is over is left out, aloud."""

import os
import time

import pytest

UNTIL = "QUICK_UNTIL"
"""Names the variable that says when: by the clock of this machine, in seconds."""


def pytest_runtest_setup(item: pytest.Item) -> None:  # noqa: ARG001 -- pytest's hook
    """Look at the clock before each test."""
    until = os.environ.get(UNTIL)
    if until and time.time() > float(until):
        pytest.skip("the time of make quick is over: make test plays the rest")
