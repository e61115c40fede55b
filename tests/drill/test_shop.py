"""The shop's own book: an event is told again for a reason, or somebody is at fault."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from retender.domain.model.event import Event, EventKind
from retender.tests.simulation.chance import stream
from retender.tests.simulation.kernel import VirtualLoop
from retender.tests.simulation.shop import Calm, Shop

EVENT = Event(
    event_id="E1",
    kind=EventKind.ORDER_PAID,
    subject="O1",
    order_no="S0-0",
    at=datetime(2026, 3, 2, tzinfo=UTC),
)


class Street:
    """A shop in a town that is nothing but its shop."""

    def __init__(self, *takes):
        self.loop = VirtualLoop(stream("street"))  # type: ignore[abstract]  # no sockets, on purpose
        self.calm = Calm(self.loop.time)
        self.plan = SimpleNamespace(shop_takes=takes or (0.0,))
        self.is_quiet = False
        self.bugs = []
        self.shop = Shop(self, rate=0.0)  # type: ignore[arg-type]  # all of a town that it needs

    def chance_here(self):
        return stream("worker")

    def stream(self, actor):
        return stream(actor)

    def log(self, what):
        """Nobody reads it."""

    def play(self, *steps):
        async def story():
            for step in steps:
                await step()

        self.loop.run(story())
        return self.bugs

    async def told(self):
        await self.shop.hears(EVENT)

    async def told_within_a_second(self):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await self.shop.hears(EVENT)

    async def told_by_two(self):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.told())
            group.create_task(self.told())

    async def pause(self):
        await asyncio.sleep(1)

    async def dies(self):
        self.calm.is_broken()

    async def stops(self):
        self.calm.breaks()

    async def goes_on(self):
        self.calm.comes_back()


def test_an_answer_that_came_is_no_reason_to_tell_again():
    street = Street()
    (bug,) = street.play(street.told, street.pause, street.told)
    assert bug.startswith("S0-0: the shop was told order.paid twice as E1, and had answered")


def test_two_do_not_tell_at_once():
    street = Street(5.0)
    (bug,) = street.play(street.told_by_two)
    assert bug.endswith("while it was being told")


def test_an_answer_that_did_not_come_is_a_reason():
    street = Street(5.0)
    assert not street.play(street.told_within_a_second, street.pause, street.told)


@pytest.mark.parametrize("trouble", [("dies",), ("stops",), ("stops", "goes_on")])
def test_a_death_and_a_stop_are_reasons(trouble):
    street = Street()
    steps = (getattr(street, step) for step in trouble)
    assert not street.play(street.told, street.pause, *steps, street.told)


def test_what_was_over_before_is_no_reason():
    street = Street()
    before = (street.dies, street.stops, street.goes_on)
    assert street.play(*before, street.pause, street.told, street.pause, street.told)
