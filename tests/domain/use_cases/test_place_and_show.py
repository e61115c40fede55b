"""Placing orders, listing methods, showing pages and stories, and telling the shop."""

import asyncio
from datetime import timedelta

import pytest

from retender.domain.model.errors import (
    AmountInvalid,
    IdempotencyConflict,
    InvalidInput,
    NumberInvalid,
    OpenOrderExists,
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    TextInvalid,
    UnknownName,
)
from retender.domain.model.event import Event
from retender.domain.model.money import Money
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.place_order import PlaceOrder
from retender.ports.payment_provider import PayerNeed
from retender.tests.domain.shop import PRICE
from retender.tests.domain.told import whats, whys

pytestmark = pytest.mark.asyncio


# --- placing ----------------------------------------------------------------------------


async def test_placing_twice_is_placing_once(shop):
    request = {"order_no": "A1", "user_id": "ann", "subject": "Tea", "amount": PRICE}
    first = await shop.place_order(**request)
    shop.clock.pass_by(minutes=3)
    second = await shop.place_order(**request)
    assert (first.created, second.created) == (True, False)
    assert first.order == second.order


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"amount": Money(1, "CNY")}, ["amount"]),
        ({"amount": Money(8880, "USD")}, ["amount"]),
        ({"user_id": "bob"}, ["user_id"]),
        ({"subject": "Coffee", "key": "cart"}, ["key", "subject"]),
        ({"pay_within": timedelta(hours=1)}, ["pay_within"]),
    ],
)
async def test_placing_otherwise_under_the_same_number_names_what_differs(shop, change, fields):
    await shop.place()
    with pytest.raises(IdempotencyConflict) as caught:
        await shop.place(**change)
    assert caught.value.details["fields"] == fields


async def test_fifty_at_once_place_one_order(shop):
    placed = await asyncio.gather(
        *[
            shop.place_order(order_no="A1", user_id="ann", subject="Tea", amount=PRICE)
            for _ in range(50)
        ]
    )
    assert sum(p.created for p in placed) == 1
    assert len({p.order.order_id for p in placed}) == 1


async def test_one_open_order_per_payer_and_key_names_the_open_one_and_the_ways_on(shop):
    await shop.place("A1", key="cart")
    with pytest.raises(OpenOrderExists) as caught:
        await shop.place("A2", key="cart")
    assert caught.value.code == "OPEN_ORDER_EXISTS"
    assert caught.value.details["order_no"] == "A1"
    assert caught.value.details["ways"] == ["pay", "close"]


async def test_a_key_is_free_for_others_and_after_the_order_ended(shop):
    await shop.place("A1", key="cart")
    await shop.place("B1", key="cart", user_id="bob")
    await shop.place("A2", key="other")
    await shop.place("A3")
    await shop.close_order(order_no="A1")
    await shop.place("A4", key="cart")


async def test_placing_the_open_order_again_is_no_second_one(shop):
    first = await shop.place("A1", key="cart")
    assert await shop.place("A1", key="cart") == first


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": Money(0, "CNY")}, AmountInvalid),
        ({"subject": ""}, TextInvalid),
        ({"subject": "x" * 121}, TextInvalid),
        ({"subject": "a\tb"}, TextInvalid),
        ({"user_id": ""}, NumberInvalid),
        ({"order_no": "A/1"}, NumberInvalid),
        ({"key": "a b"}, NumberInvalid),
        ({"pay_within": timedelta(seconds=59)}, InvalidInput),
        ({"pay_within": timedelta(days=31)}, InvalidInput),
    ],
)
async def test_an_order_that_cannot_be_meant_is_not_placed(shop, change, error):
    with pytest.raises(error):
        await shop.place(**change)
    if change.get("order_no", "A1") == "A1":
        with pytest.raises(PayOrderNotExist):
            await shop.show_order(order_no="A1")


async def test_the_shop_decides_how_long_its_payers_have(shop):
    hour = PlaceOrder(shop.unit_of_work, shop.clock, shop.new_id, timedelta(hours=1))
    placed = await hour(order_no="A1", user_id="ann", subject="Tea", amount=PRICE)
    assert placed.order.shown_until - placed.order.created_at == timedelta(hours=1)


# --- methods ----------------------------------------------------------------------------


async def test_the_cashier_lists_every_account_and_why_it_cannot_be_used(shop):
    shop.alipay.shortest = timedelta(minutes=10)
    shop.wechat.needs = frozenset({PayerNeed.CLIENT_IP, PayerNeed.EMAIL})
    await shop.place()
    shop.clock.pass_by(minutes=25)
    wechat, alipay = await shop.list_methods(order_no="A1", user_id="ann", client_type="h5")
    assert (wechat.account, wechat.page_kind, wechat.needs) == (
        "wechat",
        "redirect",
        ("client_ip", "email"),
    )
    assert wechat.available
    assert wechat.instalments == (3, 6)
    assert (alipay.available, alipay.why_not) == (False, "PAY_ORDER_PAY_TIMEOUT")


async def test_a_client_that_can_show_nothing_gets_a_list_that_says_so(shop):
    await shop.place()
    methods = await shop.list_methods(order_no="A1", user_id="ann", client_type="app")
    assert [(m.available, m.why_not) for m in methods] == [(False, "NO_COMMON_PAGE")] * 2


async def test_an_amount_that_nobody_takes_says_so(shop):
    await shop.place(amount=Money(100, "JPY"))
    methods = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    assert {m.why_not for m in methods} == {"NOT_OFFERED"}


async def test_methods_of_another_users_or_a_finished_order_are_not_listed(shop):
    await shop.place()
    with pytest.raises(PayOrderNotExist):
        await shop.list_methods(order_no="A1", user_id="bob", client_type="pc")
    with pytest.raises(UnknownName):
        await shop.list_methods(order_no="A1", user_id="ann", client_type="tv")
    shop.clock.pass_by(minutes=30)
    with pytest.raises(PayOrderPayTimeout):
        await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    await shop.work_once()
    with pytest.raises(PayOrderStateError):
        await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")


# --- showing ----------------------------------------------------------------------------


async def test_the_page_can_be_shown_again_by_its_attempt(shop):
    await shop.place()
    ready = await shop.page()
    assert (await shop.show_page(attempt_id=ready.attempt.attempt_id)).page == ready.page


async def test_a_page_that_was_left_is_shown_no_more(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    await shop.page("alipay", "h5")
    with pytest.raises(PayOrderStateError):
        await shop.show_page(attempt_id=ready.attempt.attempt_id)


async def test_a_page_whose_time_is_over_is_shown_no_more(shop):
    shop.wechat.validity = timedelta(minutes=5)
    await shop.place()
    ready = await shop.page()
    shop.clock.pass_by(minutes=5)
    with pytest.raises(PayOrderPayTimeout):
        await shop.show_page(attempt_id=ready.attempt.attempt_id)
    with pytest.raises(PayOrderNotExist):
        await shop.show_page(attempt_id="NOPE")


async def test_a_page_of_a_paid_order_is_shown_no_more(shop):
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    with pytest.raises(PayOrderStateError):
        await shop.show_page(attempt_id=ready.attempt.attempt_id)


async def test_the_story_tells_every_attempt_page_notice_and_decision_with_its_reason(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    await shop.page("alipay", "pc")
    second = await shop.page("wechat", "pc")
    await shop.hear("wechat", shop.wechat.pay(second.attempt.number))
    story = await shop.story()
    told = whats(story)
    for line in (
        "order NEW",
        "attempt 1 CREATING: alipay, pc",
        "qr page of alipay handed out",
        "close of alipay: not found",
        "attempt 2 CREATING: wechat, pc",
        "qr page of wechat handed out",
        "notice of wechat: paid",
    ):
        assert line in told, told
    assert any("NEW -> PAID" in line for line in told)
    assert any("OPEN -> CLOSING" in line for line in told)
    assert all(whys(story))
    assert [entry.at for entry in story.entries] == sorted(entry.at for entry in story.entries)


async def test_another_users_story_is_not_told(shop):
    await shop.place()
    assert (await shop.show_order(order_no="A1", user_id="ann")).order.order_no == "A1"
    with pytest.raises(PayOrderNotExist):
        await shop.show_order(order_no="A1", user_id="bob")


# --- telling ----------------------------------------------------------------------------


async def test_an_event_that_could_not_be_told_comes_again_and_holds_nobody_up(shop):
    heard: list[Event] = []
    deaf = ["A1"]

    async def announcer(event: Event) -> None:
        if event.order_no in deaf:
            raise ConnectionError
        heard.append(event)

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    await shop.place("A1")
    await shop.place("A2")
    await shop.close_order(order_no="A1")
    await shop.close_order(order_no="A2")
    assert await announce() == 1
    deaf.clear()
    assert await announce() == 0, "a receiver in trouble is given time"
    shop.clock.pass_by(seconds=5)
    assert await announce() == 1
    assert await announce() == 0
    assert [event.order_no for event in heard] == ["A2", "A1"]


async def test_who_dies_after_telling_tells_again_under_the_same_id(shop):
    await shop.place()
    await shop.close_order(order_no="A1")
    heard: list[Event] = []

    async def announcer(event: Event) -> None:
        heard.append(event)
        if len(heard) == 1:
            raise KeyboardInterrupt

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    with pytest.raises(KeyboardInterrupt):
        await announce()
    await announce()
    assert len(heard) == 1, "its lease still runs"
    shop.clock.pass_by(minutes=1)
    await announce()
    assert len(heard) == 2
    assert heard[0].event_id == heard[1].event_id


async def test_a_provider_that_is_left_alone_is_not_on_offer_and_says_until_when(shop):
    """Its circuit is open: pressing would send nothing."""
    await shop.place()
    until = shop.clock() + timedelta(seconds=20)
    shop.left_alone["wechat"] = until
    wechat, alipay = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    assert (wechat.available, wechat.why_not) == (False, "PROVIDER_UNAVAILABLE")
    assert (wechat.because, wechat.retry_at) == ("no answer", until)
    assert (alipay.available, alipay.because, alipay.retry_at) == (True, None, None)
