"""Trades come to be, are bound, end and are given back in the simulator as at Alipay."""

from datetime import timedelta
from typing import Any

import pytest

from retender.simulators.alipay.simulator import AlipaySimulator
from retender.tests.simulators.alipay.merchant import Merchant

pytestmark = pytest.mark.asyncio

NO_TRADE = "ACQ.TRADE_NOT_EXIST"
WAIT = "WAIT_BUYER_PAY"
PAID = "TRADE_SUCCESS"
CLOSED = "TRADE_CLOSED"


async def test_a_pc_trade_is_made_by_scanning_or_logging_in(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    for number, step in [("T1", "scan"), ("T2", "log_in")]:
        page = merchant.held("page", number)
        assert await merchant.state(number) == NO_TRADE
        assert simulator.act(step, page).ok
        assert await merchant.state(number) == WAIT
        assert simulator.act("enter_password", page).ok
        assert await merchant.state(number) == PAID


@pytest.mark.parametrize("product", ["wap", "app"])
async def test_a_phone_trade_is_made_by_the_password(
    simulator: AlipaySimulator, merchant: Merchant, product: str
) -> None:
    page = merchant.held("wap") if product == "wap" else merchant.order_string()
    assert simulator.act("log_in", page).ok
    assert await merchant.state() == NO_TRADE
    refused = simulator.act("not_enough_balance", page)
    assert (refused.ok, refused.code) == (False, "ACQ.BUYER_BALANCE_NOT_ENOUGH")
    assert await merchant.state() == WAIT
    assert simulator.act("enter_password", page).ok
    assert await merchant.state() == PAID


async def test_a_qr_trade_is_made_by_the_scan(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    answer = await merchant.precreate()
    assert "trade_no" not in answer
    assert await merchant.state() == NO_TRADE
    simulator.act("scan", answer["qr_code"])
    assert await merchant.state() == WAIT


async def test_a_created_trade_waits_for_its_buyer_at_once(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    content = {"total_amount": "1.00", "subject": "Tea", "product_code": "JSAPI_PAY"}
    made = await merchant.call("create", buyer_id="bob", **content)
    assert await merchant.state() == WAIT
    page = {"trade_no": made["trade_no"]}
    assert simulator.act("pay", page, buyer="eve").code == "ACQ.TRADE_BUYER_NOT_MATCH"
    assert simulator.act("pay", page, buyer="bob").ok
    assert await merchant.state() == PAID
    assert (await merchant.call("create", number="T2", **content))["sub_code"] == (
        "ACQ.INVALID_PARAMETER"
    )


async def test_a_logged_in_browser_makes_the_trade_if_the_switch_says_so(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.switches.opening_creates_trade = True
    simulator.act("leave", merchant.held())
    assert await merchant.state() == WAIT


async def test_a_query_tells_who_paid_and_when(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held(), buyer="bob")
    answer = await merchant.call("query")
    assert answer["total_amount"] == answer["buyer_pay_amount"] == "88.88"
    assert answer["send_pay_date"] == "2026-01-15 12:00:00"
    assert answer["buyer_user_id"].startswith("2088")
    by_trade_no = await merchant.call("query", "WRONG", trade_no=answer["trade_no"])
    assert by_trade_no["out_trade_no"] == "T1"


async def test_a_failed_query_repeats_the_number_and_zeros(merchant: Merchant) -> None:
    answer = await merchant.call("query")
    assert (answer["out_trade_no"], answer["receipt_amount"]) == ("T1", "0.00")


async def test_a_page_opened_twice_is_paid_once(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    first, second = merchant.held(), merchant.held(notify="again")
    assert simulator.act("scan", first).ok
    assert simulator.act("scan", second).ok
    assert simulator.act("pay", first).ok
    assert simulator.act("pay", first).code == "ACQ.TRADE_HAS_SUCCESS"
    assert simulator.act("pay", second).code == "ACQ.TRADE_HAS_SUCCESS"
    assert simulator.books()["T1"].captured_minor == 8888


async def test_a_scanned_trade_belongs_to_its_buyer(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page = merchant.held()
    simulator.act("scan", page, buyer="alice")
    assert simulator.act("pay", page, buyer="bob").code == "ACQ.TRADE_BUYER_NOT_MATCH"
    assert simulator.act("pay", page, buyer="alice").ok


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total_amount": "88.89"}, "ACQ.CONTEXT_INCONSISTENT"),
        ({"subject": "Coffee"}, "ACQ.CONTEXT_INCONSISTENT"),
        ({"extend_params": {"hb_fq_num": "3"}}, "ACQ.CONTEXT_INCONSISTENT"),
        ({"body": "more words"}, "OK"),
    ],
)
async def test_other_terms_fit_before_the_scan_and_clash_after_it(
    simulator: AlipaySimulator, merchant: Merchant, change: dict[str, Any], code: str
) -> None:
    first, second = merchant.held(), merchant.held(**change)
    assert simulator.act("leave", second).ok
    simulator.act("scan", first)
    assert simulator.act("pay", second).code == code


async def test_another_client_type_fits_before_the_scan_and_clashes_after_it(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    pc, phone = merchant.held(), merchant.held("wap")
    assert simulator.act("log_in", phone).ok
    simulator.act("scan", pc)
    assert simulator.act("enter_password", phone).code == "ACQ.CONTEXT_INCONSISTENT"


async def test_what_is_compared_and_how_it_is_called_are_switches(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.switches.instalment_clash_code = "TRADE_PAYINFO_INCONSISTENT"
    instalments = merchant.held(extend_params={"hb_fq_num": "6"})
    simulator.act("scan", merchant.held())
    assert simulator.act("pay", instalments).code == "TRADE_PAYINFO_INCONSISTENT"
    simulator.switches.compared = ("total_amount",)
    assert simulator.act("pay", instalments).ok


async def test_an_absolute_expiry_ends_page_and_trade(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    until = {"time_expire": "2026-01-15 12:31:00"}
    scanned, unseen = merchant.held("page", "T1", **until), merchant.held("page", "T2", **until)
    open_page = merchant.held("page", "T3", **until)
    simulator.act("scan", scanned)
    simulator.clock.advance(timedelta(minutes=30, seconds=59))
    assert simulator.act("leave", open_page).ok
    assert await merchant.state() == WAIT
    simulator.clock.advance(timedelta(seconds=1))
    assert await merchant.state() == CLOSED
    assert simulator.act("pay", scanned).code == "ACQ.TRADE_HAS_CLOSE"
    too_late = "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"
    assert simulator.act("pay", unseen).code == too_late
    assert await merchant.state("T2") == NO_TRADE


async def test_a_relative_expiry_counts_from_the_scan_not_from_the_request(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    code = (await merchant.precreate(timeout_express="30m"))["qr_code"]
    simulator.clock.advance(timedelta(minutes=119))
    assert simulator.act("scan", code).ok
    simulator.clock.advance(timedelta(minutes=29, seconds=59))
    assert await merchant.state() == WAIT
    simulator.clock.advance(timedelta(seconds=1))
    assert await merchant.state() == CLOSED


async def test_a_qr_code_dies_after_two_hours(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    code = (await merchant.precreate())["qr_code"]
    simulator.clock.advance(timedelta(hours=2))
    assert not simulator.act("pay", code).ok
    assert await merchant.state() == NO_TRADE


@pytest.mark.parametrize("restarts", [True, False])
async def test_opening_a_pc_cashier_again_may_restart_its_countdown(
    simulator: AlipaySimulator, merchant: Merchant, *, restarts: bool
) -> None:
    simulator.switches.reopening_restarts_timeout = restarts
    first = merchant.held(timeout_express="10m")
    simulator.act("scan", first)
    simulator.clock.advance(timedelta(minutes=9))
    simulator.act("scan", merchant.held(timeout_express="10m", body="again"))
    simulator.clock.advance(timedelta(minutes=2))
    assert await merchant.state() == (WAIT if restarts else CLOSED)


async def test_a_pc_cashier_has_its_own_countdown(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    first = merchant.held(timeout_express="10m")
    second = merchant.held(timeout_express="10m", body="again")
    simulator.act("scan", first)
    simulator.clock.advance(timedelta(minutes=9))
    simulator.act("scan", second)
    simulator.clock.advance(timedelta(minutes=2))
    assert simulator.act("pay", first).code == "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"
    assert simulator.act("pay", second).ok


async def test_a_trade_may_last_until_midnight_in_beijing(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("scan", merchant.held(timeout_express="1c"))
    simulator.clock.advance(timedelta(hours=11, minutes=59, seconds=59))
    assert await merchant.state() == WAIT
    simulator.clock.advance(timedelta(seconds=1))
    assert await merchant.state() == CLOSED


async def test_closing_before_anybody_acted_finds_nothing_and_leaves_the_page_payable(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page, code = merchant.held(), (await merchant.precreate("T2"))["qr_code"]
    assert (await merchant.call("close"))["sub_code"] == NO_TRADE
    assert (await merchant.call("close", "T2"))["sub_code"] == NO_TRADE
    assert simulator.act("pay", page).ok
    assert simulator.act("pay", code).ok
    assert set(simulator.books()) == {"T1", "T2"}


async def test_closing_may_kill_an_unscanned_code_if_the_switch_says_so(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.switches.close_kills_unscanned_qr = True
    code = (await merchant.precreate())["qr_code"]
    assert (await merchant.call("close"))["sub_code"] == NO_TRADE
    assert not simulator.act("pay", code).ok
    assert (await merchant.precreate())["qr_code"] != code


async def test_closing_a_waiting_trade_ends_it_and_closing_again_is_an_error(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page = merchant.held()
    simulator.act("scan", page)
    assert (await merchant.call("close"))["code"] == "10000"
    assert (await merchant.call("close"))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert simulator.act("pay", page).code == "ACQ.TRADE_HAS_CLOSE"
    assert simulator.books() == {}


async def test_closing_comes_too_late_for_a_paid_trade(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    assert (await merchant.call("close"))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert await merchant.state() == PAID


async def test_cancelling_closes_or_gives_everything_back(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("scan", merchant.held("page", "T1"))
    simulator.act("pay", merchant.held("page", "T2"))
    assert (await merchant.call("cancel", "T1"))["action"] == "close"
    assert (await merchant.call("cancel", "T2"))["action"] == "refund"
    assert (await merchant.call("cancel", "T2"))["action"] == "refund"
    nothing = await merchant.call("cancel", "T3")
    assert (nothing["code"], nothing.get("action")) == ("10000", None)
    assert simulator.books()["T2"].refunded_minor == 8888


async def test_refunds_add_up_and_repeat_harmlessly(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    first = await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    assert (first["fund_change"], first["refund_fee"]) == ("Y", "20.00")
    simulator.clock.advance(timedelta(seconds=3))
    second = await merchant.call("refund", refund_amount="5.5", out_request_no="R2")
    assert (second["fund_change"], second["refund_fee"]) == ("Y", "25.50")
    again = await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    assert (again["code"], again["fund_change"]) == ("10000", "N")
    assert await merchant.state() == PAID
    assert simulator.books()["T1"].refunds == {"R1": 2000, "R2": 550}
    simulator.switches.repeated_refund_says_n = False
    again = await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    assert "fund_change" not in again


async def test_a_full_refund_closes_the_trade_but_it_was_paid(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    assert (await merchant.call("refund", refund_amount="88.88"))["fund_change"] == "Y"
    answer = await merchant.call("query")
    assert answer["trade_status"] == CLOSED
    assert answer["send_pay_date"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"refund_amount": "88.89", "out_request_no": "R1"}, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ({"refund_amount": "1.00"}, "ACQ.INVALID_PARAMETER"),
        ({"refund_amount": "0", "out_request_no": "R1"}, "ACQ.INVALID_PARAMETER"),
        ({"refund_amount": "9.99", "out_request_no": "R0"}, "ACQ.DISCORDANT_REPEAT_REQUEST"),
        ({"refund_amount": "1.00", "out_request_no": "R9"}, "ACQ.SYSTEM_ERROR"),
    ],
)
async def test_a_refund_that_cannot_be(
    simulator: AlipaySimulator, merchant: Merchant, content: dict[str, str], code: str
) -> None:
    """The last one comes too soon after the first."""
    simulator.act("pay", merchant.held())
    await merchant.call("refund", refund_amount="10.00", out_request_no="R0")
    assert (await merchant.call("refund", **content))["sub_code"] == code
    assert simulator.books()["T1"].refunds == {"R0": 1000}


async def test_a_refund_needs_a_paid_trade_within_the_window(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    content = {"refund_amount": "1.00", "out_request_no": "R1"}
    assert (await merchant.call("refund", **content))["sub_code"] == NO_TRADE
    page = merchant.held()
    simulator.act("scan", page)
    assert (await merchant.call("refund", **content))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    simulator.act("pay", page)
    simulator.clock.advance(timedelta(days=365))
    assert await merchant.state() == "TRADE_FINISHED"
    assert (await merchant.call("refund", **content))["sub_code"] == "ACQ.TRADE_HAS_FINISHED"


async def test_a_refund_query_says_success_or_nothing(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    query = "alipay.trade.fastpay.refund.query"
    assert (await merchant.call(query, out_request_no="R1"))["sub_code"] == NO_TRADE
    simulator.act("pay", merchant.held())
    unknown = await merchant.call(query, out_request_no="R1")
    assert unknown == {"code": "10000", "msg": "Success", "signed": True}
    await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    known = await merchant.call(query, out_request_no="R1")
    assert (known["refund_status"], known["refund_amount"]) == ("REFUND_SUCCESS", "20.00")


@pytest.mark.parametrize(
    ("way", "unscanned", "scanned"),
    [
        ("same_qr", "same", "same"),
        ("same_qr_until_scanned", "same", "error"),
        ("new_qr", "new", "new"),
        ("error", "error", "error"),
    ],
)
async def test_asking_for_a_qr_code_again(
    simulator: AlipaySimulator, merchant: Merchant, way: str, unscanned: str, scanned: str
) -> None:
    simulator.switches.precreate_again = way
    first = (await merchant.precreate())["qr_code"]

    async def again() -> str:
        answer = await merchant.precreate()
        if answer["code"] != "10000":
            assert answer["sub_code"] == "ACQ.APPLY_PC_MERCHANT_CODE_ERROR"
            return "error"
        return "same" if answer["qr_code"] == first else "new"

    assert await again() == unscanned
    simulator.act("scan", first)
    assert await again() == scanned


async def test_asking_for_another_qr_code_of_a_number_is_an_error(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    code = (await merchant.precreate())["qr_code"]
    other = await merchant.precreate(total_amount="1.00")
    assert other["sub_code"] == "ACQ.APPLY_PC_MERCHANT_CODE_ERROR"
    simulator.act("scan", code)
    other = await merchant.precreate(total_amount="1.00")
    assert other["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"
    simulator.act("pay", code)
    assert (await merchant.precreate())["sub_code"] == "ACQ.TRADE_HAS_SUCCESS"


async def test_a_page_that_was_tampered_with_does_not_open(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page = merchant.held()
    cheap = {**page, "fields": {"biz_content": '{"total_amount":"0.01"}'}}
    assert simulator.act("pay", cheap).code == "isv.invalid-signature"
    order = merchant.order_string().replace("88.88", "0.01")
    assert simulator.act("pay", order).code == "isv.invalid-signature"
    assert not simulator.act("pay", "https://elsewhere.example/").ok
    assert simulator.books() == {}
