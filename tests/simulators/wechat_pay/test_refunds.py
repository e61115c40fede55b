"""Refunds and notices at the simulated gateway."""

import json

import pytest

from retender.plugins.wechat_pay.signing import Proof, decrypt
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.simulators.wechat_pay.merchant import REFUNDS, Merchant

pytestmark = pytest.mark.asyncio


@pytest.fixture
def merchant(identity):
    return Merchant(identity)


@pytest.fixture
def hasty(identity):
    """A merchant whose gateway asks for no minute between refunds."""
    return Merchant(identity, WechatPaySwitches(refund_spacing_seconds=0))


async def refund(merchant, **changes):
    answer = await merchant.send("POST", REFUNDS, merchant.refund_of(**changes))
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- refunds ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": None},
        {"transaction_id": "4200000"},
        {"out_refund_no": None},
        {"out_refund_no": "x" * 65},
        {"amount": None},
        {"amount": {"refund": 2000, "total": 8888}},
        {"amount": {"refund": 0, "total": 8888, "currency": "CNY"}},
        {"amount": {"refund": "2000", "total": 8888, "currency": "CNY"}},
        {"amount": {"refund": 2000, "total": 9999, "currency": "CNY"}},
        {"surprise": 1},
        {"reason": 7},
    ],
)
async def test_what_is_no_refund_is_refused(merchant, changes):
    await merchant.paid()
    body = merchant.refund_of(**changes)
    assert await merchant.refused("POST", REFUNDS, body) == (400, "PARAM_ERROR")


async def test_only_what_was_paid_goes_back(merchant):
    await merchant.prepay()
    unpaid = await merchant.refused("POST", REFUNDS, merchant.refund_of())
    unknown = await merchant.refused("POST", REFUNDS, merchant.refund_of("ORDER00009"))
    assert unpaid == unknown == (404, "RESOURCE_NOT_EXISTS")


async def test_a_refund_is_processed_then_done(merchant):
    await merchant.paid()
    assert (await refund(merchant))["status"] == "PROCESSING"
    merchant.advance(seconds=2)
    answer = await merchant.send("GET", f"{REFUNDS}/REFUND0001")
    assert answer.json()["status"] == "SUCCESS"
    assert answer.json()["success_time"] == "2026-01-15T10:00:02+08:00"


async def test_refunds_stop_at_what_was_paid(hasty):
    await hasty.paid()
    for each in range(4):
        await refund(hasty, out_refund_no=f"REFUND{each}")
    body = hasty.refund_of(out_refund_no="REFUND9")
    assert await hasty.refused("POST", REFUNDS, body) == (400, "INVALID_REQUEST")
    assert hasty.simulator.books()["ORDER00001"].refunded_minor == 8000


async def test_there_are_at_most_fifty(hasty):
    await hasty.paid()
    part = {"refund": 1, "total": 8888, "currency": "CNY"}
    for each in range(50):
        await refund(hasty, out_refund_no=f"REFUND{each}", amount=part)
    body = hasty.refund_of(out_refund_no="REFUND50", amount=part)
    assert await hasty.refused("POST", REFUNDS, body) == (400, "INVALID_REQUEST")


async def test_a_minute_lies_between_two(merchant):
    await merchant.paid()
    await refund(merchant)
    body = merchant.refund_of(out_refund_no="REFUND0002")
    assert await merchant.refused("POST", REFUNDS, body) == (429, "FREQUENCY_LIMITED")
    merchant.advance(minutes=1)
    await refund(merchant, out_refund_no="REFUND0002")


async def test_after_a_year_it_is_too_late(merchant):
    await merchant.paid()
    merchant.advance(days=365)
    refused = await merchant.refused("POST", REFUNDS, merchant.refund_of())
    assert refused == (403, "TRADE_OVERDUE")


async def test_one_number_is_one_refund(merchant):
    await merchant.paid()
    first, second = await refund(merchant), await refund(merchant)
    assert first == second
    other = merchant.refund_of(amount={"refund": 1, "total": 8888, "currency": "CNY"})
    assert await merchant.refused("POST", REFUNDS, other) == (400, "REFUND_FEE_MISMATCH")


async def test_what_was_closed_can_be_refunded_under_another_number(hasty):
    hasty.simulator.switches.refund_outcome = "CLOSED"
    await hasty.paid()
    whole = {"refund": 8888, "total": 8888, "currency": "CNY"}
    await refund(hasty, amount=whole)
    hasty.advance(seconds=2)
    assert hasty.simulator.books()["ORDER00001"].refunded_minor == 0
    hasty.simulator.switches.refund_outcome = "SUCCESS"
    await refund(hasty, out_refund_no="REFUND0002", amount=whole)


async def test_only_an_abnormal_refund_is_sent_elsewhere(merchant):
    await merchant.paid()
    refund_id = (await refund(merchant))["refund_id"]
    target = f"{REFUNDS}/{refund_id}/apply-abnormal-refund"
    request = {"out_refund_no": "REFUND0001", "type": "MERCHANT_BANK_CARD"}
    assert await merchant.refused("POST", target, request) == (400, "INVALID_REQUEST")
    wrong = {**request, "type": "PIGGY_BANK"}
    assert await merchant.refused("POST", target, wrong) == (400, "PARAM_ERROR")
    other = {**request, "out_refund_no": "REFUND0009"}
    assert await merchant.refused("POST", target, other) == (400, "PARAM_ERROR")
    lost = f"{REFUNDS}/5030/apply-abnormal-refund"
    assert await merchant.refused("POST", lost, request) == (404, "RESOURCE_NOT_EXISTS")


# --- notices ---------------------------------------------------------------------------


class Ears:
    """Hears notices and answers with one status after another, the last one for ever."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.heard = []

    async def __call__(self, url, headers, body):
        self.heard.append((url, {name.lower(): value for name, value in headers.items()}, body))
        return (self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]), b""


async def test_a_notice_climbs_the_ladder_of_24_hours_and_is_signed_anew_each_time(merchant):
    await merchant.paid()
    ears = Ears(500)
    began = merchant.time
    while merchant.simulator.delivery.pending():
        [notice] = merchant.simulator.delivery.pending()
        merchant.time = notice.due_at
        await merchant.simulator.delivery.deliver_due(ears)
    assert len(ears.heard) == 16
    assert (merchant.time - began).total_seconds() == 24 * 3600 + 4 * 60
    key = merchant.identity.public_key.public_key()
    for _, headers, body in ears.heard:
        Proof.of(headers).check(body, key)
    bodies = [json.loads(body) for _, _, body in ears.heard]
    assert len({body["id"] for body in bodies}) == 1
    assert len({headers["wechatpay-timestamp"] for _, headers, _ in ears.heard}) == 16
    assert len({body["resource"]["nonce"] for body in bodies}) == 16


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_success_ends_it(merchant, status):
    await merchant.paid()
    ears = Ears(404, status)
    await merchant.simulator.delivery.deliver_due(ears)
    merchant.advance(seconds=15)
    await merchant.simulator.delivery.deliver_due(ears)
    assert len(ears.heard) == 2
    assert merchant.simulator.delivery.pending() == []


async def test_a_refund_is_told_when_it_is_settled(merchant):
    await merchant.paid()
    ears = Ears(204)
    await merchant.simulator.delivery.deliver_due(ears)
    await refund(merchant, notify_url="https://shop.example/refunds")
    await merchant.simulator.delivery.deliver_due(ears)
    assert len(ears.heard) == 1
    merchant.advance(seconds=2)
    await merchant.simulator.delivery.deliver_due(ears)
    url, _, body = ears.heard[1]
    said = json.loads(body)
    plain = json.loads(decrypt(said["resource"], merchant.identity.api_v3_key.encode()))
    assert url == "https://shop.example/refunds"
    assert (said["event_type"], plain["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")
    assert "status" not in plain


async def test_a_refund_without_an_address_is_told_to_nobody(merchant):
    await merchant.paid()
    await merchant.simulator.delivery.deliver_due(Ears(204))
    await refund(merchant, notify_url=None)
    assert merchant.simulator.delivery.pending() == []


@pytest.mark.parametrize("forgery", ["stranger_key", "flipped_byte"])
async def test_a_forged_notice_proves_nothing(merchant, forgery):
    await merchant.paid()
    merchant.simulator.delivery.turn(forge=forgery)
    ears = Ears(204)
    await merchant.simulator.delivery.deliver_due(ears)
    [(_, headers, body)] = ears.heard
    with pytest.raises(Exception, match="does not fit"):
        Proof.of(headers).check(body, merchant.identity.public_key.public_key())


async def test_only_fields_that_are_there_can_be_altered(merchant):
    await merchant.paid()
    merchant.simulator.delivery.turn(alter={"moon.total": "1"})
    with pytest.raises(ValueError, match=r"moon\.total"):
        await merchant.simulator.delivery.deliver_due(Ears(204))
