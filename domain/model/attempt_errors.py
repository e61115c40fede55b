"""
The branch of the error tree about how often an order may be tried.

    PayOrderError
    └── TooManyAttempts     too many pages may be paid, or were begun; says when there is room
"""

from datetime import datetime

from retender.domain.model.errors import PayOrderError


class TooManyAttempts(PayOrderError):
    """
    The order has as many attempts as it may have at one time, or in one hour.

    Finish an earlier page, or come back after ``remaining_seconds``.
    """

    code = "PAY_ORDER_TOO_MANY_ATTEMPTS"

    def __init__(self, order_no: str, why: str, until: datetime, remaining_s: int) -> None:
        """Say which bound stands in the way, and until when."""
        super().__init__(
            f"Order {order_no} takes no new page now: {why}. Finish an earlier page, or wait "
            f"{remaining_s} s.",
            order_no=order_no,
            until=until.isoformat(),
            remaining_seconds=remaining_s,
        )
        self.until = until
