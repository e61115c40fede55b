"""
The branch of the error tree about giving money back.

    RefundError
    ├── RefundNotExist      no such number
    └── RefundExceedsPaid   more than was paid and is left
"""

from retender.domain.model.errors import RetenderError, quoted


class RefundError(RetenderError):
    """A refund cannot be made like this."""


class RefundNotExist(RefundError):
    """No refund bears this number."""

    code = "REFUND_NOT_EXIST"

    def __init__(self, refund_no: str) -> None:
        """Repeat the number."""
        super().__init__(f"There is no refund {quoted(refund_no)}.")


class RefundExceedsPaid(RefundError):
    """More is asked back than was paid and not yet given back."""

    code = "REFUND_EXCEEDS_PAID"
