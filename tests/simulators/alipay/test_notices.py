"""Notices of the simulator are signed, repeated, and as late or false as one likes."""

from datetime import timedelta

import pytest

from retender.plugins.alipay.signing import is_signed, notice_texts
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.notices import LADDER
from retender.simulators.alipay.simulator import AlipaySimulator, create_simulator
from retender.tests.simulators.alipay.merchant import BASE, NOON, Merchant

pytestmark = pytest.mark.asyncio


def proven(notice: dict[str, str], keys: KeyRing) -> list[bool]:
    """Tell for each way of reading a notice whether the gateway signed it."""
    key = keys.alipay.key.public_key()
    return [is_signed(text, notice["sign"], key) for text in notice_texts(notice)]


async def test_a_payment_is_told_once_it_is_heard(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page = merchant.held(body="green", passback_params="a%3D1")
    simulator.act("scan", page)
    await merchant.listen()
    assert merchant.heard == []
    simulator.act("pay", page)
    await merchant.listen()
    [notice] = merchant.heard
    assert proven(notice, simulator.keys) == [True]
    assert notice["trade_status"] == "TRADE_SUCCESS"
    assert notice["total_amount"] == notice["receipt_amount"] == "88.88"
    assert notice["subject"] == "Tea 茶"
    assert (notice["body"], notice["passback_params"]) == ("green", "a%3D1")
    assert notice["gmt_payment"] == "2026-01-15 12:00:00"
    assert all(notice.values())
    assert simulator.delivery.pending() == []


async def test_without_a_notify_url_nothing_is_ever_told(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    terms = merchant.terms("alipay.trade.precreate")
    parameters = merchant.parameters("alipay.trade.precreate", terms, notify_url="")
    simulator.act("pay", (await merchant.post(parameters))["qr_code"])
    assert simulator.delivery.pending() == []


@pytest.mark.parametrize("answer", [b"Success", b"success\n", b'"success"', b"fail", b""])
async def test_only_these_seven_characters_count(
    simulator: AlipaySimulator, merchant: Merchant, answer: bytes
) -> None:
    merchant.answer = answer
    simulator.act("pay", merchant.held())
    await merchant.listen()
    assert len(simulator.delivery.pending()) == 1


async def test_an_unheard_notice_climbs_the_ladder_under_one_id(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    merchant.answer = b"fail"
    simulator.act("pay", merchant.held())
    await merchant.listen()
    for gap in LADDER:
        simulator.clock.advance(gap - timedelta(seconds=1))
        assert await merchant.listen() == []
        simulator.clock.advance(timedelta(seconds=1))
        await merchant.listen()
    assert len(merchant.heard) == 8
    assert simulator.delivery.pending() == []
    assert len({notice["notify_id"] for notice in merchant.heard}) == 1
    assert len({notice["notify_time"] for notice in merchant.heard}) == 8
    assert all(proven(notice, simulator.keys) == [True] for notice in merchant.heard)
    assert sum(LADDER, timedelta()) == timedelta(hours=24, minutes=24)


async def test_a_qr_payment_may_be_told_three_times_more_at_once(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.switches.immediate_retries = True
    merchant.answer = b"fail"
    simulator.act("pay", (await merchant.precreate())["qr_code"])
    for _ in range(5):
        await merchant.listen()
    assert len(merchant.heard) == 4


@pytest.mark.parametrize(
    ("way", "readings"),
    [("never", [True]), ("signed", [True, False]), ("unsigned", [False, True])],
)
async def test_empty_values_are_sent_and_signed_as_the_switch_says(
    simulator: AlipaySimulator, merchant: Merchant, way: str, readings: list[bool]
) -> None:
    simulator.switches.empty_values_in_notices = way
    simulator.act("pay", merchant.held())
    await merchant.listen()
    assert proven(merchant.heard[0], simulator.keys) == readings
    assert ("voucher_detail_list" in merchant.heard[0]) is (way != "never")


async def test_a_partial_refund_tells_success_again_and_says_what_went_back(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    await merchant.listen()
    paid, refunded = merchant.heard
    assert "refund_fee" not in paid
    assert refunded["trade_status"] == "TRADE_SUCCESS"
    assert (refunded["out_biz_no"], refunded["refund_fee"]) == ("R1", "20.00")
    assert paid["notify_id"] != refunded["notify_id"]


@pytest.mark.parametrize(("product", "told"), [("page", 1), ("wap", 2)])
async def test_a_full_refund_is_told_of_phone_payments_only(
    simulator: AlipaySimulator, merchant: Merchant, product: str, told: int
) -> None:
    simulator.act("pay", merchant.held(product))
    await merchant.call("refund", refund_amount="88.88")
    await merchant.listen()
    assert len(merchant.heard) == told
    assert merchant.heard[-1]["trade_status"] == ("TRADE_CLOSED" if told == 2 else "TRADE_SUCCESS")


@pytest.mark.parametrize("told", [True, False])
async def test_an_unpaid_end_is_told_if_the_switch_says_so(
    simulator: AlipaySimulator, merchant: Merchant, *, told: bool
) -> None:
    simulator.switches.notify_closed = told
    simulator.act("scan", merchant.held("page", "T1"))
    simulator.act("scan", merchant.held("page", "T2", time_expire="2026-01-15 12:05:00"))
    await merchant.call("close", "T1")
    simulator.clock.advance(timedelta(minutes=5))
    assert await merchant.state("T2") == "TRADE_CLOSED"
    await merchant.listen()
    assert [notice["out_trade_no"] for notice in merchant.heard] == (["T1", "T2"] if told else [])
    assert not any("gmt_payment" in notice for notice in merchant.heard)


async def test_a_forged_notice_has_the_right_shape_and_the_wrong_key(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    merchant.answer = b"fail"
    for forgery in ("stranger_key", "flipped_byte"):
        simulator.delivery.turn(forge=forgery)
        await merchant.listen()
        simulator.clock.advance(timedelta(minutes=10))
        assert proven(merchant.heard[-1], simulator.keys) == [False]
    simulator.delivery.reset()
    await merchant.listen()
    assert proven(merchant.heard[-1], simulator.keys) == [True]


async def test_a_notice_can_be_genuine_and_yet_not_ours(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.delivery.turn(alter={"total_amount": "0.01", "seller_id": "2088000000000666"})
    simulator.act("pay", merchant.held())
    await merchant.listen()
    [notice] = merchant.heard
    assert (notice["total_amount"], notice["seller_id"]) == ("0.01", "2088000000000666")
    assert proven(notice, simulator.keys) == [True]


async def test_in_certificate_mode_a_notice_names_its_certificate(fresh_keys: KeyRing) -> None:
    keys = fresh_keys
    simulator = create_simulator(BASE, clock=lambda: NOON, keys=keys, certified=True)
    simulator.switches.cert_sn_in_notices = True
    merchant = Merchant(simulator)
    serials = {"app_cert_sn": keys.app.sn, "alipay_root_cert_sn": keys.root_sn}
    terms = merchant.terms("alipay.trade.precreate")
    parameters = merchant.parameters("alipay.trade.precreate", terms, **serials)
    merchant.answer = b"fail"
    simulator.act("pay", (await merchant.post(parameters))["qr_code"])
    await merchant.listen()
    keys.roll()
    simulator.clock.advance(timedelta(minutes=4))
    await merchant.listen()
    before, after = merchant.heard
    assert before["alipay_cert_sn"] != after["alipay_cert_sn"] == keys.alipay.sn
    assert proven(after, keys) == [True, False], "its certificate's name is not signed"
    assert proven(before, keys) == [False, False]


async def test_instalments_are_told(simulator: AlipaySimulator, merchant: Merchant) -> None:
    simulator.act("pay", merchant.held(extend_params={"hb_fq_num": "3"}))
    await merchant.listen()
    assert merchant.heard[0]["hb_fq_pay_info"] == '{"user_install_num":"3"}'
