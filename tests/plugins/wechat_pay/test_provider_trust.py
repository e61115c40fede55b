"""By which keys WeChat Pay is known: fetched once, kept half a day, rotated, migrated, probed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderUnavailable,
    ProviderUncertain,
)
from retender.ports.payment_provider import Notice, ReceiptState, RefundReceiptState
from retender.simulators.kit.delivery import Dressing
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.plugins.wechat_pay.counter import Counter, a_charge, a_refund

pytestmark = pytest.mark.asyncio


@pytest.fixture
def counter(identity):
    return Counter(identity)


@pytest.fixture
def old_counter(identity):
    """A merchant of the certificate age."""
    return Counter(identity, WechatPaySwitches(trust="certificate"))


def asked(counter):
    return [request.operation for request in counter.requests]


# --- certificates ----------------------------------------------------------------------


async def test_however_many_payers_come_at_once_certificates_are_fetched_once(old_counter):
    numbers = [f"W2026011500000{each:03d}" for each in range(10)]
    charges = [a_charge(old_counter, number=number) for number in numbers]
    await asyncio.gather(*(old_counter.provider.open(charge) for charge in charges))
    assert asked(old_counter) == ["certificates", *["open"] * 10]


async def test_certificates_are_kept_for_half_a_day(old_counter):
    charge = a_charge(old_counter)
    await old_counter.provider.open(charge)
    old_counter.advance(timedelta(hours=11, minutes=59))
    await old_counter.provider.query(charge)
    assert asked(old_counter).count("certificates") == 1
    old_counter.advance(timedelta(minutes=1))
    await old_counter.provider.query(charge)
    assert asked(old_counter).count("certificates") == 2


@pytest.mark.parametrize("kind", ["lost_before_effect", "http_5xx", "rate_limit", "provider_error"])
async def test_without_certificates_nothing_is_asked_at_all(old_counter, kind):
    old_counter.simulator.faults.set(kind, "certificates", code="RESOURCE_NOT_EXISTS")
    with pytest.raises(ProviderUnavailable):
        await old_counter.provider.open(a_charge(old_counter))
    assert asked(old_counter) == ["certificates"]
    await old_counter.provider.open(a_charge(old_counter))


async def test_what_we_have_serves_while_the_list_cannot_be_fetched(old_counter):
    charge = a_charge(old_counter)
    await old_counter.provider.open(charge)
    old_counter.advance(timedelta(hours=12))
    old_counter.simulator.faults.set("http_5xx", "certificates", times=None)
    for _ in range(3):
        assert (await old_counter.provider.query(charge)).state is ReceiptState.OPEN
    assert asked(old_counter).count("certificates") == 2
    old_counter.advance(timedelta(minutes=5))
    await old_counter.provider.query(charge)
    assert asked(old_counter).count("certificates") == 3


async def test_being_told_that_there_are_none_takes_away_nothing(old_counter):
    charge = a_charge(old_counter)
    await old_counter.provider.open(charge)
    old_counter.advance(timedelta(hours=12))
    old_counter.simulator.faults.set(
        "provider_error", "certificates", code="RESOURCE_NOT_EXISTS", times=None
    )
    assert (await old_counter.provider.query(charge)).state is ReceiptState.OPEN


async def test_a_list_sealed_with_another_key_is_not_believed(old_counter):
    stranger = old_counter.built(api_v3_key="x" * 32)
    with pytest.raises(ProviderUnavailable):
        await stranger.open(a_charge(old_counter))


async def test_a_list_signed_by_a_stranger_is_not_believed(old_counter):
    old_counter.simulator.switches.answer_signature = "stranger_key"
    with pytest.raises(ProviderUnavailable):
        await old_counter.provider.open(a_charge(old_counter))


async def test_an_expired_certificate_proves_nothing(old_counter):
    charge = a_charge(old_counter)
    await old_counter.pay((await old_counter.provider.open(charge)).page)
    [raw] = await old_counter.notices()
    old_counter.advance(timedelta(days=5 * 366))
    with pytest.raises(ProviderUnavailable):
        await old_counter.provider.query(charge)
    late = replace(raw, headers={**raw.headers, "wechatpay-timestamp": _stamp(old_counter)})
    with pytest.raises(NoticeRejected) as caught:
        await old_counter.provider.parse_notice(replace(late, received_at=old_counter.now()))
    assert caught.value.problem is NoticeProblem.UNKNOWN_KEY


def _stamp(counter):
    return str(int(counter.now().timestamp()))


async def test_a_new_certificate_is_fetched_when_it_first_signs(old_counter, merchant_key):
    charge = a_charge(old_counter)
    await old_counter.provider.open(charge)
    old_counter.advance(timedelta(minutes=6))
    old_counter.simulator.rotate_certificate(merchant_key)
    assert (await old_counter.provider.query(charge)).state is ReceiptState.OPEN
    assert asked(old_counter) == ["certificates", "open", "query", "certificates"]


async def test_invented_serials_do_not_make_us_ask_again_and_again(old_counter):
    charge = a_charge(old_counter)
    await old_counter.pay((await old_counter.provider.open(charge)).page)
    [raw] = await old_counter.notices()
    old_counter.advance(timedelta(minutes=5) - timedelta(seconds=1))
    for serial in ("ABCDEF", "123456", "PUB_KEY_ID_0"):
        forged = replace(raw, headers={**raw.headers, "wechatpay-serial": serial})
        with pytest.raises(NoticeRejected) as caught:
            await old_counter.provider.parse_notice(forged)
        assert caught.value.problem is NoticeProblem.UNKNOWN_KEY
    assert asked(old_counter).count("certificates") == 1


async def test_a_notice_whose_key_cannot_be_fetched_now_is_to_come_again(old_counter):
    charge = a_charge(old_counter)
    await old_counter.pay((await old_counter.provider.open(charge)).page)
    [raw] = await old_counter.notices()
    fresh = old_counter.another_provider()
    old_counter.simulator.faults.set("http_5xx", "certificates")
    with pytest.raises(ProviderUnavailable):
        await fresh.parse_notice(raw)
    old_counter.advance(timedelta(minutes=4, seconds=59))
    with pytest.raises(NoticeRejected):
        await fresh.parse_notice(raw)
    later = replace(raw, received_at=old_counter.now())
    old_counter.advance(timedelta(seconds=1))
    assert (await fresh.parse_notice(later)).receipt


# --- public key, and both --------------------------------------------------------------


async def test_with_a_public_key_no_certificate_is_ever_fetched(counter):
    charge = a_charge(counter)
    await counter.pay((await counter.provider.open(charge)).page)
    [raw] = await counter.notices()
    await counter.provider.parse_notice(raw)
    assert asked(counter) == ["open"]
    assert counter.requests[0].headers["Wechatpay-Serial"] == counter.settings["public_key_id"]


async def test_during_a_migration_both_keys_are_believed(identity):
    counter = Counter(identity, WechatPaySwitches(trust="migration"))
    for each in range(2):
        charge = a_charge(counter, number=f"W20260115000001A{each}")
        await counter.pay((await counter.provider.open(charge)).page)
    raws = await counter.notices()
    assert len({raw.headers["wechatpay-serial"] for raw in raws}) == 2
    for raw in raws:
        assert (await counter.provider.parse_notice(raw)).receipt
    old = Counter(identity, WechatPaySwitches(trust="migration"))
    by_certificate = old.built(public_key="", public_key_id="")
    await by_certificate.open(a_charge(old))
    assert (await by_certificate.query(a_charge(old))).state is ReceiptState.OPEN


# --- probes and old messages -----------------------------------------------------------


async def test_a_probe_in_place_of_an_answer_is_asked_again_in_the_same_bytes(counter):
    counter.simulator.switches.answer_probes = 1
    page = (await counter.provider.open(a_charge(counter))).page
    assert await counter.pay(page)
    first, second = counter.requests
    assert first.body == second.body


async def test_probes_without_end_are_no_answer(counter):
    counter.simulator.switches.answer_probes = 99
    with pytest.raises(ProviderUncertain):
        await counter.provider.open(a_charge(counter))
    assert asked(counter) == ["open", "open"]


@pytest.mark.parametrize("how", ["stale", "stranger_key", "flipped_byte", "none"])
async def test_an_answer_that_proves_nothing_is_not_asked_again(counter, how):
    counter.simulator.switches.answer_signature = how
    with pytest.raises(ProviderUncertain):
        await counter.provider.close(a_charge(counter, number=await _opened(counter)))
    assert asked(counter)[-1] == "close"
    assert asked(counter).count("close") == 1


async def test_an_error_that_claims_a_signature_must_have_a_right_one(counter):
    charge = a_charge(counter)
    await counter.provider.open(charge)
    genuine = await counter._wire(counter.requests[-1])

    async def send(request):
        response = await counter._wire(request)
        return replace(response, headers={**genuine.headers, **response.headers})

    counter.provider._client._context = replace(counter.provider._client._context, transport=send)
    counter.simulator.faults.set("provider_error", "query", code="ORDER_NOT_EXIST")
    with pytest.raises(ProviderUncertain):
        await counter.provider.query(charge)


async def _opened(counter):
    how, counter.simulator.switches.answer_signature = (
        counter.simulator.switches.answer_signature,
        "genuine",
    )
    charge = a_charge(counter)
    await counter.provider.open(charge)
    counter.simulator.switches.answer_signature = how
    return charge.number


async def test_a_probe_notice_is_refused_and_the_real_one_follows(identity):
    counter = Counter(identity, WechatPaySwitches(notice_probes=True))
    await counter.pay((await counter.provider.open(a_charge(counter))).page)
    answers: list[Notice] = []
    refused: list[NoticeProblem] = []

    async def hear(_url, headers, body):
        raw_headers = {name.lower(): value for name, value in headers.items()}
        raw = replace(template, headers=raw_headers, body=body, received_at=counter.now())
        try:
            answers.append(await counter.provider.parse_notice(raw))
        except NoticeRejected as rejected:
            refused.append(rejected.problem)
            return counter.provider.acknowledge(rejected).status, b""
        return counter.provider.acknowledge(None).status, b""

    other = Counter(identity)
    await other.pay((await other.provider.open(a_charge(other))).page)
    [template] = await other.notices()
    await counter.simulator.delivery.deliver_due(hear)
    assert (answers, refused) == ([], [NoticeProblem.PROBE])
    counter.advance(timedelta(seconds=15))
    await counter.simulator.delivery.deliver_due(hear)
    assert len(answers) == 1
    assert counter.simulator.delivery.pending() == []


# --- what notices say ------------------------------------------------------------------


async def test_a_notice_of_another_amount_says_that_amount(counter):
    counter.simulator.delivery.turn(alter={"amount.total": "1"})
    await counter.pay((await counter.provider.open(a_charge(counter))).page)
    [raw] = await counter.notices()
    receipt = (await counter.provider.parse_notice(raw)).receipt
    assert receipt is not None
    assert receipt.amount is not None
    assert receipt.amount.minor == 1


async def test_a_notice_of_another_app_is_foreign(counter):
    counter.simulator.delivery.turn(alter={"appid": "wx0000000000000009"})
    await counter.pay((await counter.provider.open(a_charge(counter))).page)
    [raw] = await counter.notices()
    receipt = (await counter.provider.parse_notice(raw)).receipt
    assert receipt is not None
    assert receipt.foreign == "it is of merchant 1900000001 and app wx0000000000000009"


async def test_a_refund_is_told_by_a_notice(counter):
    charge = a_charge(counter)
    await counter.pay((await counter.provider.open(charge)).page)
    await counter.provider.refund(a_refund(charge, 2000))
    counter.advance(timedelta(seconds=2))
    notice = await counter.provider.parse_notice((await counter.notices())[-1])
    assert (notice.about, notice.receipt) == ("REFUND.SUCCESS", None)
    assert notice.refund is not None
    assert notice.refund.state is RefundReceiptState.DONE
    assert (notice.refund.number, notice.refund.amount.minor) == ("R20260115000001A1", 2000)


async def _said(counter, plain, kind="transaction", **event):
    event = {"kind": kind, "id": "E1", "event_type": "TRANSACTION.SUCCESS", **event}
    rendered = counter.simulator._pen.notice(event, plain, Dressing(counter.now()), probe=False)
    await counter.pay((await counter.provider.open(a_charge(counter))).page)
    [template] = await counter.notices()
    headers = {name.lower(): value for name, value in rendered.headers.items()}
    return replace(template, headers=headers, body=rendered.body)


async def test_a_genuine_notice_of_something_else_is_received_and_says_nothing(counter):
    raw = await _said(counter, {"x": 1}, kind="payscore", event_type="PAYSCORE.USER_PAID")
    notice = await counter.provider.parse_notice(raw)
    assert (notice.receipt, notice.refund) == (None, None)
    assert notice.about == "PAYSCORE.USER_PAID"


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        ({"trade_state": "MOON", "out_trade_no": "W1"}, "transaction"),
        ({"trade_state": "SUCCESS", "out_trade_no": "W1"}, "transaction"),
        ({"mchid": "1900000001", "refund_status": "MOON", "out_refund_no": "R1"}, "refund"),
        (
            {
                "mchid": "1900000999",
                "refund_status": "SUCCESS",
                "out_refund_no": "R1",
                "amount": {"refund": 1},
            },
            "refund",
        ),
    ],
)
async def test_a_genuine_notice_that_makes_no_sense_is_to_come_again(counter, plain, kind):
    with pytest.raises(NoticeRejected) as caught:
        await counter.provider.parse_notice(await _said(counter, plain, kind))
    assert caught.value.problem is NoticeProblem.MALFORMED
    moons = {"MOON": 1} if "MOON" in plain.values() else {}
    assert counter.provider.quarantined == moons
    refused = counter.provider.acknowledge(caught.value)
    assert (refused.status, refused.content_type) == (400, "application/json")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b" " * (64 * 1024 + 1), NoticeProblem.TOO_LARGE),
        (b"\xff\xfe", NoticeProblem.NOT_TEXT),
        (b"{}", NoticeProblem.SIGNATURE_WRONG),
    ],
)
async def test_each_kind_of_junk_has_its_own_code(counter, body, problem):
    raw = await _said(counter, {})
    with pytest.raises(NoticeRejected) as caught:
        await counter.provider.parse_notice(replace(raw, body=body))
    assert caught.value.problem is problem


async def test_an_xml_notice_of_older_days_is_rejected(counter):
    raw = await _said(counter, {})
    old = replace(raw, headers={"content-type": "text/xml"}, body=b"<xml><a>1</a></xml>")
    with pytest.raises(NoticeRejected) as caught:
        await counter.provider.parse_notice(old)
    assert caught.value.problem is NoticeProblem.UNSIGNED
