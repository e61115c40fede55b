"""
What Alipay's words mean in ours: states and error codes as tables.

Nothing is guessed. A word that stands in no table means ``UNKNOWN``: whoever
called does not know what happened, and says so.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from retender.domain.model.errors import Refusal
from retender.ports.payment_provider import ReceiptState

SUCCESS: Final = "10000"


class Doubt(Enum):
    """Answers that say neither yes nor no."""

    UNSURE = "unsure"
    """Alipay itself does not know, and says so in so many words."""
    UNKNOWN = "unknown"
    """We do not know the word."""
    ASK = "ask"
    """The trade is not in a state for this; a query tells in which it is."""
    NO_TRADE = "no trade"
    """There is no trade of this number *now*."""


Meaning: TypeAlias = Refusal | Doubt


def _table(
    *groups: tuple[Meaning, str], bare: Mapping[str, Meaning] = MappingProxyType({})
) -> Mapping[str, Meaning]:
    """Spread groups of words, the commonest prefix left out, into one table."""
    table = dict(bare)
    for meaning, words in groups:
        for word in words.split():
            code = word if "." in word else f"ACQ.{word}"
            if code in table:
                raise ValueError(f"{code} stands in two groups")
            table[code] = meaning
    return MappingProxyType(table)


TRADE_STATES: Final[Mapping[str, ReceiptState]] = MappingProxyType(
    {
        "WAIT_BUYER_PAY": ReceiptState.OPEN,
        "TRADE_SUCCESS": ReceiptState.PAID,
        "TRADE_FINISHED": ReceiptState.PAID,
        # Unless it bears the time of a payment: then it was paid and fully refunded.
        "TRADE_CLOSED": ReceiptState.CLOSED,
    }
)

# The gateway's own codes, when no business code says more. Whatever displeases it, it
# did nothing; of an earlier trade of that number it says nothing.
GATEWAY_CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "20000": Doubt.UNSURE,
        "20001": Refusal.NOT_NOW,
        "40001": Refusal.NOT_NOW,
        "40002": Refusal.NOT_NOW,
        "40003": Refusal.NOT_NOW,
        "40005": Refusal.NOT_NOW,
        "40006": Refusal.NOT_NOW,
    }
)

_UNSURE = "SYSTEM_ERROR AQC.SYSTEM_ERROR isp.unknow-error aop.unknow-error"

# Asking for a payment: precreate, and the codes that a cashier page shows.
PAY_CODES: Final = _table(
    (Doubt.UNSURE, _UNSURE),
    (Refusal.ALREADY_PAID, "TRADE_HAS_SUCCESS"),
    (
        Refusal.NEW_NUMBER,
        """CONTEXT_INCONSISTENT TRADE_PAYINFO_INCONSISTENT TRADE_HAS_CLOSE
        TRADE_BUYER_NOT_MATCH APPLY_PC_MERCHANT_CODE_ERROR DUP_OUT_ORDER""",
    ),
    (
        Refusal.REJECTED,
        """INVALID_PARAMETER ACCESS_FORBIDDEN PARTNER_ERROR EXIST_FORBIDDEN_WORD
        TOTAL_FEE_EXCEED INVALID_STORE_ID INVALID_RECEIVE_ACCOUNT SELLER_BEEN_BLOCKED
        SELLER_NOT_EXIST BUYER_SELLER_EQUAL BEYOND_PAY_RESTRICTION
        BEYOND_PER_RECEIPT_RESTRICTION BEYOND_PER_RECEIPT_DAY_RESTRICTION
        BEYOND_PER_RECEIPT_SINGLE_RESTRICTION MERCHANT_PERM_RECEIPT_SUSPEND_LIMIT
        MERCHANT_PERM_RECEIPT_SINGLE_LIMIT MERCHANT_PERM_RECEIPT_DAY_LIMIT
        MERCHANT_STATUS_NOT_NORMAL NOW_TIME_AFTER_EXPIRE_TIME_ERROR
        RISK_MERCHANT_IP_NOT_EXIST SUB_GOODS_SIZE_MAX_COUNT""",
    ),
    (
        # The payer may try again with other funds.
        Refusal.NOT_NOW,
        """BUYER_ENABLE_STATUS_FORBID BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR
        BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR ERROR_BUYER_CERTIFY_LEVEL_LIMIT
        BUYER_BALANCE_NOT_ENOUGH BUYER_BANKCARD_BALANCE_NOT_ENOUGH PAYMENT_REQUEST_HAS_RISK
        NO_PAYMENT_INSTRUMENTS_AVAILABLE""",
    ),
    bare={"40001": Refusal.REJECTED, "40002": Refusal.REJECTED},
)

# A query that is refused says nothing of the trade, so none of its answers is final.
QUERY_CODES: Final = _table(
    (Doubt.UNSURE, _UNSURE),
    (Doubt.NO_TRADE, "TRADE_NOT_EXIST"),
    (Refusal.NOT_NOW, "INVALID_PARAMETER ENTERPRISE_PAY_BIZ_ERROR"),
)

CLOSE_CODES: Final = _table(
    (Doubt.UNSURE, _UNSURE),
    (Doubt.NO_TRADE, "TRADE_NOT_EXIST"),
    (Doubt.ASK, "TRADE_STATUS_ERROR REASON_TRADE_STATUS_INVALID REASON_ILLEGAL_STATUS"),
    (Refusal.NOT_NOW, "INVALID_PARAMETER"),
)

REFUND_CODES: Final = _table(
    (Doubt.UNSURE, _UNSURE),
    (Refusal.NOT_NOW, "SELLER_BALANCE_NOT_ENOUGH REASON_TRADE_BEEN_FREEZEN"),
    (
        # The number is spent on another amount: under this one nothing will move.
        Refusal.NEW_NUMBER,
        "DISCORDANT_REPEAT_REQUEST",
    ),
    (
        Refusal.REJECTED,
        """INVALID_PARAMETER REFUND_AMT_NOT_EQUAL_TOTAL TRADE_NOT_EXIST TRADE_HAS_FINISHED
        TRADE_STATUS_ERROR REASON_TRADE_REFUND_FEE_ERR TRADE_NOT_ALLOW_REFUND REFUND_FEE_ERROR
        TRADE_HAS_CLOSE BUYER_NOT_EXIST BUYER_ENABLE_STATUS_FORBID REASON_TRADE_STATUS_INVALID
        NOT_ALLOW_PARTIAL_REFUND ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND BUYER_ERROR
        CURRENCY_NOT_SUPPORT ALLOC_AMOUNT_VALIDATE_ERROR USER_NOT_MATCH_ERR TRADE_SETTLE_ERROR
        REFUND_CHARGE_ERROR ENTERPRISE_PAY_BIZ_ERROR OVERDRAFT_ASSIGN_ACCOUNT_INVALID
        OVERDRAFT_AGREEMENT_NOT_MATCH REFUND_ACCOUNT_NOT_EXIST CUSTOMER_VALIDATE_ERROR
        REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST REFUNDALLOC_UNAUTH_LIMIT""",
    ),
)

REFUND_QUERY_CODES: Final = _table(
    (Doubt.UNSURE, _UNSURE),
    (Doubt.NO_TRADE, "TRADE_NOT_EXIST"),
    (Refusal.NOT_NOW, "INVALID_PARAMETER ENTERPRISE_PAY_BIZ_ERROR"),
    bare={"TRADE_NOT_EXIST": Doubt.NO_TRADE},
)

# These bear no prefix.
BILL_CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "NO_BILL_DATA": Refusal.REJECTED,
        "BILL_NOT_EXIST": Refusal.NOT_NOW,
        "INVAILID_ARGUMENTS": Refusal.REJECTED,
        "SYSTEM_RATE_LIMIT": Refusal.NOT_NOW,
        "USER_RATE_LIMIT": Refusal.NOT_NOW,
        "ACQ.SYSTEM_ERROR": Doubt.UNSURE,
    }
)


def meaning_of(code: str, sub_code: str | None, table: Mapping[str, Meaning]) -> Meaning:
    """
    Say what an answer other than success means.

    The business code says more than the gateway's, so it is looked up first.
    Codes of the shape ``...INCONSISTENT`` exist that no list names; they all
    say that the number is bound to other parameters.
    """
    if sub_code is not None:
        if sub_code in table:
            return table[sub_code]
        if table is PAY_CODES and "INCONSISTENT" in sub_code:
            return Refusal.NEW_NUMBER
        if sub_code.startswith("ACQ."):
            return Doubt.UNKNOWN
    return table.get(code) or GATEWAY_CODES.get(code, Doubt.UNKNOWN)
