"""Every documented word of Alipay's has one meaning, and an undocumented one none."""

import pytest

from retender.domain.model.errors import Refusal
from retender.plugins.alipay.codes import (
    BILL_CODES,
    CLOSE_CODES,
    PAY_CODES,
    QUERY_CODES,
    REFUND_CODES,
    REFUND_QUERY_CODES,
    TRADE_STATES,
    Doubt,
    Meaning,
    _table,
    meaning_of,
)
from retender.ports.payment_provider import ReceiptState

EVERY_TABLE = [
    PAY_CODES,
    QUERY_CODES,
    CLOSE_CODES,
    REFUND_CODES,
    REFUND_QUERY_CODES,
    BILL_CODES,
]


@pytest.mark.parametrize(
    ("sub_code", "meaning"),
    [
        ("ACQ.SYSTEM_ERROR", Doubt.UNSURE),
        ("ACQ.TRADE_HAS_SUCCESS", Refusal.ALREADY_PAID),
        ("ACQ.CONTEXT_INCONSISTENT", Refusal.NEW_NUMBER),
        ("ACQ.TRADE_PAYINFO_INCONSISTENT", Refusal.NEW_NUMBER),
        ("TRADE_PAYINFO_INCONSISTENT", Refusal.NEW_NUMBER),
        ("ACQ.SOMETHING_INCONSISTENT_HERE", Refusal.NEW_NUMBER),
        ("ACQ.TRADE_HAS_CLOSE", Refusal.NEW_NUMBER),
        ("ACQ.TRADE_BUYER_NOT_MATCH", Refusal.NEW_NUMBER),
        ("ACQ.APPLY_PC_MERCHANT_CODE_ERROR", Refusal.NEW_NUMBER),
        ("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", Refusal.REJECTED),
        ("ACQ.BUYER_BALANCE_NOT_ENOUGH", Refusal.NOT_NOW),
        ("ACQ.NEVER_HEARD_OF", Doubt.UNKNOWN),
        (None, Doubt.UNKNOWN),
    ],
)
def test_a_failed_payment_request_means(sub_code: str | None, meaning: Meaning) -> None:
    assert meaning_of("40004", sub_code, PAY_CODES) is meaning


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_alipays_own_doubt_is_never_a_no(table: dict[str, Meaning]) -> None:
    for code, sub_code in [
        ("20000", "isp.unknow-error"),
        ("20000", None),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("40004", "ACQ.NEVER_HEARD_OF"),
        ("40005", "ACQ.NEVER_HEARD_OF"),
        ("40004", None),
        ("99999", None),
    ]:
        assert isinstance(meaning_of(code, sub_code, table), Doubt)


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_who_is_too_fast_may_ask_again(table: dict[str, Meaning]) -> None:
    assert meaning_of("40005", "isv.app-call-limited", table) is Refusal.NOT_NOW


def test_wrong_parameters_end_a_payment_request_but_say_nothing_in_a_query() -> None:
    assert meaning_of("40002", "isv.invalid-parameter", PAY_CODES) is Refusal.REJECTED
    for table in (QUERY_CODES, CLOSE_CODES, REFUND_QUERY_CODES):
        assert meaning_of("40002", "isv.invalid-parameter", table) is Refusal.NOT_NOW
        assert Refusal.REJECTED not in table.values()


def test_no_trade_is_not_closed() -> None:
    for table in (QUERY_CODES, CLOSE_CODES, REFUND_QUERY_CODES):
        assert meaning_of("40004", "ACQ.TRADE_NOT_EXIST", table) is Doubt.NO_TRADE


@pytest.mark.parametrize("code", ["20001", "40001", "40002", "40003", "40005", "40006"])
def test_what_the_gateway_itself_refuses_says_nothing_of_the_trade(code: str) -> None:
    """But a payment request that it does not understand is wrong every time."""
    tables = [PAY_CODES, QUERY_CODES, CLOSE_CODES, REFUND_CODES, REFUND_QUERY_CODES, BILL_CODES]
    meanings = [meaning_of(code, "isv.whatever", table) for table in tables]
    pay = Refusal.REJECTED if code in {"40001", "40002"} else Refusal.NOT_NOW
    assert meanings == [pay, *[Refusal.NOT_NOW] * 5]


def test_the_gateways_own_doubt_is_told_from_a_word_that_we_do_not_know() -> None:
    for table in EVERY_TABLE:
        assert meaning_of("20000", None, table) is Doubt.UNSURE
        assert meaning_of("99999", None, table) is Doubt.UNKNOWN


def test_every_state_of_a_trade_has_its_meaning() -> None:
    """One whose time for refunds is over was paid all the same."""
    assert dict(TRADE_STATES) == {
        "WAIT_BUYER_PAY": ReceiptState.OPEN,
        "TRADE_SUCCESS": ReceiptState.PAID,
        "TRADE_FINISHED": ReceiptState.PAID,
        "TRADE_CLOSED": ReceiptState.CLOSED,
    }


def test_every_word_on_a_bill_has_its_meaning() -> None:
    assert dict(BILL_CODES) == {
        "NO_BILL_DATA": Refusal.REJECTED,
        "BILL_NOT_EXIST": Refusal.NOT_NOW,
        "INVAILID_ARGUMENTS": Refusal.REJECTED,
        "SYSTEM_RATE_LIMIT": Refusal.NOT_NOW,
        "USER_RATE_LIMIT": Refusal.NOT_NOW,
        "ACQ.SYSTEM_ERROR": Doubt.UNSURE,
    }


def test_a_word_with_two_meanings_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match=r"ACQ\.TWICE stands in two groups"):
        _table((Doubt.UNSURE, "ONCE TWICE"), (Refusal.NOT_NOW, "TWICE"))


def test_a_refund_number_with_another_amount_is_spent() -> None:
    assert meaning_of("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", REFUND_CODES) is (
        Refusal.NEW_NUMBER
    )
