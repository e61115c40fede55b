"""Orders in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.mapping import order_of, order_values
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.tables import attempts, orders
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.event import StoryEntry
from retender.domain.model.order import EndReason, Order
from retender.domain.model.transition import LIVE, OrderEvent, OrderState, transition


@dataclass(frozen=True, slots=True)
class SqlOrders:
    """Implements ``Orders``."""

    connection: AsyncConnection

    async def add(self, order: Order) -> bool:
        """Insert, unless number, key or id are taken."""
        statement = insert(orders).values(order_values(order))
        return await unless_taken(self.connection, statement) is not None

    async def get(self, order_no: str) -> Order | None:
        """Return the order of the shop's number."""
        return await self._first(orders.c.order_no == order_no)

    async def by_id(self, order_id: str) -> Order | None:
        """Return the order of our id."""
        return await self._first(orders.c.order_id == order_id)

    async def open_under(self, user_id: str, key: str) -> Order | None:
        """Return the payer's NEW order under this key."""
        return await self._first(
            (orders.c.user_id == user_id)
            & (orders.c.order_key == key)
            & (orders.c.state == OrderState.NEW)
        )

    async def hold_new(self, order_id: str, now: datetime) -> bool:
        """Count the version up if the order is NEW and in time."""
        return await self._hold(
            (orders.c.order_id == order_id)
            & (orders.c.state == OrderState.NEW)
            & (orders.c.shown_until > now)
        )

    async def hold(self, order_id: str) -> bool:
        """Count the version up: the row stays locked to the transaction's end."""
        return await self._hold(orders.c.order_id == order_id)

    async def move(
        self,
        order_id: str,
        event: OrderEvent,
        *,
        at: datetime,
        why: str,
        winner: str | None = None,
        end_reason: EndReason | None = None,
    ) -> bool:
        """Follow the table in one conditional update, and leave a line in the story."""
        if (event is OrderEvent.CAPTURED) != (winner is not None):
            message = "a winner is named with CAPTURED, and with nothing else"
            raise ValueError(message)
        row = transition(event)
        its_state = select(orders.c.state).where(orders.c.order_id == order_id).with_for_update()
        before = await self.connection.scalar(its_state)
        changes: dict[str, object] = {"state": row.target, "winner": winner}
        if end_reason is not None:
            changes["end_reason"] = end_reason
        statement = (
            update(orders)
            .where(orders.c.order_id == order_id, orders.c.state.in_(row.sources))
            .values(version=orders.c.version + 1, **changes)
        )
        if (await self.connection.execute(statement)).rowcount == 0:
            return False
        what = f"order {before} -> {row.target}"
        entry = StoryEntry(order_id=order_id, at=at, what=what, why=why)
        await SqlStory(self.connection).add(entry)
        return True

    async def past_deadline(self, now: datetime, limit: int) -> Sequence[Order]:
        """Return NEW orders whose time is over."""
        late = (orders.c.state == OrderState.NEW) & (orders.c.shown_until <= now)
        return await self._oldest(late, limit)

    async def expiring_without_live_attempts(self, limit: int) -> Sequence[Order]:
        """Return EXPIRING orders that nothing keeps from closing."""
        alive = exists().where(attempts.c.order_id == orders.c.order_id, attempts.c.state.in_(LIVE))
        return await self._oldest((orders.c.state == OrderState.EXPIRING) & ~alive, limit)

    async def _first(self, which: ColumnElement[bool]) -> Order | None:
        row = (await self.connection.execute(select(orders).where(which))).first()
        return None if row is None else order_of(row)

    async def _oldest(self, which: ColumnElement[bool], limit: int) -> Sequence[Order]:
        statement = (
            select(orders)
            .where(which)
            .order_by(orders.c.shown_until, orders.c.order_id)
            .limit(limit)
        )
        return [order_of(row) for row in await self.connection.execute(statement)]

    async def _hold(self, which: ColumnElement[bool]) -> bool:
        statement = update(orders).where(which).values(version=orders.c.version + 1)
        return (await self.connection.execute(statement)).rowcount == 1
