"""What a pay request answers: a page, or that the provider's answer is still unknown."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from retender.domain.model.attempt import Attempt
from retender.domain.model.order import Order
from retender.domain.model.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReady:
    """
    A page that pays the order now.

    Attributes:
        order: what it pays.
        attempt: under which attempt.
        page: what to show.
        page_until: until when the page itself works.
        pay_until: the deadline that the payer sees.
        reused: the stored page was handed out again; nobody was asked.

    """

    order: Order
    attempt: Attempt
    page: Page = field(repr=False)
    page_until: datetime
    pay_until: datetime
    reused: bool

    @classmethod
    def stored(cls, order: Order, attempt: Attempt, now: datetime) -> Self | None:
        """Return an attempt's stored page while it is good; None if there is none to show."""
        return None if attempt.good_page(now) is None else cls.of(order, attempt, reused=True)

    @classmethod
    def of(cls, order: Order, attempt: Attempt, *, reused: bool) -> Self | None:
        """Return an attempt's page as it stands there; None, if none does."""
        if attempt.page is None or attempt.page_until is None:
            return None
        return cls(
            order=order,
            attempt=attempt,
            page=attempt.page,
            page_until=attempt.page_until,
            pay_until=order.shown_until,
            reused=reused,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPending:
    """
    The provider has not answered, or another request is asking: not a failure.

    Pay again after ``retry_after``: that asks under the same number, or returns
    the page that came meanwhile.
    """

    order: Order
    attempt: Attempt
    retry_after: timedelta
