"""Leases: who may act, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from retender.domain.model.lease import is_free, is_held

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("until", "free"), [(None, True), (NOON - TICK, True), (NOON, True), (NOON + TICK, False)]
)
def test_a_lease_is_free_from_its_end_on(until, free):
    assert is_free(until, NOON) is free


@pytest.mark.parametrize(
    ("until", "token", "held"),
    [
        (NOON + TICK, NOON + TICK, True),
        (NOON, NOON, False),
        (NOON - TICK, NOON - TICK, False),
        (NOON + 2 * TICK, NOON + TICK, False),
        (NOON + TICK, NOON + 2 * TICK, False),
        (None, NOON + TICK, False),
    ],
)
def test_a_lease_is_held_by_its_own_token_and_before_its_end(until, token, held):
    assert is_held(until, token, NOON) is held
