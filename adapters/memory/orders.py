"""Orders in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from retender.adapters.memory.rows import Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.refund import Refund
from retender.domain.model.story import OrderChanged, StoryEntry
from retender.domain.model.transition import ENDING, OrderEvent, OrderState, transition

OwnedT = TypeVar("OwnedT", Attempt, Refund, FurtherCapture)


@dataclass(frozen=True, slots=True)
class MemoryOrders:
    """Implements ``Orders``."""

    rows: Rows

    async def add(self, order: Order) -> bool:
        """Keep a new order unless it clashes with one that is there."""
        if any(_clash(order, other) for other in self.rows.orders.values()):
            return False
        self.rows.orders[order.order_id] = order
        return True

    async def get(self, order_no: str) -> Order | None:
        """Return the order of the shop's number."""
        return next((o for o in self.rows.orders.values() if o.order_no == order_no), None)

    async def with_sums(self, order_no: str) -> tuple[Order, OrderSums] | None:
        """Return the order of the shop's number with its sums."""
        order = await self.get(order_no)
        if order is None:
            return None
        sums = OrderSums.of(
            order,
            _of(order, self.rows.attempts.values()),
            _of(order, self.rows.refunds.values()),
            _of(order, self.rows.captures.values()),
        )
        return order, sums

    async def by_id(self, order_id: str) -> Order | None:
        """Return the order of our id."""
        return self.rows.orders.get(order_id)

    async def open_under(self, user_id: str, key: str) -> Order | None:
        """Return the payer's NEW order under this key."""
        wanted = (user_id, key, OrderState.NEW)
        orders = self.rows.orders.values()
        return next((o for o in orders if (o.user_id, o.key, o.state) == wanted), None)

    async def hold_new(self, order_id: str, now: datetime) -> bool:
        """Count the version up if the order is NEW and in time."""
        order = self.rows.orders.get(order_id)
        if order is None or order.state is not OrderState.NEW or now >= order.shown_until:
            return False
        return await self.hold(order_id)

    async def hold(self, order_id: str) -> bool:
        """Count the version up; the lock is the unit of work itself."""
        order = self.rows.orders.get(order_id)
        if order is None:
            return False
        self.rows.orders[order_id] = replace(order, version=order.version + 1)
        return True

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
        """Follow the table, and leave a line in the story."""
        if (event is OrderEvent.CAPTURED) != (winner is not None):
            message = "a winner is named with CAPTURED, and with nothing else"
            raise ValueError(message)
        row = transition(event)
        order = self.rows.orders.get(order_id)
        if order is None or order.state not in row.sources:
            return False
        self.rows.orders[order_id] = replace(
            order,
            state=OrderState(row.target),
            winner=winner,
            end_reason=None if winner else end_reason or order.end_reason,
            late_payment=late_payment or order.late_payment,
            version=order.version + 1,
        )
        after = OrderState(row.target)
        changed = OrderChanged(before=order.state, after=after, cause=cause)
        self.rows.story.append(StoryEntry(order_id=order_id, at=at, fact=changed))
        return True

    async def past_deadline(self, now: datetime, limit: int) -> Sequence[Order]:
        """Return NEW orders whose time is over."""
        return self._oldest(
            limit, lambda order: order.state is OrderState.NEW and order.shown_until <= now
        )

    async def expiring_without_live_attempts(self, limit: int) -> Sequence[Order]:
        """Return orders that nothing keeps from closing."""
        alive = {a.order_id for a in self.rows.attempts.values() if a.is_live}
        return self._oldest(
            limit, lambda order: order.state in ENDING and order.order_id not in alive
        )

    def _oldest(self, limit: int, wanted: Callable[[Order], bool]) -> Sequence[Order]:
        aside = self.rows.aside()
        found = [o for o in self.rows.orders.values() if wanted(o) and o.order_id not in aside]
        return sorted(found, key=lambda order: (order.shown_until, order.order_id))[:limit]


def _clash(order: Order, other: Order) -> bool:
    return (
        order.order_id == other.order_id
        or order.order_no == other.order_no
        or (
            order.key is not None
            and (order.user_id, order.key) == (other.user_id, other.key)
            and order.state is other.state is OrderState.NEW
        )
    )


def _of(order: Order, rows: Iterable[OwnedT]) -> list[OwnedT]:
    """Return the rows that are the order's."""
    return [row for row in rows if row.order_id == order.order_id]
