"""Refunds in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.leases import is_free, is_held, of_accounts
from retender.adapters.sql.mapping import Values, refund_of, refund_values
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.tables import refunds
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.event import StoryEntry
from retender.domain.model.refund import Refund
from retender.domain.model.transition import UNDER_WAY, RefundEvent, RefundState, transition


@dataclass(frozen=True, slots=True)
class SqlRefunds:
    """Implements ``Refunds``."""

    connection: AsyncConnection

    async def add(self, refund: Refund) -> bool:
        """Insert, unless a number is taken or a surplus goes back already."""
        statement = insert(refunds).values(refund_values(refund))
        return await unless_taken(self.connection, statement) is not None

    async def get(self, refund_no: str) -> Refund | None:
        """Return the refund of this number."""
        return await self._first(select(refunds).where(refunds.c.refund_no == refund_no))

    async def by_number(self, account: str, number: str) -> Refund | None:
        """Return the account's refund of this provider-side number."""
        return await self._first(
            select(refunds).where(refunds.c.account == account, refunds.c.number == number)
        )

    async def of_order(self, order_id: str) -> Sequence[Refund]:
        """Return the order's refunds, the oldest first."""
        its = select(refunds).where(refunds.c.order_id == order_id)
        oldest_first = its.order_by(refunds.c.created_at, refunds.c.refund_no)
        return [refund_of(row) for row in await self.connection.execute(oldest_first)]

    async def move(
        self,
        refund_no: str,
        event: RefundEvent,
        *,
        at: datetime,
        why: str,
        next_try_at: datetime | None = None,
        provider_refund_no: str | None = None,
        problem: str | None = None,
        held_until: datetime | None = None,
    ) -> bool:
        """Follow the table in one conditional update, and leave a line in the story."""
        row = transition(event)
        its = select(refunds).where(refunds.c.refund_no == refund_no).with_for_update()
        before = await self._first(its)
        changes: Values = {"state": row.target, "next_try_at": next_try_at}
        if row.target not in UNDER_WAY or (held_until and event is RefundEvent.TRY_AGAIN):
            changes["leased_until"] = None
        if event is RefundEvent.SENT:
            changes["tries"] = refunds.c.tries + 1
        elif event is RefundEvent.RETRIED:
            changes["tries"] = 0
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        if problem is not None:
            changes["problem"] = problem
        statement = (
            update(refunds)
            .where(refunds.c.refund_no == refund_no, refunds.c.state.in_(row.sources))
            .values(**changes)
        )
        if held_until is not None:
            statement = statement.where(is_held(refunds, held_until))
        if before is None or (await self.connection.execute(statement)).rowcount == 0:
            return False
        entry = StoryEntry(
            order_id=before.order_id,
            attempt_id=before.attempt_id,
            at=at,
            what=f"refund {refund_no} {before.state} -> {row.target}",
            why=why,
        )
        await SqlStory(self.connection).add(entry)
        return True

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Look for the first that is due and not leased."""
        first = select(refunds.c.refund_no).where(_is_due(now, account, but)).limit(1)
        return await self.connection.scalar(first) is not None

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[Refund]:
        """Lease what is due, not leased, and not being leased by another this very moment."""
        due = (
            select(refunds)
            .where(_is_due(now, account, but))
            .order_by(refunds.c.next_try_at, refunds.c.refund_no)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [refund_of(row) for row in await self.connection.execute(due)]
        if found:
            its = refunds.c.refund_no.in_([refund.refund_no for refund in found])
            await self.connection.execute(update(refunds).where(its).values(leased_until=until))
        return [replace(refund, leased_until=until) for refund in found]

    async def reschedule(
        self,
        refund_no: str,
        next_try_at: datetime,
        provider_refund_no: str | None = None,
        *,
        held_until: datetime | None,
    ) -> bool:
        """Count a look at a SENT refund and plan the next."""
        changes: Values = {"next_try_at": next_try_at, "leased_until": None}
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        statement = (
            update(refunds)
            .where(
                refunds.c.refund_no == refund_no,
                refunds.c.state == RefundState.SENT,
                is_held(refunds, held_until),
            )
            .values(tries=refunds.c.tries + 1, **changes)
        )
        return (await self.connection.execute(statement)).rowcount == 1

    async def _first(self, wanted: Select[*tuple[Any, ...]]) -> Refund | None:
        row = (await self.connection.execute(wanted)).first()
        return None if row is None else refund_of(row)


def _is_due(now: datetime, account: str | None, but: Collection[str]) -> ColumnElement[bool]:
    return and_(
        refunds.c.state.in_(UNDER_WAY),
        refunds.c.next_try_at <= now,
        is_free(refunds, now),
        *of_accounts(refunds.c.account, account, but),
    )
