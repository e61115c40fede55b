"""What the tests of WeChat Pay's simulator start from: one set of throw-away keys."""

from datetime import UTC, datetime

import pytest

from retender.simulators.wechat_pay.identity import Identity, new_identity


@pytest.fixture(scope="session")
def identity() -> Identity:
    """One merchant and platform for all tests: making keys takes half a second."""
    return new_identity(datetime(2026, 1, 10, tzinfo=UTC))
