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
    Doubt,
    Meaning,
    meaning_of,
)

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


def test_a_refund_number_with_another_amount_is_spent() -> None:
    assert meaning_of("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", REFUND_CODES) is (
        Refusal.NEW_NUMBER
    )
