"""Orders: what is owed, as a unit of work keeps it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from retender.domain.model.cause import Cause
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.transition import OrderEvent


class Orders(Protocol):
    """The orders."""

    async def add(self, order: Order) -> bool:
        """
        Keep a new order.

        False if its ``order_no`` is taken, or if it has a ``key`` under which the
        user has a NEW order; nothing is changed then.
        """

    async def get(self, order_no: str) -> Order | None:
        """Return the order of the shop's number."""

    async def with_sums(self, order_no: str) -> tuple[Order, OrderSums] | None:
        """
        Return the order of the shop's number, and what its attempts and refunds add up to.

        Taken is what its CAPTURED attempts and its further captures took; given back are refunds
        that are DONE, going back those that have not ENDED.
        """

    async def by_id(self, order_id: str) -> Order | None:
        """Return the order of our id."""

    async def open_under(self, user_id: str, key: str) -> Order | None:
        """Return the payer's NEW order under this key."""

    async def hold_new(self, order_id: str, now: datetime) -> bool:
        """
        Lock the order for this transaction if it is NEW and ``now < shown_until``.

        It counts ``version`` up, in one conditional update: whoever comes second
        waits for this transaction's end, then sees what it did.
        """

    async def hold(self, order_id: str) -> bool:
        """Lock the order for this transaction, whatever its state; False if there is none."""

    async def move(
        self,
        order_id: str,
        event: OrderEvent,
        *,
        at: datetime,
        cause: Cause,
        winner: str | None = None,
        end_reason: EndReason | None = None,
        late_payment: LatePayment | None = None,
    ) -> bool:
        """
        Change state if the table allows it; ``winner`` is set exactly with CAPTURED.

        ``end_reason`` and ``late_payment`` are kept where given. A PAID order has no end
        reason: what was about to end it did not.
        """

    async def past_deadline(self, now: datetime, limit: int) -> Sequence[Order | RowUnreadable]:
        """
        Return NEW orders with ``shown_until <= now``, the oldest first.

        One that cannot be read stands in its place as its error. One that waits for a human
        as ROW_UNREADABLE is left out: it holds up no other.
        """

    async def expiring_without_live_attempts(self, limit: int) -> Sequence[Order | RowUnreadable]:
        """Return orders that are ENDING and have no live attempt; the rest as ``past_deadline``."""
