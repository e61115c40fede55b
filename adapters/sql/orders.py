"""Orders in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Update, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.aside import SET_ASIDE
from retender.adapters.sql.leases import ITS, MOST, NOW, among, first_of_each, guarded, its
from retender.adapters.sql.mapping import Values, order_of, order_values, sums_of
from retender.adapters.sql.reading import apart
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.tables import attempts, captures, orders, refunds
from retender.adapters.sql.uniqueness import add_unless_taken
from retender.domain.model.cause import Cause
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import OrderChanged, StoryEntry
from retender.domain.model.transition import (
    CAPTURED,
    ENDED,
    ENDING,
    LIVE,
    OrderEvent,
    OrderState,
    RefundState,
    transition,
)


def _total(table: Table, *which: ColumnElement[bool]) -> ColumnElement[int]:
    """Add up the amounts of an order's rows in another table."""
    amounts = func.coalesce(func.sum(table.c.amount_minor), 0)
    return select(amounts).where(table.c.order_id == orders.c.order_id, *which).scalar_subquery()


_BY_ID = select(orders).where(orders.c.order_id == its())
_BY_NO = select(orders).where(orders.c.order_no == its())
_TAKEN = _total(attempts, among(attempts.c.state, CAPTURED)) + _total(captures)
_GIVEN_BACK = _total(refunds, among(refunds.c.state, [RefundState.DONE]))
_GOING_BACK = _total(refunds, ~among(refunds.c.state, ENDED))
_WITH_SUMS = select(
    orders,
    _TAKEN.label("taken_minor"),
    _GIVEN_BACK.label("given_back_minor"),
    _GOING_BACK.label("going_back_minor"),
).where(orders.c.order_no == its())
_OPEN_UNDER = select(orders).where(
    orders.c.user_id == its("user_"),
    orders.c.order_key == its("key_"),
    among(orders.c.state, [OrderState.NEW]),
)
_LOCK = select(orders.c.state).where(orders.c.order_id == its()).with_for_update()
_HOLD = update(orders).where(orders.c.order_id == its()).values(version=orders.c.version + 1)
_HOLD_NEW = _HOLD.where(
    guarded(among(orders.c.state, [OrderState.NEW]), orders.c.shown_until > its(NOW))
)
_MOVE = {
    event: _HOLD.where(guarded(among(orders.c.state, transition(event).sources)))
    for event in OrderEvent
}
_OLDEST = (orders.c.shown_until, orders.c.order_id)
IS_LATE = and_(
    ~SET_ASIDE, among(orders.c.state, [OrderState.NEW]), orders.c.shown_until <= its(NOW)
)
_LATE = select(orders).where(IS_LATE).order_by(*_OLDEST).limit(its(MOST))
_ALIVE = exists().where(attempts.c.order_id == orders.c.order_id, among(attempts.c.state, LIVE))
IS_DEAD = and_(~SET_ASIDE, ~_ALIVE)
"""Of an order that is ENDING: nothing keeps it from closing."""
_DONE = first_of_each(select(orders).where(IS_DEAD), orders.c.state, ENDING, *_OLDEST)


@dataclass(frozen=True, slots=True)
class SqlOrders:
    """Implements ``Orders``."""

    connection: AsyncConnection
    story: SqlStory

    async def add(self, order: Order) -> bool:
        """Insert, unless number, key or id are taken."""
        return await add_unless_taken(self.connection, orders, order_values(order))

    async def get(self, order_no: str) -> Order | None:
        """Return the order of the shop's number."""
        return await self._first(_BY_NO, {ITS: order_no})

    async def with_sums(self, order_no: str) -> tuple[Order, OrderSums] | None:
        """Return the order of the shop's number with its sums, in one statement."""
        row = (await self.connection.execute(_WITH_SUMS, {ITS: order_no})).first()
        return None if row is None else (order_of(row), sums_of(row))

    async def by_id(self, order_id: str) -> Order | None:
        """Return the order of our id."""
        return await self._first(_BY_ID, {ITS: order_id})

    async def open_under(self, user_id: str, key: str) -> Order | None:
        """Return the payer's NEW order under this key."""
        return await self._first(_OPEN_UNDER, {"user_": user_id, "key_": key})

    async def hold_new(self, order_id: str, now: datetime) -> bool:
        """Count the version up if the order is NEW and in time."""
        return await self._changed(_HOLD_NEW, {ITS: order_id, NOW: now})

    async def hold(self, order_id: str) -> bool:
        """Count the version up: the row stays locked to the transaction's end."""
        return await self._changed(_HOLD, {ITS: order_id})

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
        """Follow the table in one conditional update, and leave a line in the story."""
        if (event is OrderEvent.CAPTURED) != (winner is not None):
            message = "a winner is named with CAPTURED, and with nothing else"
            raise ValueError(message)
        row = transition(event)
        before = await self.connection.scalar(_LOCK, {ITS: order_id})
        changes: Values = {ITS: order_id, "state": row.target, "winner": winner}
        if end_reason is not None or winner is not None:
            changes["end_reason"] = end_reason
        if late_payment is not None:
            changes["late_payment"] = late_payment
        if before is None or not await self._changed(_MOVE[event], changes):
            return False
        changed = OrderChanged(before=before, after=OrderState(row.target), cause=cause)
        await self.story.add(StoryEntry(order_id=order_id, at=at, fact=changed))
        return True

    async def past_deadline(self, now: datetime, limit: int) -> Sequence[Order | RowUnreadable]:
        """Return NEW orders whose time is over."""
        return await self._oldest(_LATE, {NOW: now, MOST: limit})

    async def expiring_without_live_attempts(self, limit: int) -> Sequence[Order | RowUnreadable]:
        """Return orders that nothing keeps from closing."""
        return await self._oldest(_DONE, {MOST: limit})

    async def _first(self, wanted: Select[Any], values: Values) -> Order | None:
        row = (await self.connection.execute(wanted, values)).first()
        return None if row is None else order_of(row)

    async def _oldest(self, wanted: Select[Any], values: Values) -> Sequence[Order | RowUnreadable]:
        return apart(await self.connection.execute(wanted, values), order_of)

    async def _changed(self, statement: Update, values: Values) -> bool:
        return (await self.connection.execute(statement, values)).rowcount == 1
