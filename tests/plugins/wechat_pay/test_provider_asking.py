"""Query, close, refund and bills at WeChat Pay, in every dialect that its gateway may speak."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.ports.payment_provider import ReceiptState, RefundReceiptState
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.plugins.wechat_pay.counter import TEN, Counter, a_charge, a_refund

pytestmark = pytest.mark.asyncio


@pytest.fixture
def counter(identity):
    return Counter(identity)


async def paid(counter, **changes):
    charge = a_charge(counter, **changes)
    assert await counter.pay((await counter.provider.open(charge)).page)
    return charge


def answering(counter, change):
    """Return a provider whose answers are changed on the way, after they were signed anew."""
    pen = counter.simulator._pen
    provider = counter.built()

    async def send(request):
        response = await counter._wire(request)
        said = json.loads(response.body)
        change(said)
        body = json.dumps(said).encode()
        serial, key = pen._key(by_public_key=True)
        proof = pen._headers(serial, key, body, counter.now())
        headers = {name.lower(): value for name, value in proof.items()}
        return replace(response, headers=headers, body=body)

    provider._client._context = replace(provider._client._context, transport=send)
    return provider


# --- query -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
async def test_an_unknown_number_is_not_found(identity, code):
    counter = Counter(identity, WechatPaySwitches(not_exist_code=code))
    assert (await counter.provider.query(a_charge(counter))).state is ReceiptState.NOT_FOUND


async def test_a_part_given_back_leaves_the_charge_paid_in_full(counter):
    charge = await paid(counter)
    await counter.provider.refund(a_refund(charge, 2000))
    receipt = await counter.provider.query(charge)
    assert (receipt.state, receipt.amount) == (ReceiptState.PAID, charge.amount)
    assert receipt.captured_at == TEN


async def test_an_unpaid_charge_stays_open_after_its_end_and_closes_after_a_week(counter):
    charge = a_charge(counter)
    page = (await counter.provider.open(charge)).page
    counter.advance(timedelta(days=1))
    assert (await counter.provider.query(charge)).state is ReceiptState.OPEN
    assert not await counter.pay(page)
    counter.advance(timedelta(days=6))
    assert (await counter.provider.query(charge)).state is ReceiptState.CLOSED


@pytest.mark.parametrize("state", ["USERPAYING", "PAYERROR", "REVOKED", "ACCEPT", "MOON"])
async def test_a_state_of_other_products_is_quarantined(counter, state):
    charge = await paid(counter)
    odd = answering(counter, lambda said: said.update(trade_state=state))
    with pytest.raises(ProviderUncertain):
        await odd.query(charge)
    assert odd.quarantined == {state: 1}


@pytest.mark.parametrize(
    "change",
    [
        {"trade_state": None},
        {"out_trade_no": "W20260115000001A9"},
        {"amount": None},
        {"amount": {"total": "8888", "currency": "CNY"}},
        {"amount": {"total": 88.88, "currency": "CNY"}},
        {"amount": {"total": -1, "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 8888, "currency": "MOON"}},
    ],
)
async def test_a_signed_answer_that_makes_no_sense_proves_nothing(counter, change):
    charge = await paid(counter)
    with pytest.raises(ProviderUncertain):
        await answering(counter, lambda said: said.update(change)).query(charge)


async def test_a_time_that_cannot_be_read_costs_no_payment(counter):
    charge = await paid(counter)
    receipt = await answering(counter, lambda said: said.update(success_time="noon")).query(charge)
    assert (receipt.state, receipt.captured_at) == (ReceiptState.PAID, None)


@pytest.mark.parametrize("change", [{"mchid": "1900000999"}, {"appid": "wx9"}, {"mchid": None}])
async def test_another_merchant_s_money_is_told_as_foreign(counter, change):
    charge = await paid(counter)
    receipt = await answering(counter, lambda said: said.update(change)).query(charge)
    assert receipt.foreign


@pytest.mark.parametrize("code", ["PARAM_ERROR", "SIGN_ERROR", "TRADE_ERROR", "RULE_LIMIT"])
async def test_a_question_that_is_refused_says_nothing_of_the_charge(counter, code):
    charge = await paid(counter)
    counter.simulator.faults.set("provider_error", "query", code=code)
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.query(charge)
    assert caught.value.refusal is Refusal.NOT_NOW


# --- close -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ORDER_PAID", "INVALID_REQUEST", "TRADE_ERROR", "RULE_LIMIT"])
async def test_closing_what_was_paid_says_paid_in_every_dialect(identity, code):
    counter = Counter(identity, WechatPaySwitches(close_paid_code=code))
    charge = await paid(counter)
    assert (await counter.provider.close(charge)).state is ReceiptState.PAID


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
async def test_closing_what_is_not_there_closes_nothing(identity, code):
    counter = Counter(identity, WechatPaySwitches(not_exist_code=code))
    assert (await counter.provider.close(a_charge(counter))).state is ReceiptState.NOT_FOUND


async def test_a_charge_too_young_to_be_closed_is_open_and_closes_later(identity):
    counter = Counter(identity, WechatPaySwitches(min_close_age_seconds=300))
    charge = a_charge(counter)
    await counter.provider.open(charge)
    assert (await counter.provider.close(charge)).state is ReceiptState.OPEN
    counter.advance(timedelta(minutes=5))
    assert (await counter.provider.close(charge)).state is ReceiptState.CLOSED


async def test_who_pays_while_we_close_is_told_by_the_close(counter):
    charge = a_charge(counter)
    page = (await counter.provider.open(charge)).page
    await counter.begin(page)
    assert counter.simulator.act("enter_password", page).ok
    assert (await counter.provider.close(charge)).state is ReceiptState.PAID


# --- refund ----------------------------------------------------------------------------


async def test_a_refund_is_accepted_first_and_done_later(identity):
    counter = Counter(identity, WechatPaySwitches(refund_processing_seconds=60))
    charge = await paid(counter)
    assert (await counter.provider.refund(a_refund(charge))).state is RefundReceiptState.PENDING
    counter.advance(timedelta(seconds=60))
    receipt = await counter.provider.query_refund(a_refund(charge))
    assert (receipt.state, receipt.amount) == (RefundReceiptState.DONE, charge.amount)
    assert receipt.provider_refund_no


@pytest.mark.parametrize("outcome", ["ABNORMAL", "CLOSED"])
async def test_a_refund_that_ends_badly_waits_for_a_person(identity, outcome):
    switches = WechatPaySwitches(refund_outcome=outcome, refund_processing_seconds=0)
    counter = Counter(identity, switches)
    charge = await paid(counter)
    receipt = await counter.provider.refund(a_refund(charge))
    assert (receipt.state, receipt.problem) == (RefundReceiptState.FAILED, outcome)
    raw = (await counter.notices())[-1]
    told = (await counter.provider.parse_notice(raw)).refund
    assert told is not None
    assert (told.state, told.problem) == (RefundReceiptState.FAILED, outcome)


@pytest.mark.parametrize("code", ["FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"])
async def test_told_to_slow_down_we_look_whether_it_is_under_way(identity, code):
    counter = Counter(identity, WechatPaySwitches(rate_limit_code=code))
    charge = await paid(counter)
    counter.simulator.faults.set("rate_limit", "refund")
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.refund(a_refund(charge))
    assert (caught.value.refusal, caught.value.provider_code) == (Refusal.NOT_NOW, code)
    counter.simulator.faults.set("provider_error_after_effect", "refund", code=code)
    assert (await counter.provider.refund(a_refund(charge))).state is RefundReceiptState.PENDING
    assert counter.simulator.books()[charge.number].refunded_minor == charge.amount.minor


async def test_the_second_refund_within_a_minute_is_for_later(counter):
    charge = await paid(counter)
    await counter.provider.refund(a_refund(charge, 1))
    second = a_refund(charge, 2, number="R20260115000001A2")
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.refund(second)
    assert caught.value.refusal is Refusal.NOT_NOW
    counter.advance(counter.provider.terms.refunds.spacing)
    assert (await counter.provider.refund(second)).amount == Money(2, "CNY")


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("NOT_ENOUGH", Refusal.NOT_NOW),
        ("SIGN_ERROR", Refusal.NOT_NOW),
        ("USER_ACCOUNT_ABNORMAL", Refusal.REJECTED),
        ("MCH_NOT_EXISTS", Refusal.REJECTED),
        ("RESOURCE_NOT_EXISTS", Refusal.REJECTED),
        ("TRADE_OVERDUE", Refusal.REJECTED),
        ("INVALID_REQUEST", Refusal.REJECTED),
    ],
)
async def test_a_refused_refund_waits_for_money_or_for_a_person(counter, code, refusal):
    charge = await paid(counter)
    counter.simulator.faults.set("provider_error", "refund", code=code)
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.refund(a_refund(charge))
    assert caught.value.refusal is refusal


@pytest.mark.parametrize("status", [400, 403])
async def test_one_refund_number_with_two_amounts_is_refused(identity, status):
    switches = WechatPaySwitches(refund_mismatch_status=status)
    counter = Counter(identity, switches)
    charge = await paid(counter)
    await counter.provider.refund(a_refund(charge, 100))
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.refund(a_refund(charge, 200))
    assert caught.value.provider_code == "REFUND_FEE_MISMATCH"


async def test_a_refund_says_the_same_once_the_trade_number_is_known(counter):
    charge = await paid(counter)
    order = a_refund(charge)
    trade_no = (await counter.provider.query(charge)).provider_trade_no
    await counter.provider.refund(order)
    await counter.provider.refund(replace(order, provider_trade_no=trade_no))
    first, second = (r.body for r in counter.requests if r.operation == "refund")
    assert first == second


async def test_an_answer_about_another_refund_proves_nothing(counter):
    charge = await paid(counter)
    order = a_refund(charge)
    odd = answering(counter, lambda said: said.update(out_refund_no="R20260115000001A9"))
    for call in (odd.refund, odd.query_refund):
        with pytest.raises(ProviderUncertain, match="another number"):
            await call(order)


# --- bills -----------------------------------------------------------------------------


async def booked_day(counter):
    charge = await paid(counter, subject="Tea, `cake`, 茶")
    await counter.provider.refund(a_refund(charge, 2000))
    await paid(counter, kind=PageKind.APP_STRING, number="W20260115000001A2", minor=1)
    counter.advance(timedelta(days=1))
    return charge


@pytest.mark.parametrize("hashed", ["uncompressed", "compressed"])
async def test_a_bill_lists_what_came_and_what_went(identity, hashed):
    counter = Counter(identity, WechatPaySwitches(bill_hash_of=hashed))
    charge = await booked_day(counter)
    trade_no = (await counter.provider.query(charge)).provider_trade_no
    lines = await counter.provider.fetch_bill(date(2026, 1, 15))
    assert [(line.number, line.refund_number, line.amount.minor) for line in lines] == [
        (charge.number, None, 8888),
        (charge.number, "R20260115000001A1", 2000),
        ("W20260115000001A2", None, 1),
    ]
    assert {line.at for line in lines} == {TEN}
    assert lines[0].provider_trade_no == trade_no


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (timedelta(0), "NO_STATEMENT_EXIST"),
        (timedelta(hours=23, minutes=59), "STATEMENT_CREATING"),
        (timedelta(days=120), "NO_STATEMENT_EXIST"),
    ],
)
async def test_a_bill_is_there_from_ten_the_next_day_for_three_months(counter, ahead, code):
    await paid(counter)
    counter.advance(ahead)
    with pytest.raises(ProviderRefused) as caught:
        await counter.provider.fetch_bill(date(2026, 1, 15))
    assert caught.value.provider_code == code


async def test_a_bill_that_is_not_the_announced_one_is_not_read(counter):
    await booked_day(counter)

    def another_hash(said):
        if "hash_value" in said:
            said["hash_value"] = "0" * 40

    async def send(request):
        if request.operation == "bill_file":
            return await counter._wire(request)
        return await forged._sent_before(request)

    forged = answering(counter, another_hash)
    forged._sent_before = forged._client._context.transport
    forged._client._context = replace(forged._client._context, transport=send)
    with pytest.raises(ProviderUncertain, match="not the one that was announced"):
        await forged.fetch_bill(date(2026, 1, 15))


async def test_a_bill_elsewhere_is_not_fetched(counter):
    await booked_day(counter)
    lured = answering(
        counter, lambda said: said.update(download_url="https://evil.example/v3/billdownload")
    )
    with pytest.raises(ProviderUncertain, match="away from the gateway"):
        await lured.fetch_bill(date(2026, 1, 15))


async def test_a_link_that_ran_out_is_asked_for_again_later(counter):
    await booked_day(counter)
    counter.simulator.faults.set("provider_error", "bill_file", code="INVALID_REQUEST")
    with pytest.raises(ProviderRefused):
        await counter.provider.fetch_bill(date(2026, 1, 15))
    assert len(await counter.provider.fetch_bill(date(2026, 1, 15))) == 3
