"""WeChat Pay's status and error codes as data: what each one means for the money."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from retender.domain.model.errors import Refusal
from retender.ports.payment_provider import ReceiptState, RefundReceiptState


class Doubt(Enum):
    """Answers that are no clear no."""

    ABSENT = "absent"
    """Nothing is there under that number *now*."""
    LOOK = "look"
    """One code for several things: a query must tell which."""
    UNSURE = "unsure"
    """It may have been done all the same."""


Meaning: TypeAlias = Refusal | Doubt
"""
What an error code tells us; a code that stands in no table tells us nothing.

Errors are not signed, so no meaning may cost money if the code was a lie: an
absence is believed by the core only after the charge's expiry, a spent number
stays watched, and a refused refund waits for a person.
"""

_SET_UP: Mapping[str, Meaning] = {
    "APPID_MCHID_NOT_MATCH": Refusal.REJECTED,
    "MCH_NOT_EXISTS": Refusal.REJECTED,
    "NO_AUTH": Refusal.REJECTED,
    "PARAM_ERROR": Refusal.REJECTED,
    "SIGN_ERROR": Refusal.REJECTED,
}

_TOO_FAST: Mapping[str, Meaning] = {
    "FREQUENCY_LIMITED": Refusal.NOT_NOW,
    "RATELIMIT_EXCEEDED": Refusal.NOT_NOW,
}

_BROKEN: Mapping[str, Meaning] = {
    "SERVICE_UNAVAILABLE": Doubt.UNSURE,
    "SYSTEM_ERROR": Doubt.UNSURE,
}

PREPAY: Mapping[str, Meaning] = {
    **_SET_UP,
    **_TOO_FAST,
    **_BROKEN,
    "RULE_LIMIT": Refusal.REJECTED,
    "OUT_TRADE_NO_USED": Refusal.NEW_NUMBER,
    "ORDER_CLOSED": Refusal.NEW_NUMBER,
    "ORDER_PAID": Refusal.ALREADY_PAID,
    "ORDERPAID": Refusal.ALREADY_PAID,
    # Some accounts get this one for a repeated and for a paid number as well,
    # told apart in the message only, which is for people.
    "INVALID_REQUEST": Doubt.LOOK,
}

PREPAY_REASONS: Mapping[str, Meaning] = {
    "268498688": Refusal.NEW_NUMBER,  # the number came before with other parameters
    "268447914": Refusal.NEW_NUMBER,  # the order is no longer valid
    "268498689": Refusal.ALREADY_PAID,
    "268449538": Refusal.ALREADY_PAID,
    "270924358": Refusal.REJECTED,  # a field that the endpoint does not know
}
"""The number after the last dash of ``Request-ID``; finer than the code where it is given."""

# A refused question says nothing of what was asked about: it is asked again.
QUERY: Mapping[str, Meaning] = {
    **dict.fromkeys(_SET_UP, Refusal.NOT_NOW),
    **_TOO_FAST,
    **_BROKEN,
    "INVALID_REQUEST": Refusal.NOT_NOW,
    "RULE_LIMIT": Refusal.NOT_NOW,
    "TRADE_ERROR": Refusal.NOT_NOW,
    "ORDER_NOT_EXIST": Doubt.ABSENT,
    "ORDERNOTEXIST": Doubt.ABSENT,
}

# Whatever stands in the way of closing, the order itself says what is true now.
CLOSE: Mapping[str, Meaning] = {
    **dict.fromkeys(_SET_UP, Refusal.NOT_NOW),
    **_TOO_FAST,
    **_BROKEN,
    "INVALID_REQUEST": Doubt.LOOK,
    "ORDER_CLOSED": Doubt.LOOK,
    "ORDER_PAID": Doubt.LOOK,
    "ORDERPAID": Doubt.LOOK,
    "RULE_LIMIT": Doubt.LOOK,
    "TRADE_ERROR": Doubt.LOOK,
    "ORDER_NOT_EXIST": Doubt.ABSENT,
    "ORDERNOTEXIST": Doubt.ABSENT,
    "RESOURCE_NOT_EXISTS": Doubt.ABSENT,
}

REFUND: Mapping[str, Meaning] = {
    **_SET_UP,
    **_BROKEN,
    # Our keys, not the refund, are wrong: it goes out once they are right.
    "SIGN_ERROR": Refusal.NOT_NOW,
    # Unlike elsewhere the refund may be under way.
    **dict.fromkeys(_TOO_FAST, Doubt.LOOK),
    "INVALID_REQUEST": Refusal.REJECTED,
    "NOT_ENOUGH": Refusal.NOT_NOW,
    "REFUND_FEE_MISMATCH": Refusal.REJECTED,
    "RESOURCE_NOT_EXISTS": Refusal.REJECTED,
    "TRADE_OVERDUE": Refusal.REJECTED,
    "USER_ACCOUNT_ABNORMAL": Refusal.REJECTED,
}

REFUND_QUERY: Mapping[str, Meaning] = {
    **dict.fromkeys(_SET_UP, Refusal.NOT_NOW),
    **_TOO_FAST,
    **_BROKEN,
    "INVALID_REQUEST": Refusal.NOT_NOW,
    "RESOURCE_NOT_EXISTS": Doubt.ABSENT,
}

BILL: Mapping[str, Meaning] = {
    **_SET_UP,
    **_TOO_FAST,
    **_BROKEN,
    "INVALID_REQUEST": Refusal.REJECTED,
    "NO_STATEMENT_EXIST": Refusal.REJECTED,
    "STATEMENT_CREATING": Refusal.NOT_NOW,
}

CERTIFICATES: Mapping[str, Meaning] = {
    **_SET_UP,
    **_TOO_FAST,
    **_BROKEN,
    "INVALID_REQUEST": Refusal.REJECTED,
    # A merchant of the public-key age has none.
    "RESOURCE_NOT_EXISTS": Doubt.ABSENT,
}

# The states of barcode payments are missing on purpose: no page here makes one.
TRADE_STATES: Mapping[str, ReceiptState] = {
    "NOTPAY": ReceiptState.OPEN,
    "SUCCESS": ReceiptState.PAID,
    # Any refund, even of one fen, turns SUCCESS into this: the money was taken.
    "REFUND": ReceiptState.PAID,
    "CLOSED": ReceiptState.CLOSED,
}

REFUND_STATES: Mapping[str, RefundReceiptState] = {
    "PROCESSING": RefundReceiptState.PENDING,
    "SUCCESS": RefundReceiptState.DONE,
    "CLOSED": RefundReceiptState.FAILED,
    # The payer's card is gone: a person must say where the money goes.
    "ABNORMAL": RefundReceiptState.FAILED,
}
