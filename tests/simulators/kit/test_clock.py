"""The simulator's clock moves only as told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from retender.simulators.kit.clock import SimulatorClock

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_it_follows_the_clock_below_until_it_is_moved() -> None:
    """An advance stays in force while real time goes on."""
    real = [NOON]
    clock = SimulatorClock(lambda: real[0])
    clock.advance(timedelta(minutes=5))
    real[0] += timedelta(seconds=1)
    assert clock.now() == NOON + timedelta(minutes=5, seconds=1)


def test_a_frozen_clock_stands_and_can_still_be_pushed() -> None:
    """Freezing takes any offset, answers in UTC, and ends with a reset."""
    real = [NOON]
    clock = SimulatorClock(lambda: real[0])
    clock.freeze(datetime(2026, 1, 15, 10, tzinfo=timezone(timedelta(hours=8))))
    real[0] += timedelta(hours=3)
    clock.advance(timedelta(seconds=30))
    assert clock.now() == datetime(2026, 1, 15, 2, 0, 30, tzinfo=UTC)
    clock.reset()
    assert clock.now() == NOON + timedelta(hours=3)


def test_a_time_without_a_zone_is_refused() -> None:
    """Local-looking times are how payment deadlines go wrong by eight hours."""
    clock = SimulatorClock(lambda: NOON)
    with pytest.raises(ValueError, match="aware"):
        clock.freeze(datetime(2026, 1, 15, 10))  # noqa: DTZ001 -- the mistake under test
