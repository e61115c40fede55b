"""Time, ids and the announcer in this process."""

from datetime import UTC, datetime, timedelta

import pytest

from retender.adapters.announcer import InProcessAnnouncer
from retender.adapters.clock import utc_now
from retender.adapters.ids import Ulids
from retender.domain.model.event import Event, EventKind
from retender.domain.model.refund import automatic_refund_number
from retender.domain.model.text import check_provider_number

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


def test_the_present_is_aware_and_in_utc():
    assert utc_now().utcoffset() == timedelta(0)


def test_an_id_suits_every_provider_with_a_letter_in_front():
    new_id = Ulids(utc_now)
    assert len(new_id()) == 26
    assert automatic_refund_number(check_provider_number(new_id())).startswith("R")


def test_ids_are_unique_and_sort_by_time_even_within_a_millisecond():
    new_id = Ulids(lambda: NOW)
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)


def test_later_ids_sort_after_earlier_ones_of_another_process():
    earlier, later = Ulids(lambda: NOW), Ulids(lambda: NOW + timedelta(milliseconds=1))
    assert earlier() < later()


def test_a_clock_that_goes_back_makes_no_id_twice():
    times = iter([NOW, NOW - timedelta(hours=1)])
    new_id = Ulids(lambda: next(times))
    assert new_id() < new_id()


def test_an_id_is_a_ulid():
    """The example of the published specification: time and chance, each at its place."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469918176385)
    assert Ulids(lambda: at, random_bits=lambda _: 0)() == "01ARYZ6S41" + 16 * "0"
    assert Ulids(lambda: at, random_bits=lambda n: 2**n - 1)() == "01ARYZ6S41" + 16 * "Z"


def event() -> Event:
    return Event(
        event_id="e",
        kind=EventKind.ORDER_PAID,
        subject="o",
        order_no="o-1",
        at=NOW,
        data={"a": "b"},
    )


@pytest.mark.asyncio
async def test_everybody_who_listens_is_told():
    heard: list[Event] = []

    async def hear(told: Event) -> None:
        heard.append(told)

    announcer = InProcessAnnouncer()
    announcer.listen(hear)
    announcer.listen(hear)
    await announcer(event())
    assert heard == [event(), event()]


@pytest.mark.asyncio
async def test_a_listeners_trouble_is_not_hidden():
    async def refuse(_told: Event) -> None:
        raise ConnectionError("no shop there")

    announcer = InProcessAnnouncer()
    announcer.listen(refuse)
    with pytest.raises(ConnectionError):
        await announcer(event())
