"""Refund: money on its way back to the payer, under a number that never changes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from retender.domain.model.errors import AmountInvalid
from retender.domain.model.money import Money
from retender.domain.model.schedule import jittered
from retender.domain.model.text import SUBJECT_MAX, check_number, check_provider_number, check_text
from retender.domain.model.transition import RefundState


class RefundCause(StrEnum):
    """Why money goes back."""

    SHOP = "shop"
    """The shop asked for it."""
    DUPLICATE = "duplicate"
    """Another attempt had paid the order."""
    CANCELLED = "cancelled"
    """The shop had given the order up, and wanted no money any more."""
    LATE = "late"
    """The order was closed when the money came."""
    FURTHER = "further"
    """It was taken once more under a number that was paid."""
    EXTERNAL = "external"
    """Another hand made it, such as the merchant's console; we only heard of it."""


AUTOMATIC = (RefundCause.DUPLICATE, RefundCause.CANCELLED, RefundCause.LATE)
"""Causes of refunds that give a whole attempt back by themselves; one for each attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """
    One refund of one captured attempt.

    Attributes:
        refund_no: how the shop or we call it; unique.
        number: the provider-side number, made at insert and never changed, so that
            sending it again refunds nothing twice; unique at its account.
        order_id: the order that was paid.
        attempt_id: the attempt whose money goes back; one automatic refund each.
        trade_no: the further capture of it that goes back; None: the attempt's own.
        account: the attempt's provider account.
        amount: how much.
        cause: why, see ``RefundCause``.
        reason: what the payer may read.
        created_at: when it was decided.
        state: see the table in ``transition``.
        tries: how often it was sent or asked after.
        sent_at: when it was sent last.
        next_try_at: when to send or ask next; None when final.
        leased_until: a worker holds it.
        provider_refund_no: the provider's own number, once known.
        problem: the provider's last no, for people.

    """

    refund_no: str
    number: str
    order_id: str
    attempt_id: str
    account: str
    amount: Money
    cause: RefundCause
    reason: str
    created_at: datetime
    state: RefundState = RefundState.DUE
    tries: int = 0
    next_try_at: datetime | None = None
    leased_until: datetime | None = None
    provider_refund_no: str | None = None
    problem: str | None = None
    trade_no: str | None = None
    sent_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be a refund."""
        check_number("refund_no", self.refund_no)
        check_provider_number(self.number)
        check_text("reason", self.reason, SUBJECT_MAX)
        if self.amount.minor == 0:
            raise AmountInvalid(0, "a refund is for more than nothing")

    @property
    def is_automatic(self) -> bool:
        """Whether it gives a whole attempt back, which is refunded with it."""
        return self.cause in AUTOMATIC

    @property
    def is_of_surplus(self) -> bool:
        """Whether it gives back what the order does not keep, rather than serving a request."""
        return self.is_automatic or self.cause is RefundCause.FURTHER

    @property
    def may_have_moved(self) -> bool:
        """
        Whether money may have gone back under it, or may still go.

        Not if its provider refused it for good, or another hand overtook it. One whose
        tries ran out is STUCK too, but nobody said no: an answer may have been lost, or be
        days late.
        """
        if self.state is RefundState.OVERTAKEN:
            return False
        return self.state is not RefundState.STUCK or self.tries >= MOST_TRIES

    def proves_absence(self, asked_at: datetime) -> bool:
        """
        Tell whether a "not found" to a question sent then means that it never arrived.

        It matters where sending a number again is not harmless: what is on its way still would
        go back, and the repeat as well.
        """
        return self.sent_at is None or asked_at >= self.sent_at + SURELY_ABSENT_AFTER

    @property
    def may_be_finished_by_hand(self) -> bool:
        """Whether it was refused for good, and its provider's people may move it all the same."""
        ours = self.cause is not RefundCause.EXTERNAL
        return ours and self.state is RefundState.STUCK and not self.may_have_moved


SURELY_ABSENT_AFTER = timedelta(minutes=15)
"""A request whose answer was lost may reach its provider late; by then it has, or never will."""


def further_refund_number(account: str, trade_no: str) -> str:
    """Return the number of the one refund that gives a further capture back."""
    digest = hashlib.sha256(f"{account}|{trade_no}".encode()).hexdigest()[:31]
    return check_provider_number(f"C{digest.upper()}")


def automatic_refund_number(attempt_number: str) -> str:
    """Return the number of the one refund that gives a surplus back: the same every time."""
    return check_provider_number(f"R{attempt_number}")


MOST_TRIES = 200
"""Sends and looks before an operator is called: about a week (see ``next_try``)."""

_RETRIES = tuple(timedelta(seconds=s) for s in (10, 60, 300, 600, 1200, 1800, 3600))


def next_try(refund: Refund, now: datetime) -> datetime:
    """Return when to send or ask again: 10 s, 1, 5, 10, 20, 30 min, then hourly; jittered."""
    wait = _RETRIES[min(refund.tries, len(_RETRIES) - 1)]
    return now + jittered(wait, refund.number, refund.tries)


def next_try_unasked(refund: Refund, now: datetime) -> datetime:
    """
    Return when to come back to a refund of which nobody could be asked.

    In as long as it has been waiting already, an hour at most, so that the pauses grow
    without a try: tries run out, and none was made. Jittered, as above.
    """
    wait = min(max(now - refund.created_at, _RETRIES[0]), _RETRIES[-1])
    return now + jittered(wait, refund.number, refund.tries)
