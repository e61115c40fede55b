"""The amounts that make the sandbox do something in particular."""

from enum import StrEnum


class Outcome(StrEnum):
    """What becomes of a charge, chosen by the last four digits of its amount."""

    PAYER_DECIDES = "the payer pays, or does not, on the page"
    PAID_AT_ONCE = "paid as soon as the trade exists; a notice follows"
    REFUSED = "opening is refused for good"
    ANSWER_LOST = "opened, but the first answer is lost on the way"
    UNAVAILABLE = "the gateway is not reached, whenever it is to be opened"
    PAID_ON_CLOSE = "whoever closes it comes too late: that is when the payer pays"
    REFUND_STUCK = "payable; a refund of it fails, and an operator must look"
    NO_NOTICE = "paid as soon as the trade exists; nobody tells"
    REFUND_SLOW = "payable; a refund of it takes a minute"
    PAID_SHORT = "paid at once, one minor unit short; a notice follows"


OUTCOMES: dict[int, Outcome] = {
    9001: Outcome.PAID_AT_ONCE,
    9002: Outcome.REFUSED,
    9003: Outcome.ANSWER_LOST,
    9004: Outcome.UNAVAILABLE,
    9005: Outcome.PAID_ON_CLOSE,
    9006: Outcome.REFUND_STUCK,
    9007: Outcome.NO_NOTICE,
    9008: Outcome.REFUND_SLOW,
    9009: Outcome.PAID_SHORT,
}
"""By the amount's last four digits in minor units: 90.01, 190.01, 290.01 CNY are paid at once."""

PAID_BY_ITSELF = frozenset({Outcome.PAID_AT_ONCE, Outcome.NO_NOTICE, Outcome.PAID_SHORT})


def outcome_of(minor: int) -> Outcome:
    """Return what becomes of a charge of that many minor units."""
    return OUTCOMES.get(minor % 10_000, Outcome.PAYER_DECIDES)
