"""What Alipay is told and what is believed of its answers, beyond the promises of the kit."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.domain.model.payer import Payer
from retender.plugins.alipay.configuration import Configuration
from retender.plugins.alipay.credentials import Credentials
from retender.plugins.alipay.provider import Alipay
from retender.plugins.alipay.signing import sign
from retender.ports.payment_provider import ReceiptState, RefundReceiptState
from retender.ports.transport import Response
from retender.simulators.alipay.keys import private_pem
from retender.simulators.alipay.switches import AlipaySwitches
from retender.tests.plugins.alipay.charges import (
    APP,
    PHONE,
    QR,
    TEN,
    carried,
    charge,
    refund_of,
)
from retender.tests.plugins.alipay.counter import Counter
from retender.tests.plugins.alipay.vector_keys import ALIPAY, MERCHANT, PLATFORM

pytestmark = pytest.mark.asyncio


@pytest.fixture
def counter(keys):
    return Counter(keys)


class Answering:
    """A gateway that answers whatever a test wants, signed as the real one would."""

    def __init__(self, key=PLATFORM):
        self.key = key
        self.answers = []
        self.requests = []

    def say(self, **fields):
        self.answers.append(fields)

    async def __call__(self, request):
        self.requests.append(request)
        method = dict(parse_qsl(urlsplit(request.url).query))["method"]
        fields = self.answers.pop(0)
        if "raw" in fields:
            return Response(fields.get("status", 200), {}, fields["raw"])
        text = json.dumps({"code": "10000", "msg": "Success", **fields})
        name = f"{method.replace('.', '_')}_response"
        body = f'{{"{name}":{text},"sign":"{sign(text, self.key)}"}}'
        return Response(200, {}, body.encode())


@pytest.fixture
def gateway():
    return Answering()


@pytest.fixture
def alipay(gateway):
    credentials = Credentials(
        app_id="2026000000000001", private_key=MERCHANT, alipay_key=PLATFORM.public_key()
    )
    configuration = Configuration(
        credentials=credentials,
        seller_id="2088000000000001",
        gateway="https://openapi.alipay.com/gateway.do",
        instalments=(3,),
        seller_percent="100",
        qr_product_code="FACE_TO_FACE_PAYMENT",
    )
    return Alipay(configuration, gateway, lambda: TEN)


# --- what Alipay is told ---


async def test_a_pc_page_is_the_worked_example_byte_for_byte(alipay):
    page = (await alipay.open(charge(expires_at=TEN + timedelta(minutes=31)))).page
    outer, _ = carried(page)
    assert outer.pop("sign") == ALIPAY["form_sig"]
    assert "&".join(f"{name}={outer[name]}" for name in sorted(outer)) == ALIPAY["form_sts"]
    assert page.action.startswith("https://openapi.alipay.com/gateway.do?")
    assert [name for name, _ in page.fields] == ["biz_content"]


async def test_form_and_redirect_say_the_same(alipay):
    form = (await alipay.open(charge())).page
    redirect = (await alipay.open(charge(page_kind=PageKind.REDIRECT))).page
    assert carried(form) == carried(redirect)


@pytest.mark.parametrize(
    ("where", "method", "product_code"),
    [
        ({}, "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
        (PHONE, "alipay.trade.wap.pay", "QUICK_WAP_WAY"),
        (APP, "alipay.trade.app.pay", "QUICK_MSECURITY_PAY"),
    ],
)
async def test_every_place_has_its_product(alipay, gateway, where, method, product_code):
    outer, content = carried((await alipay.open(charge(**where))).page)
    assert (outer["method"], content["product_code"]) == (method, product_code)
    assert gateway.requests == []


async def test_the_deadline_is_absolute_and_in_beijing_time(alipay):
    expires_at = datetime(2026, 1, 15, 16, 30, 59, tzinfo=UTC)
    outer, content = carried((await alipay.open(charge(expires_at=expires_at))).page)
    assert content["time_expire"] == "2026-01-16 00:30:59"
    assert "timeout_express" not in content
    assert outer["timestamp"] == "2026-01-15 10:00:00"


async def test_opening_again_says_the_same_but_for_the_time_of_asking(counter):
    first, _ = carried((await counter.provider.open(charge())).page)
    counter.advance(timedelta(minutes=5))
    second, _ = carried((await counter.provider.open(charge())).page)
    assert {n for n in first if first[n] != second[n]} == {"timestamp", "sign"}


async def test_the_shops_number_rides_along_if_it_fits(alipay):
    _, content = carried((await alipay.open(charge(order_no="X" * 32))).page)
    assert content["merchant_order_no"] == "X" * 32
    _, content = carried((await alipay.open(charge(order_no="X" * 33))).page)
    assert "merchant_order_no" not in content


async def test_instalments_are_asked_for_with_who_bears_the_fee(alipay):
    _, content = carried((await alipay.open(charge(instalments=3))).page)
    assert content["extend_params"] == {"hb_fq_num": "3", "hb_fq_seller_percent": "100"}
    _, content = carried((await alipay.open(charge())).page)
    assert "extend_params" not in content


async def test_only_browsers_are_told_where_to_return_to(alipay):
    outer, content = carried((await alipay.open(charge(**PHONE))).page)
    assert outer["return_url"] == content["quit_url"] == "https://merchant.example/return"
    outer, content = carried((await alipay.open(charge(**APP))).page)
    assert "return_url" not in outer
    assert "quit_url" not in content
    outer, _ = carried((await alipay.open(charge(payer=Payer()))).page)
    assert "return_url" not in outer


async def test_a_qr_code_is_asked_for_with_the_configured_product(alipay, gateway):
    gateway.say(out_trade_no=charge().number, qr_code="https://qr.alipay.com/bax1")
    assert (await alipay.open(charge(**QR))).page.content == "https://qr.alipay.com/bax1"
    [request] = gateway.requests
    content = json.loads(dict(parse_qsl(request.body.decode()))["biz_content"])
    assert content["product_code"] == "FACE_TO_FACE_PAYMENT"
    assert (request.operation, request.method) == ("open", "POST")
    assert b"biz_content" not in request.url.encode()
    assert "notify_url" in request.url


# --- what is believed ---


@pytest.mark.parametrize(
    ("status", "more", "state"),
    [
        ("WAIT_BUYER_PAY", {}, ReceiptState.OPEN),
        ("TRADE_SUCCESS", {"send_pay_date": "2026-01-15 10:01:00"}, ReceiptState.PAID),
        ("TRADE_FINISHED", {"send_pay_date": "2026-01-15 10:01:00"}, ReceiptState.PAID),
        ("TRADE_CLOSED", {}, ReceiptState.CLOSED),
        ("TRADE_CLOSED", {"send_pay_date": "2026-01-15 10:01:00"}, ReceiptState.PAID),
    ],
)
async def test_a_trades_state_is_read(alipay, gateway, status, more, state):
    said = {"out_trade_no": charge().number, "trade_no": "2026X", "total_amount": "88.88"}
    gateway.say(trade_status=status, **said, **more)
    receipt = await alipay.query(charge())
    assert (receipt.state, receipt.provider_trade_no) == (state, "2026X")
    paid = state is ReceiptState.PAID
    assert receipt.amount == (Money(8888, "CNY") if paid else None)
    assert receipt.captured_at == (TEN + timedelta(minutes=1) if paid else None)


async def test_an_unknown_state_is_quarantined_and_counted(alipay, gateway):
    for _ in range(2):
        gateway.say(out_trade_no=charge().number, trade_status="TRADE_PENDING")
        with pytest.raises(ProviderUncertain, match="TRADE_PENDING"):
            await alipay.query(charge())
    assert alipay.unknown == {"trade_status TRADE_PENDING": 2}


@pytest.mark.parametrize(
    "said",
    [
        {
            "out_trade_no": "T20260115000001A2",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "88.88",
        },
        {"trade_status": "TRADE_SUCCESS", "total_amount": "88.88"},
        {"out_trade_no": "T20260115000001A1"},
        {"out_trade_no": "T20260115000001A1", "trade_status": "TRADE_SUCCESS"},
        {
            "out_trade_no": "T20260115000001A1",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "eighty",
        },
        {
            "out_trade_no": "T20260115000001A1",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "88.888",
        },
        {"raw": b""},
        {"raw": b"<html>busy</html>"},
        {"raw": b"\xff\xfe"},
        {"raw": b'{"alipay_trade_query_response":{"code":"10000"}}'},
        {"raw": b'{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}'},
        {"raw": b"{}", "status": 302},
        {"raw": b'{"alipay_trade_query_response":{"code":"10000"},"sign":"AAAA"}', "status": 404},
    ],
)
async def test_an_answer_that_proves_nothing_changes_nothing(alipay, gateway, said):
    gateway.say(**said)
    with pytest.raises(ProviderUncertain):
        await alipay.query(charge())


@pytest.mark.parametrize("status", [204, 302, 404])
async def test_a_signed_answer_under_a_strange_status_is_not_believed(alipay, gateway, status):
    text = f'{{"code":"10000","out_trade_no":"{charge().number}","trade_status":"TRADE_CLOSED"}}'
    body = f'{{"alipay_trade_query_response":{text},"sign":"{sign(text, PLATFORM)}"}}'
    gateway.say(raw=body.encode())
    assert (await alipay.query(charge())).state is ReceiptState.CLOSED
    gateway.say(raw=body.encode(), status=status)
    with pytest.raises(ProviderUncertain, match=str(status)):
        await alipay.query(charge())


async def test_an_unsigned_no_is_a_hint_and_never_a_refusal(counter, keys):
    """A wrong app id is a clear error of the gateway, but anybody could have written it."""
    wrong = Counter(keys, settings={"app_id": "2026000000000009"})
    wrong.simulator.act("pay", (await counter.provider.open(charge())).page)
    for call in (
        wrong.provider.open(charge(**QR)),
        wrong.provider.query(charge()),
        wrong.provider.close(charge()),
        wrong.provider.refund(refund_of(charge())),
        wrong.provider.query_refund(refund_of(charge())),
    ):
        with pytest.raises(ProviderUncertain, match=r"isv\.invalid-app-id") as trouble:
            await call
        assert trouble.value.details["provider_code"] == "isv.invalid-app-id"


async def test_a_wrong_key_of_ours_is_a_hint_as_well(keys):
    wrong = Counter(keys, settings={"private_key": private_pem(keys.stranger)})
    with pytest.raises(ProviderUncertain, match=r"isv\.invalid-signature"):
        await wrong.provider.query(charge())


@pytest.mark.parametrize(
    ("sub_code", "refusal"),
    [
        ("ACQ.TRADE_HAS_SUCCESS", Refusal.ALREADY_PAID),
        ("ACQ.TRADE_HAS_CLOSE", Refusal.NEW_NUMBER),
        ("ACQ.CONTEXT_INCONSISTENT", Refusal.NEW_NUMBER),
        ("TRADE_PAYINFO_INCONSISTENT", Refusal.NEW_NUMBER),
        ("ACQ.INVALID_PARAMETER", Refusal.REJECTED),
        ("ACQ.PAYMENT_REQUEST_HAS_RISK", Refusal.NOT_NOW),
    ],
)
async def test_a_signed_no_is_told_with_alipays_own_words(counter, sub_code, refusal):
    counter.simulator.faults.set("provider_error", "open", code=sub_code)
    with pytest.raises(ProviderRefused) as refused:
        await counter.provider.open(charge(**QR))
    assert (refused.value.refusal, refused.value.provider_code) == (refusal, sub_code)


@pytest.mark.parametrize("code", [None, "20000", "ACQ.SYSTEM_ERROR", "aop.unknow-error"])
async def test_alipays_own_doubt_is_ours(counter, code):
    for operation, call in [
        ("open", lambda: counter.provider.open(charge(**QR))),
        ("query", lambda: counter.provider.query(charge())),
        ("close", lambda: counter.provider.close(charge())),
        ("refund", lambda: counter.provider.refund(refund_of(charge()))),
    ]:
        counter.simulator.faults.set("provider_error", operation, code=code)
        with pytest.raises(ProviderUncertain):
            await call()


async def test_a_refused_query_says_nothing_of_the_trade(counter):
    for code in ("ACQ.INVALID_PARAMETER", "40006", "40001", "isv.invalid-parameter"):
        counter.simulator.faults.set("provider_error", "query", code=code)
        with pytest.raises(ProviderRefused) as refused:
            await counter.provider.query(charge())
        assert refused.value.refusal is Refusal.NOT_NOW


# --- coming back, switching ---


async def test_a_page_that_could_not_be_closed_is_paid_later_and_found(counter):
    """The bad day: unscanned, close finds nothing, and the payer has kept the page."""
    page = (await counter.provider.open(charge())).page
    assert (await counter.provider.close(charge())).state is ReceiptState.NOT_FOUND
    assert await counter.pay(page)
    receipt = await counter.provider.query(charge())
    assert (receipt.state, receipt.amount) == (ReceiptState.PAID, Money(8888, "CNY"))


async def test_a_phone_page_clashes_with_a_scanned_pc_page_of_one_number(counter):
    pc, phone = (
        (await counter.provider.open(charge())).page,
        (await counter.provider.open(charge(**PHONE))).page,
    )
    await counter.begin(pc)
    assert counter.simulator.act("pay", phone).code == "ACQ.CONTEXT_INCONSISTENT"


@pytest.mark.parametrize("way", ["error", "same_qr_until_scanned"])
async def test_a_number_that_gets_no_second_qr_code_needs_a_new_number(keys, way):
    counter = Counter(keys, AlipaySwitches(precreate_again=way))
    await counter.begin((await counter.provider.open(charge(**QR))).page)
    with pytest.raises(ProviderRefused) as refused:
        await counter.provider.open(charge(**QR))
    assert refused.value.refusal is Refusal.NEW_NUMBER


async def test_asking_anew_would_help_if_alipay_looked_at_the_age_of_pages(keys):
    counter = Counter(keys, AlipaySwitches(timestamp_tolerance_seconds=600))
    old = (await counter.provider.open(charge())).page
    counter.advance(timedelta(minutes=20))
    assert not await counter.pay(old)
    assert await counter.pay((await counter.provider.open(charge())).page)


async def test_an_unscanned_code_that_close_killed_is_replaced(keys):
    counter = Counter(keys, AlipaySwitches(close_kills_unscanned_qr=True))
    old = (await counter.provider.open(charge(**QR))).page
    await counter.provider.close(charge(**QR))
    assert not await counter.pay(old)
    assert await counter.pay((await counter.provider.open(charge(**QR))).page)


@pytest.mark.parametrize(
    "status", ["TRADE_STATUS_ERROR", "REASON_TRADE_STATUS_INVALID", "REASON_ILLEGAL_STATUS"]
)
async def test_a_close_that_comes_too_late_asks_what_happened(counter, status):
    assert await counter.pay((await counter.provider.open(charge())).page)
    counter.simulator.faults.set("provider_error", "close", code=f"ACQ.{status}")
    receipt = await counter.provider.close(charge())
    assert (receipt.state, receipt.amount) == (ReceiptState.PAID, Money(8888, "CNY"))


# --- giving back ---


async def test_a_repeated_refund_is_looked_up(counter):
    await counter.pay((await counter.provider.open(charge())).page)
    for _ in range(2):
        receipt = await counter.provider.refund(refund_of(charge()))
        assert (receipt.state, receipt.amount) == (RefundReceiptState.DONE, Money(2000, "CNY"))
    assert [each.operation for each in counter.requests] == ["refund", "refund", "query_refund"]


@pytest.mark.parametrize("said", [{"fund_change": "N"}, {}, {"fund_change": "X"}])
async def test_a_refund_that_moved_nothing_and_is_not_found_is_uncertain(alipay, gateway, said):
    gateway.say(out_trade_no=charge().number, **said)
    gateway.say()
    with pytest.raises(ProviderUncertain):
        await alipay.refund(refund_of(charge()))


async def test_an_unknown_refund_state_is_quarantined(alipay, gateway):
    order = refund_of(charge())
    gateway.say(out_request_no=order.number, refund_status="REFUND_PROCESSING")
    with pytest.raises(ProviderUncertain, match="REFUND_PROCESSING"):
        await alipay.query_refund(order)
    gateway.say(out_request_no="another", refund_status="REFUND_SUCCESS")
    with pytest.raises(ProviderUncertain):
        await alipay.query_refund(order)


async def test_two_refunds_too_close_together_leave_the_second_open(counter):
    await counter.pay((await counter.provider.open(charge())).page)
    await counter.provider.refund(refund_of(charge()))
    second = refund_of(charge(), number="R20260115000002")
    with pytest.raises(ProviderUncertain):
        await counter.provider.refund(second)
    assert (await counter.provider.query_refund(second)).state is RefundReceiptState.NOT_FOUND
    counter.advance(counter.provider.terms.refunds.spacing)
    assert (await counter.provider.refund(second)).state is RefundReceiptState.DONE
    assert (await counter.booked(charge().number)).refunded == 4000


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", Refusal.NOT_NOW),
        ("ACQ.TRADE_HAS_FINISHED", Refusal.REJECTED),
        ("ACQ.DISCORDANT_REPEAT_REQUEST", Refusal.NEW_NUMBER),
    ],
)
async def test_a_refused_refund_says_what_would_help(counter, code, refusal):
    counter.simulator.faults.set("provider_error", "refund", code=code)
    with pytest.raises(ProviderRefused) as refused:
        await counter.provider.refund(refund_of(charge()))
    assert refused.value.refusal is refusal


# --- certificates ---


async def test_a_new_certificate_of_alipays_is_trusted_once_configured(fresh_keys):
    counter = Counter(fresh_keys, certified=True)
    assert await counter.pay((await counter.provider.open(charge())).page)
    fresh_keys.roll()
    with pytest.raises(ProviderUncertain, match="certificate"):
        await counter.provider.query(charge())
    counter.settings |= {"alipay_cert": fresh_keys.alipay_certificates}
    receipt = await counter.another_provider().query(charge())
    assert receipt.state is ReceiptState.PAID
