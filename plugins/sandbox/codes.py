"""Every code that the sandbox answers with, and what its no means."""

from typing import Final

from retender.domain.model.errors import Refusal

OK: Final = "OK"
TRADE_UNKNOWN: Final = "TRADE_UNKNOWN"
REFUND_UNKNOWN: Final = "REFUND_UNKNOWN"

MEANING: dict[str, Refusal] = {
    "DECLINED": Refusal.REJECTED,
    "NUMBER_USED": Refusal.NEW_NUMBER,
    "TRADE_CLOSED": Refusal.NEW_NUMBER,
    "TRADE_PAID": Refusal.ALREADY_PAID,
    "TRADE_UNPAID": Refusal.REJECTED,
    TRADE_UNKNOWN: Refusal.REJECTED,
    REFUND_UNKNOWN: Refusal.REJECTED,
    "REFUND_CHANGED": Refusal.REJECTED,
    "REFUND_TOO_MUCH": Refusal.REJECTED,
    "REFUND_TOO_LATE": Refusal.REJECTED,
    "TOO_OFTEN": Refusal.NOT_NOW,
    "NOT_SIGNED": Refusal.REJECTED,
    "BAD_REQUEST": Refusal.REJECTED,
}
"""A code that does not stand here is never guessed: the call stays uncertain."""
