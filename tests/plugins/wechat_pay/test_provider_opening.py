"""Opening a charge at WeChat Pay: the very same words again, and what each refusal means."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import wechatpayv3.utils
from wechatpayv3.utils import build_authorization, rsa_sign

from retender.domain.model.errors import (
    ProviderRefused,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.page import AppStringPage, JsapiPage, PageKind, QrPage, RedirectPage
from retender.domain.model.payer import Payer
from retender.domain.model.payer_errors import PayerInputMissing
from retender.ports.payment_provider import ReceiptState
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.plugins.wechat_pay.counter import Counter, a_charge, a_refund

pytestmark = pytest.mark.asyncio


@pytest.fixture
def counter(identity):
    return Counter(identity)


async def refusal_of(counter, charge):
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.open(charge)
    return caught.value.refusal


# --- what we say -----------------------------------------------------------------------


async def test_the_body_is_the_worked_example_s_with_the_order_attached(counter, example):
    await counter.provider.open(a_charge(counter))
    attached = example["native_body"].replace('"notify_url"', '"attach":"ORDER-1","notify_url"')
    assert counter.requests[-1].body == attached.encode()


async def test_the_end_is_told_to_the_second_on_a_beijing_clock(counter):
    await counter.provider.open(a_charge(counter, within=timedelta(minutes=3, seconds=37)))
    assert json.loads(counter.requests[-1].body)["time_expire"] == "2026-01-15T10:03:37+08:00"


@pytest.mark.parametrize("kind", [k for k in PageKind if k is not PageKind.FORM])
async def test_the_payer_who_comes_back_makes_us_say_the_very_same(counter, kind):
    charge = a_charge(counter, kind)
    await counter.provider.open(charge)
    counter.advance(timedelta(minutes=7))
    await counter.another_provider().open(charge)
    first, second = counter.requests
    assert first.body == second.body
    assert first.headers["Authorization"] != second.headers["Authorization"]


async def test_the_sdk_would_sign_every_request_as_we_do(counter, identity, monkeypatch):
    monkeypatch.setattr(wechatpayv3.utils.time, "time", lambda: counter.now().timestamp())
    charge = a_charge(counter)
    page = (await counter.provider.open(charge)).page
    await counter.provider.query(charge)
    await counter.pay(page)
    await counter.provider.close(charge)
    await counter.provider.refund(a_refund(charge))
    await counter.provider.query_refund(a_refund(charge))
    with pytest.raises(ProviderRefused):
        await counter.provider.fetch_bill(counter.now().date())
    assert {request.operation for request in counter.requests} == {
        *("open", "query", "close", "refund", "query_refund", "bill"),
    }
    for request in counter.requests:
        ours = request.headers["Authorization"]
        theirs = build_authorization(
            request.url.removeprefix("https://wechat.example"),
            request.method,
            identity.mchid,
            identity.merchant_serial,
            identity.merchant_key,
            data=request.body.decode(),
            nonce_str=ours.split('nonce_str="')[1].split('"')[0],
        )
        assert ours == theirs


# --- what the payer gets ---------------------------------------------------------------


async def test_a_screen_shows_a_code(counter):
    page = (await counter.provider.open(a_charge(counter))).page
    assert isinstance(page, QrPage)
    assert page.content.startswith("weixin://wxpay/bizpayurl?pr=")


async def test_a_browser_is_sent_on_and_told_the_way_back(counter):
    back = "https://shop.example/thanks?order=1&x=%20"
    payer = Payer(client_ip="203.0.113.9", return_url=back)
    page = (await counter.provider.open(a_charge(counter, PageKind.REDIRECT, payer=payer))).page
    assert isinstance(page, RedirectPage)
    assert parse_qs(urlsplit(page.url).query)["redirect_url"] == [back]
    bare = a_charge(counter, PageKind.REDIRECT, number="W20260115000001A2")
    page = (await counter.provider.open(bare)).page
    assert "redirect_url" not in page.url
    assert json.loads(counter.requests[-1].body)["scene_info"] == {
        "payer_client_ip": "203.0.113.9",
        "h5_info": {"type": "Wap"},
    }


async def test_an_app_gets_a_text_that_the_sdk_would_sign_alike(counter, identity):
    page = (await counter.provider.open(a_charge(counter, PageKind.APP_STRING))).page
    assert isinstance(page, AppStringPage)
    said = json.loads(page.text)
    assert said["appId"] == identity.mobile_appid
    assert said["partnerId"] == identity.mchid
    assert said["package"] == "Sign=WXPay"
    lines = [said[name] for name in ("appId", "timeStamp", "nonceStr", "prepayId")]
    assert said["sign"] == rsa_sign(identity.merchant_key, "\n".join(lines) + "\n")


async def test_the_script_bridge_gets_what_the_sdk_would_sign_alike(counter, identity):
    page = (await counter.provider.open(a_charge(counter, PageKind.JSAPI))).page
    assert isinstance(page, JsapiPage)
    said = dict(page.parameters)
    assert said["appId"] == identity.appid
    assert said["signType"] == "RSA"
    lines = [said[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert said["paySign"] == rsa_sign(identity.merchant_key, "\n".join(lines) + "\n")


@pytest.mark.parametrize("kind", [PageKind.JSAPI, PageKind.REDIRECT])
async def test_a_page_that_lacks_the_payer_s_part_is_not_asked_for(counter, kind):
    with pytest.raises(PayerInputMissing):
        await counter.provider.open(a_charge(counter, kind, payer=Payer()))
    assert counter.requests == []


# --- what a refusal means --------------------------------------------------------------


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("dialect", ["OUT_TRADE_NO_USED", "INVALID_REQUEST"])
@pytest.mark.parametrize("change", ["amount", "subject", "client type", "expiry"])
async def test_a_number_bound_to_other_words_needs_a_new_one(identity, numeric, dialect, change):
    switches = WechatPaySwitches(duplicate_dialect=dialect, numeric_reasons=numeric)
    counter = Counter(identity, switches)
    await counter.provider.open(a_charge(counter))
    other = {
        "amount": a_charge(counter, minor=8889),
        "subject": a_charge(counter, subject="Another title"),
        "client type": a_charge(counter, PageKind.REDIRECT),
        "expiry": a_charge(counter, within=timedelta(minutes=20)),
    }[change]
    assert await refusal_of(counter, other) is Refusal.NEW_NUMBER


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("code", ["INVALID_REQUEST", "ORDER_PAID", "ORDERPAID"])
async def test_a_paid_number_is_told_as_paid(identity, numeric, code):
    switches = WechatPaySwitches(paid_reorder_code=code, numeric_reasons=numeric)
    counter = Counter(identity, switches)
    charge = a_charge(counter)
    await counter.pay((await counter.provider.open(charge)).page)
    assert await refusal_of(counter, charge) is Refusal.ALREADY_PAID


@pytest.mark.parametrize("numeric", [True, False])
async def test_a_closed_number_needs_a_new_one(identity, numeric):
    counter = Counter(identity, WechatPaySwitches(numeric_reasons=numeric))
    charge = a_charge(counter)
    await counter.provider.open(charge)
    await counter.provider.close(charge)
    assert await refusal_of(counter, charge) is Refusal.NEW_NUMBER


async def test_a_vague_refusal_of_a_fresh_number_is_a_no_for_good(counter):
    counter.simulator.faults.set("provider_error", "open", code="INVALID_REQUEST")
    assert await refusal_of(counter, a_charge(counter)) is Refusal.REJECTED


async def test_a_vague_refusal_that_cannot_be_looked_into_is_none_for_good(counter):
    counter.simulator.faults.set("provider_error", "open", code="INVALID_REQUEST")
    counter.simulator.faults.set("http_5xx", "query")
    assert await refusal_of(counter, a_charge(counter)) is Refusal.NOT_NOW


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("APPID_MCHID_NOT_MATCH", Refusal.REJECTED),
        ("MCH_NOT_EXISTS", Refusal.REJECTED),
        ("NO_AUTH", Refusal.REJECTED),
        ("RULE_LIMIT", Refusal.REJECTED),
        ("SIGN_ERROR", Refusal.REJECTED),
        ("FREQUENCY_LIMITED", Refusal.NOT_NOW),
        ("RATELIMIT_EXCEEDED", Refusal.NOT_NOW),
    ],
)
async def test_every_documented_no_has_its_meaning(counter, code, refusal):
    counter.simulator.faults.set("provider_error", "open", code=code)
    assert await refusal_of(counter, a_charge(counter)) is refusal


async def test_parameters_that_the_gateway_does_not_take_are_a_no_for_good(counter):
    plain = a_charge(counter, notify_url="http://merchant.example/notify")
    assert await refusal_of(counter, plain) is Refusal.REJECTED
    with_query = a_charge(counter, notify_url="https://merchant.example/notify?a=1")
    assert await refusal_of(counter, with_query) is Refusal.REJECTED


async def test_a_code_that_nobody_knows_is_counted_and_not_guessed(counter):
    counter.simulator.faults.set("provider_error", "*", code="MOON_TOO_FULL", times=3)
    charge = a_charge(counter)
    for call in (counter.provider.open, counter.provider.query, counter.provider.close):
        with pytest.raises(ProviderUncertain) as caught:
            await call(charge)
        assert caught.value.details["provider_code"] == "MOON_TOO_FULL"
    assert counter.provider.quarantined == {"MOON_TOO_FULL": 3}


async def test_a_gateway_of_another_kind_is_not_believed_when_it_finds_nothing(counter):
    lost = counter.built(gateway="https://wechat.example")
    charge = a_charge(counter)
    await counter.provider.open(charge)

    async def elsewhere(request):
        return await counter._wire(replace(request, url=request.url.replace("/v3/", "/v4/")))

    lost._client._context = replace(lost._client._context, transport=elsewhere)
    with pytest.raises(ProviderUncertain):
        await lost.query(charge)
    assert lost.quarantined == {"HTTP 404": 1}
    # Nothing was closed, and nothing says so: NOT_FOUND proves nothing before the end.
    assert (await lost.close(charge)).state is ReceiptState.NOT_FOUND


async def test_an_answer_that_says_only_wait_is_uncertain(counter):
    async def accepts(request):
        response = await counter._wire(request)
        return replace(response, status=202)

    slow = counter.built()
    slow._client._context = replace(slow._client._context, transport=accepts)
    charge = a_charge(counter)
    with pytest.raises(ProviderUncertain, match="not done yet"):
        await slow.open(charge)
    assert isinstance((await counter.provider.open(charge)).page, QrPage)
