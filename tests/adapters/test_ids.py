"""Ids sort by time, are never the same, and please every provider."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from retender.adapters.clock import system_clock
from retender.adapters.ids import UlidIds
from retender.domain.model.refund import automatic_refund_number
from retender.domain.model.text import check_provider_number

NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)


class HandClock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def zeros(size):
    return bytes(size)


def ones(size):
    return b"\xff" * size


def test_an_id_is_a_number_that_every_provider_takes():
    new_id = UlidIds(system_clock)
    for _ in range(100):
        number = new_id()
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", number)
        assert check_provider_number(number)
        assert automatic_refund_number(number)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # 33 is 1 * 32 + 1; the last one is an example of the ULID specification.
        (datetime(1970, 1, 1, tzinfo=UTC), "0000000000" + "0" * 16),
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=33), "0000000011" + "0" * 16),
        (
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469918176385),
            "01ARYZ6S41" + "0" * 16,
        ),
    ],
)
def test_the_first_ten_characters_are_the_milliseconds(now, expected):
    assert UlidIds(HandClock(now), zeros)() == expected


def test_the_last_sixteen_characters_are_chance():
    assert UlidIds(HandClock(), ones)()[10:] == "Z" * 16
    assert UlidIds(HandClock(), lambda size: bytes(size - 1) + b"\x21")()[10:] == "0" * 14 + "11"


def test_a_later_id_is_greater():
    clock = HandClock()
    new_id = UlidIds(clock)
    ids = []
    for _ in range(100):
        ids.append(new_id())
        clock.now += timedelta(milliseconds=1)
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("chance", [zeros, ones])
def test_within_a_millisecond_ids_still_rise(chance):
    """Also where the random part is all used up: then the next millisecond is begun."""
    new_id = UlidIds(HandClock(), chance)
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(set(ids))
    assert {len(i) for i in ids} == {26}


def test_ids_rise_also_when_the_clock_goes_back():
    clock = HandClock()
    new_id = UlidIds(clock)
    first = new_id()
    clock.now -= timedelta(hours=1)
    assert first < new_id() < new_id()


def test_threads_never_get_the_same_id():
    new_id = UlidIds(HandClock(), zeros)
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: new_id(), range(2000)))
    assert len(set(ids)) == 2000
