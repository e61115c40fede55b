"""A shop for every test."""

import pytest

from retender.tests.domain.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
