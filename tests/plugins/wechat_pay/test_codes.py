"""Every documented word of WeChat Pay's means one thing at each call, and what it costs is seen."""

import pytest

from retender.domain.model.errors import Refusal
from retender.plugins.wechat_pay import codes
from retender.plugins.wechat_pay.codes import Doubt
from retender.ports.payment_provider import ReceiptState, RefundReceiptState

CALLS = ("PREPAY", "QUERY", "CLOSE", "REFUND", "REFUND_QUERY", "BILL", "CERTIFICATES")

# By the calls above; "-" is a word that says nothing there: whoever called does not know.
MEANINGS = """
    APPID_MCHID_NOT_MATCH  REJECTED      NOT_NOW  NOT_NOW  REJECTED  NOT_NOW  REJECTED  REJECTED
    FREQUENCY_LIMITED      NOT_NOW       NOT_NOW  NOT_NOW  LOOK      NOT_NOW  NOT_NOW   NOT_NOW
    INVALID_REQUEST        LOOK          NOT_NOW  LOOK     REJECTED  NOT_NOW  REJECTED  REJECTED
    MCH_NOT_EXISTS         REJECTED      NOT_NOW  NOT_NOW  REJECTED  NOT_NOW  REJECTED  REJECTED
    NOT_ENOUGH             -             -        -        NOT_NOW   -        -         -
    NO_AUTH                REJECTED      NOT_NOW  NOT_NOW  REJECTED  NOT_NOW  REJECTED  REJECTED
    NO_STATEMENT_EXIST     -             -        -        -         -        REJECTED  -
    ORDERNOTEXIST          -             ABSENT   ABSENT   -         -        -         -
    ORDERPAID              ALREADY_PAID  -        LOOK     -         -        -         -
    ORDER_CLOSED           NEW_NUMBER    -        LOOK     -         -        -         -
    ORDER_NOT_EXIST        -             ABSENT   ABSENT   -         -        -         -
    ORDER_PAID             ALREADY_PAID  -        LOOK     -         -        -         -
    OUT_TRADE_NO_USED      NEW_NUMBER    -        -        -         -        -         -
    PARAM_ERROR            REJECTED      NOT_NOW  NOT_NOW  REJECTED  NOT_NOW  REJECTED  REJECTED
    RATELIMIT_EXCEEDED     NOT_NOW       NOT_NOW  NOT_NOW  LOOK      NOT_NOW  NOT_NOW   NOT_NOW
    REFUND_FEE_MISMATCH    -             -        -        REJECTED  -        -         -
    RESOURCE_NOT_EXISTS    -             -        ABSENT   REJECTED  ABSENT   -         ABSENT
    RULE_LIMIT             REJECTED      NOT_NOW  LOOK     -         -        -         -
    SERVICE_UNAVAILABLE    UNSURE        UNSURE   UNSURE   UNSURE    UNSURE   UNSURE    UNSURE
    SIGN_ERROR             REJECTED      NOT_NOW  NOT_NOW  NOT_NOW   NOT_NOW  REJECTED  REJECTED
    STATEMENT_CREATING     -             -        -        -         -        NOT_NOW   -
    SYSTEM_ERROR           UNSURE        UNSURE   UNSURE   UNSURE    UNSURE   UNSURE    UNSURE
    TRADE_ERROR            -             NOT_NOW  LOOK     -         -        -         -
    TRADE_OVERDUE          -             -        -        REJECTED  -        -         -
    USER_ACCOUNT_ABNORMAL  -             -        -        REJECTED  -        -         -
"""


@pytest.mark.parametrize("call", CALLS)
def test_every_word_has_its_meaning_at_each_call(call):
    rows = [line.split() for line in MEANINGS.strip().splitlines()]
    told = {row[0]: row[1 + CALLS.index(call)] for row in rows}
    expected = {word: meaning for word, meaning in told.items() if meaning != "-"}
    assert {word: meaning.name for word, meaning in getattr(codes, call).items()} == expected


@pytest.mark.parametrize("call", ["QUERY", "CLOSE", "REFUND_QUERY"])
def test_no_refused_question_is_an_answer(call):
    """It says nothing of what was asked about, so it ends nothing."""
    finals = {Refusal.REJECTED, Refusal.NEW_NUMBER, Refusal.ALREADY_PAID}
    assert finals.isdisjoint(getattr(codes, call).values())


def test_what_may_have_been_done_all_the_same_is_never_a_no():
    for call in CALLS:
        table = getattr(codes, call)
        assert {table[word] for word in ("SYSTEM_ERROR", "SERVICE_UNAVAILABLE")} == {Doubt.UNSURE}


def test_the_finer_reasons_say_whether_a_number_is_spent_or_paid():
    assert codes.PREPAY_REASONS == {
        "268498688": Refusal.NEW_NUMBER,
        "268447914": Refusal.NEW_NUMBER,
        "268498689": Refusal.ALREADY_PAID,
        "268449538": Refusal.ALREADY_PAID,
        "270924358": Refusal.REJECTED,
    }


def test_a_trade_of_which_money_went_back_was_paid():
    assert codes.TRADE_STATES == {
        "NOTPAY": ReceiptState.OPEN,
        "SUCCESS": ReceiptState.PAID,
        "REFUND": ReceiptState.PAID,
        "CLOSED": ReceiptState.CLOSED,
    }


def test_a_refund_that_ended_without_the_money_having_moved_has_failed():
    assert codes.REFUND_STATES == {
        "PROCESSING": RefundReceiptState.PENDING,
        "SUCCESS": RefundReceiptState.DONE,
        "CLOSED": RefundReceiptState.FAILED,
        "ABNORMAL": RefundReceiptState.FAILED,
    }
