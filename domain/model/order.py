"""Order: what is owed, by whom, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retender.domain.model.errors import AmountInvalid
from retender.domain.model.money import Money
from retender.domain.model.text import SUBJECT_MAX, check_number, check_text, check_user
from retender.domain.model.transition import OrderState


class EndReason(StrEnum):
    """Why an order stopped taking payments without being paid."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class LatePayment(StrEnum):
    """What becomes of money that comes after the shop has given an order up; part of the API."""

    REFUND = "refund"
    """It is a surplus, and goes back."""
    ACCEPT = "accept"
    """It pays the order, if it comes before the order is CLOSED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    What is owed. However often it is paid for, an order has one winner at most.

    Attributes:
        order_id: ours, time-ordered, never shown.
        order_no: the shop's own number, unique.
        user_id: who pays; nobody else may see or pay it.
        subject: what the payer reads.
        amount: what is due; never zero.
        key: groups a payer's orders of which one at most may be open, or None.
        created_at: when it was placed.
        shown_until: the deadline that the payer sees.
        state: see the table in ``transition``.
        winner: the attempt that paid it; set exactly when PAID.
        end_reason: why it is EXPIRING, CANCELLING or CLOSED; a PAID order has none.
        late_payment: the shop's word when it gave the order up; None if it did not.
        version: counts changes; a lock where the database needs one.

    """

    order_id: str
    order_no: str
    user_id: str
    subject: str
    amount: Money
    created_at: datetime
    shown_until: datetime
    key: str | None = None
    state: OrderState = OrderState.NEW
    winner: str | None = None
    end_reason: EndReason | None = None
    late_payment: LatePayment | None = None
    version: int = 0

    def __post_init__(self) -> None:
        """Refuse what could not be an order; stores read back only what passed."""
        check_number("order_no", self.order_no)
        check_user("user_id", self.user_id)
        check_text("subject", self.subject, SUBJECT_MAX)
        if self.key is not None:
            check_user("key", self.key)
        if self.amount.minor == 0:
            raise AmountInvalid(0, "an order is for more than nothing")

    def differs_from(self, other: "Order") -> list[str]:
        """Name what the shop would notice between two orders of one number."""
        fields = ("user_id", "subject", "amount", "key")
        names = [name for name in fields if getattr(self, name) != getattr(other, name)]
        if self.shown_until - self.created_at != other.shown_until - other.created_at:
            names.append("pay_within")
        return names
