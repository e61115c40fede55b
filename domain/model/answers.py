"""What a provider can say of a charge or of a refund; receipts and the story bear it."""

from enum import StrEnum


class ReceiptState(StrEnum):
    """What a provider says of a charge."""

    NOT_FOUND = "not found"
    """It knows no trade of that number *now*; its page may still make one."""
    OPEN = "open"
    """A trade exists and is not paid."""
    PAID = "paid"
    """The money was taken; whatever was given back since does not change that."""
    CLOSED = "closed"
    """The trade can never be paid."""


class RefundReceiptState(StrEnum):
    """What a provider says of a refund."""

    NOT_FOUND = "not found"
    """It never accepted that number: sending it again is safe."""
    PENDING = "pending"
    """Accepted, not finished."""
    DONE = "done"
    """The money went back."""
    FAILED = "failed"
    """It will not go back under this number; an operator must look."""
