"""
The branch of the error tree about trying an order more than once.

    PayOrderError
    ├── TooManyAttempts     too many pages may be paid, or were begun; says when there is room
    ├── PayOrderContended   others press for the same order at this moment; press again
    ├── PayOrderInterrupted the store failed in the middle of it; press again
    ├── PaymentInQuestion   money was taken, and not as it was asked for; a human looks
    └── OwnClockOff         our own clock is wrong; nothing is begun until it is set
"""

from datetime import datetime, timedelta

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


class PayOrderContended(PayOrderError):
    """Others press for the same order at this moment, and were faster each time; press again."""

    code = "PAY_ORDER_CONTENDED"

    def __init__(self, order_no: str, rounds: int) -> None:
        """Say how often it was tried."""
        super().__init__(
            f"Order {order_no} found no page in {rounds} rounds, others press too; press again.",
            order_no=order_no,
        )


class PayOrderInterrupted(PayOrderError):
    """
    The store failed in the middle: something was written down, and not what was asked for.

    The message says what may have changed. The same request goes on from there.
    """

    code = "PAY_ORDER_INTERRUPTED"

    def __init__(self, order_no: str, what: str) -> None:
        """Say what is not done, and what may have changed."""
        message = f"The database of order {order_no} is busy or full: {what}; press again."
        super().__init__(message, order_no=order_no)


class PaymentInQuestion(PayOrderError):
    """
    A provider says that money was taken for the order, and not as it was asked for.

    It pays the order no less than a human finds, so the payer must not pay a second time
    before one has looked; an open call names what was taken.
    """

    code = "PAY_ORDER_IN_QUESTION"

    def __init__(self, order_no: str, account: str) -> None:
        """Say whose word it is."""
        super().__init__(
            f"{account} says that money was taken for order {order_no}, and not as it was asked "
            "for: a human looks at it; do not pay again.",
            order_no=order_no,
            account=account,
        )


class OwnClockOff(PayOrderError):
    """
    Our own clock is surely wrong, by more than ``pay.watch_seconds``: nothing new is begun.

    Two independent others, gateways or a database on another host, agree on it. An operator
    sets the clock.
    """

    code = "CLOCK_OFF"

    def __init__(self, difference: timedelta, allowed: timedelta) -> None:
        """Say by how much, and what is allowed."""
        second = timedelta(seconds=1)
        apart = abs(difference) // second
        side = "behind" if difference > timedelta(0) else "ahead"
        super().__init__(
            f"Our own clock is {apart} s {side}, by the word of others who agree, and "
            f"{allowed // second} s are allowed for: nothing was begun; set the clock.",
            seconds_apart=apart,
            seconds_allowed=allowed // second,
        )
