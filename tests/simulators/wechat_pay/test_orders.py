"""Orders at the simulated gateway: how long pages work, who may pay, what a number is bound to."""

import asyncio

import pytest

from retender.simulators.wechat_pay.phone import openid_of
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.simulators.wechat_pay.merchant import ORDERS, Merchant

pytestmark = pytest.mark.asyncio

WAP = {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}


@pytest.fixture
def merchant(identity):
    return Merchant(identity)


def acted(merchant, action, page, buyer="alice"):
    return merchant.simulator.act(action, page, buyer=buyer).code


# --- what may be ordered ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"appid": None}, "/appid"),
        ({"mchid": None}, "/mchid"),
        ({"mchid": "1900000999"}, "/mchid"),
        ({"description": ""}, "/description"),
        ({"description": "x" * 128}, "/description"),
        ({"description": None}, "/description"),
        ({"out_trade_no": "SHORT"}, "/out_trade_no"),
        ({"out_trade_no": "X" * 33}, "/out_trade_no"),
        ({"out_trade_no": "ORDER 0001"}, "/out_trade_no"),
        ({"notify_url": "http://shop.example/notify"}, "/notify_url"),
        ({"notify_url": "https://shop.example/notify?a=1"}, "/notify_url"),
        ({"notify_url": "https://"}, "/notify_url"),
        ({"time_expire": "tomorrow"}, "/time_expire"),
        ({"time_expire": "2026-01-15T10:31:00"}, "/time_expire"),
        ({"attach": "x" * 129}, "/attach"),
        ({"attach": 7}, "/attach"),
        ({"amount": None}, "/amount"),
        ({"amount": 8888}, "/amount"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": "8888"}}, "/amount/total"),
        ({"amount": {"total": 88.88}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ({"amount": {"total": 1, "kurs": 1}}, "/amount/kurs"),
        ({"surprise": 1}, "/surprise"),
        ({"payer": {"openid": "o1"}}, "/payer"),
    ],
)
async def test_what_the_gateway_does_not_take_is_named(merchant, changes, field):
    answer = await merchant.send("POST", f"{ORDERS}/native", merchant.order(**changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_what_is_no_object_is_no_order(merchant, body):
    assert await merchant.refused("POST", f"{ORDERS}/native", body) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("product", "changes"),
    [
        ("jsapi", {}),
        ("jsapi", {"payer": {}}),
        ("h5", {}),
        ("h5", {"scene_info": {"payer_client_ip": "203.0.113.9"}}),
        ("h5", {"scene_info": {"h5_info": {"type": "Wap"}}}),
        ("h5", {"scene_info": {**WAP, "h5_info": {"type": "Fridge"}}}),
    ],
)
async def test_each_product_needs_its_own(merchant, product, changes):
    body = merchant.order(**changes)
    assert await merchant.refused("POST", f"{ORDERS}/{product}", body) == (400, "PARAM_ERROR")


async def test_an_app_order_is_of_the_mobile_app(merchant, identity):
    refused = await merchant.refused("POST", f"{ORDERS}/app", merchant.order())
    assert refused == (400, "APPID_MCHID_NOT_MATCH")
    assert await merchant.prepay("app", appid=identity.mobile_appid)


# --- how long --------------------------------------------------------------------------


async def test_a_code_works_for_two_hours(merchant):
    page = await merchant.prepay()
    merchant.advance(hours=2, seconds=-1)
    assert acted(merchant, "scan", page) == "OK"
    assert acted(merchant, "scan", page, "bob") == "PAYER_MISMATCH"
    other = await merchant.prepay(out_trade_no="ORDER00002")
    merchant.advance(hours=2)
    assert acted(merchant, "scan", other) == "CODE_EXPIRED"
    # Who had opened it in time may go on.
    assert acted(merchant, "enter_password", page) == "OK"


async def test_an_h5_link_works_for_five_minutes(merchant):
    page = await merchant.prepay("h5", scene_info=WAP)
    merchant.advance(minutes=5)
    assert acted(merchant, "pay", page) == "CODE_EXPIRED"
    fresh = await merchant.prepay("h5", scene_info=WAP)
    assert acted(merchant, "pay", fresh) == "OK"


async def test_less_than_a_minute_is_stretched_to_one(merchant):
    page = await merchant.prepay(time_expire="2026-01-15T10:00:20+08:00")
    merchant.advance(seconds=59)
    assert acted(merchant, "pay", page) == "OK"
    late = await merchant.prepay(out_trade_no="ORDER00002", time_expire="2026-01-15T10:00:20+08:00")
    merchant.advance(seconds=60)
    assert acted(merchant, "pay", late) == "ORDER_EXPIRED"


@pytest.mark.parametrize(
    ("product", "cap", "days"), [("native", 7, 7), ("native", 15, 15), ("h5", 7, 15)]
)
async def test_more_than_the_cap_is_cut(identity, product, cap, days):
    merchant = Merchant(identity, WechatPaySwitches(native_expiry_cap_days=cap))
    extra = {"scene_info": WAP} if product == "h5" else {}
    await merchant.prepay(product, time_expire="2027-01-01T00:00:00+08:00", **extra)
    state = (await merchant.http.get("/_simulator/state")).json()
    assert state["orders"][0]["ends_at"] == f"2026-01-{15 + days}T02:00:00+00:00"


async def test_the_end_of_paying_is_not_the_end_of_the_order(merchant):
    page = await merchant.prepay(time_expire="2026-01-15T10:31:00+08:00")
    merchant.advance(minutes=31)
    assert acted(merchant, "pay", page) == "ORDER_EXPIRED"
    assert (await merchant.query())["trade_state"] == "NOTPAY"
    assert (await merchant.close()).status_code == 204
    assert (await merchant.query())["trade_state"] == "CLOSED"


# --- again under the same number -------------------------------------------------------


async def test_a_new_code_kills_the_old_one(merchant):
    old = await merchant.prepay()
    new = await merchant.prepay()
    assert old != new
    assert acted(merchant, "pay", old) == "CODE_EXPIRED"
    assert acted(merchant, "pay", new) == "OK"


@pytest.mark.parametrize("usable", [True, False])
async def test_an_old_link_may_or_may_not_live_on(identity, usable):
    merchant = Merchant(identity, WechatPaySwitches(old_prepay_id_usable=usable))
    old = await merchant.prepay("h5", scene_info=WAP)
    new = await merchant.prepay("h5", scene_info=WAP)
    assert acted(merchant, "pay", old) == ("OK" if usable else "CODE_EXPIRED")
    assert acted(merchant, "pay", new) == ("ORDER_PAID" if usable else "OK")
    assert merchant.simulator.books()["ORDER00001"].captured_minor == 8888


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 8889, "currency": "CNY"}},
        {"description": "Cake"},
        {"attach": "x"},
        {"time_expire": "2026-01-15T10:31:01+08:00"},
        {"notify_url": "https://shop.example/other"},
    ],
)
async def test_any_other_word_spends_the_number(merchant, changes):
    page = await merchant.prepay()
    body = merchant.order(**changes)
    assert await merchant.refused("POST", f"{ORDERS}/native", body) == (403, "OUT_TRADE_NO_USED")
    assert acted(merchant, "pay", page) == "OK"


async def test_a_number_belongs_to_its_first_product(merchant, identity):
    await merchant.prepay()
    body = merchant.order(appid=identity.mobile_appid)
    assert await merchant.refused("POST", f"{ORDERS}/app", body) == (403, "OUT_TRADE_NO_USED")


@pytest.mark.parametrize("tolerant", [True, False])
async def test_another_address_of_the_payer_may_be_tolerated(identity, tolerant):
    merchant = Merchant(identity, WechatPaySwitches(tolerate_other_client_ip=tolerant))
    await merchant.prepay("h5", scene_info=WAP)
    moved = merchant.order(scene_info={**WAP, "payer_client_ip": "203.0.113.10"})
    answer = await merchant.send("POST", f"{ORDERS}/h5", moved)
    assert answer.status_code == (200 if tolerant else 403)


async def test_the_order_of_fields_does_not_matter(merchant):
    await merchant.prepay()
    backwards = dict(reversed(merchant.order().items()))
    assert (await merchant.send("POST", f"{ORDERS}/native", backwards)).status_code == 200


async def test_a_paid_and_a_closed_number_are_spent(merchant):
    await merchant.paid("ORDER00001")
    await merchant.prepay(out_trade_no="ORDER00002")
    await merchant.close("ORDER00002")
    paid = await merchant.refused("POST", f"{ORDERS}/native", merchant.order("ORDER00001"))
    closed = await merchant.refused("POST", f"{ORDERS}/native", merchant.order("ORDER00002"))
    assert (paid, closed) == ((400, "INVALID_REQUEST"), (400, "ORDER_CLOSED"))


# --- who pays --------------------------------------------------------------------------


async def test_the_first_payer_is_the_only_one(merchant):
    page = await merchant.prepay()
    assert acted(merchant, "scan", page, "alice") == "OK"
    assert acted(merchant, "scan", page, "bob") == "PAYER_MISMATCH"
    assert acted(merchant, "enter_password", page, "alice") == "OK"
    assert (await merchant.query())["payer"] == {"openid": openid_of("alice")}


async def test_who_has_not_enough_can_try_again(merchant):
    page = await merchant.prepay()
    assert acted(merchant, "not_enough_balance", page) == "BALANCE_NOT_ENOUGH"
    assert (await merchant.query())["trade_state"] == "NOTPAY"
    assert acted(merchant, "leave", page) == "OK"
    assert acted(merchant, "enter_password", page) == "OK"


async def test_nobody_pays_twice(merchant):
    page = await merchant.prepay()
    assert [acted(merchant, "pay", page) for _ in range(3)] == ["OK", "ORDER_PAID", "ORDER_PAID"]
    assert len(merchant.simulator.delivery.pending()) == 1


async def test_a_close_and_a_payment_never_both_win(merchant):
    page = await merchant.prepay()

    async def pay():
        return await asyncio.to_thread(merchant.simulator.act, "pay", page)

    closed, paid = await asyncio.gather(merchant.close(), pay())
    assert (closed.status_code == 204) is not paid.ok
    state = (await merchant.query())["trade_state"]
    assert state == ("SUCCESS" if paid.ok else "CLOSED")


@pytest.mark.parametrize("page", ["weixin://wxpay/bizpayurl?pr=none", "x", "7", '{"appId":"x"}'])
async def test_what_is_no_page_of_this_gateway_pays_nothing(merchant, page):
    assert acted(merchant, "pay", page) == "NO_SUCH_PAGE"
    assert acted(merchant, "pay", {"action": "https://x", "fields": {}}) == "NO_SUCH_PAGE"


# --- asking and closing ----------------------------------------------------------------


async def test_a_query_names_the_merchant(merchant):
    await merchant.prepay()
    target = f"{ORDERS}/out-trade-no/ORDER00001"
    assert await merchant.refused("GET", target) == (400, "PARAM_ERROR")
    assert await merchant.refused("GET", target + "?mchid=1900000999") == (400, "PARAM_ERROR")


async def test_a_close_names_the_merchant_and_nothing_else(merchant):
    await merchant.prepay()
    target = f"{ORDERS}/out-trade-no/ORDER00001/close"
    assert await merchant.refused("POST", target, {}) == (400, "PARAM_ERROR")
    more = {"mchid": merchant.identity.mchid, "x": 1}
    assert await merchant.refused("POST", target, more) == (400, "PARAM_ERROR")


async def test_a_transaction_that_nobody_made_is_not_found(merchant):
    await merchant.prepay()
    target = f"{ORDERS}/id/4200000?mchid={merchant.identity.mchid}"
    assert await merchant.refused("GET", target) == (404, "ORDER_NOT_EXIST")
