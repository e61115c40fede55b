"""Notices are told again until they are heard, and as badly as the dials say."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.delivery import (
    Dressing,
    Forgery,
    MerchantUnreachable,
    NoticeDelivery,
    NoticePump,
    RenderedNotice,
)

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LADDER = (timedelta(minutes=4), timedelta(minutes=10))


class Merchant:
    """Answers what it is told to, and remembers what it heard."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []
        self.ears = asyncio.Condition()

    async def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        assert (url, headers) == ("http://shop/notify", {"x": "y"})
        async with self.ears:
            self.heard.append(body)
            self.ears.notify_all()
        answer = self.answers.pop(0) if self.answers else b"success"
        if answer == b"unreachable":
            raise MerchantUnreachable(answer)
        return 200, answer

    async def has_heard(self, number: int) -> None:
        async with self.ears:
            await self.ears.wait_for(lambda: len(self.heard) >= number)


def delivery_at_noon() -> tuple[NoticeDelivery, SimulatorClock]:
    """Return an empty delivery and its frozen clock."""
    clock = SimulatorClock(lambda: NOON)
    clock.freeze()
    accepts = lambda status, body: status == 200 and body == b"success"  # noqa: E731
    return NoticeDelivery(clock, LADDER, accepts), clock


def tell(delivery: NoticeDelivery, what: str = "N1") -> None:
    """Queue a notice whose body shows how it was dressed."""

    def render(dressing: Dressing) -> RenderedNotice:
        fields = {"what": what, **dressing.alterations}
        body = f"{dressing.now:%H:%M} {dressing.forgery} {fields}"
        return RenderedNotice({"x": "y"}, body.encode())

    delivery.queue(what, "paid", "http://shop/notify", render)


async def test_an_accepted_notice_is_told_once() -> None:
    """Nothing is left to tell afterwards."""
    delivery, _ = delivery_at_noon()
    shop = Merchant()
    tell(delivery)
    assert [each.accepted for each in await delivery.deliver_due(shop)] == [True]
    assert delivery.pending() == []
    assert await delivery.deliver_due(shop) == []


async def test_a_refused_notice_climbs_the_ladder_and_is_made_anew_each_time() -> None:
    """First at once, then after each gap, then never again."""
    delivery, clock = delivery_at_noon()
    shop = Merchant(b"fail", b"unreachable", b"SUCCESS")
    tell(delivery)
    await delivery.deliver_due(shop)
    clock.advance(timedelta(minutes=3, seconds=59))
    assert await delivery.deliver_due(shop) == []
    clock.advance(timedelta(seconds=1))
    await delivery.deliver_due(shop)
    clock.advance(timedelta(minutes=10))
    await delivery.deliver_due(shop)
    assert [body[:5] for body in shop.heard] == [b"12:00", b"12:04", b"12:14"]
    assert [(each.attempt, each.fate) for each in delivery.history] == [
        (1, "delivered"),
        (2, "unreachable"),
        (3, "delivered"),
    ]
    assert delivery.pending() == []


async def test_a_held_notice_waits_and_a_delayed_one_comes_late() -> None:
    """Money moved, and the merchant does not know yet."""
    delivery, clock = delivery_at_noon()
    shop = Merchant()
    delivery.turn(hold=True, delay_seconds=60)
    tell(delivery)
    clock.advance(timedelta(minutes=2))
    assert await delivery.deliver_due(shop) == []
    delivery.turn(hold=False)
    assert len(await delivery.deliver_due(shop)) == 1


async def test_a_dropped_notice_counts_as_a_try() -> None:
    """The gateway believes that it told; only the ladder brings it back."""
    delivery, clock = delivery_at_noon()
    shop = Merchant()
    delivery.turn(drop=1)
    tell(delivery)
    await delivery.deliver_due(shop)
    assert shop.heard == []
    clock.advance(LADDER[0])
    await delivery.deliver_due(shop)
    assert len(shop.heard) == 1


async def test_copies_and_disorder_are_dialled() -> None:
    """Newest first, each eight times."""
    delivery, clock = delivery_at_noon()
    shop = Merchant()
    tell(delivery, "N1")
    clock.advance(timedelta(seconds=1))
    tell(delivery, "N2")
    delivery.turn(reorder=True, duplicate=7)
    done = await delivery.deliver_due(shop)
    assert [each.reference for each in done] == ["N2"] * 8 + ["N1"] * 8


async def test_forgeries_and_alterations_reach_the_brand_that_signs() -> None:
    """The kit knows no signatures; it hands the request on."""
    delivery, _ = delivery_at_noon()
    shop = Merchant()
    delivery.turn(forge=Forgery.STRANGER_KEY, alter={"amount": "0.01"})
    tell(delivery)
    await delivery.deliver_due(shop)
    assert b"stranger_key" in shop.heard[0]
    assert b"'amount': '0.01'" in shop.heard[0]
    delivery.reset()
    assert delivery.dials.forge is Forgery.NONE


async def test_a_merchant_that_breaks_in_process_loses_no_notice() -> None:
    """A bug under test shows itself, and the notice stays queued."""
    delivery, _ = delivery_at_noon()

    async def broken(_url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
        raise ZeroDivisionError

    tell(delivery)
    with pytest.raises(ZeroDivisionError):
        await delivery.deliver_due(broken)
    assert len(delivery.pending()) == 1


async def test_the_pump_tells_what_comes_due_until_stopped() -> None:
    """A real server sends by itself."""
    delivery, clock = delivery_at_noon()
    shop = Merchant(b"fail")
    pump = NoticePump(delivery, shop, every_seconds=0.001)
    await pump.start()
    tell(delivery)
    await asyncio.wait_for(shop.has_heard(1), timeout=5)
    clock.advance(LADDER[0])
    await asyncio.wait_for(shop.has_heard(2), timeout=5)
    await pump.stop()
    tell(delivery)
    await asyncio.sleep(0.01)
    assert len(shop.heard) == 2
