"""The system's clock says what time it is, and in which zone."""

from datetime import UTC, datetime, timedelta

from retender.adapters.clock import system_clock


def test_it_is_the_present_in_utc():
    before, present, after = datetime.now(UTC), system_clock(), datetime.now(UTC)
    assert before <= present <= after
    assert present.utcoffset() == timedelta(0)
