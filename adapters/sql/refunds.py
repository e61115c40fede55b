"""Refunds in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.mapping import Values, refund_of, refund_values
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.tables import attempts, refunds
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.event import StoryEntry
from retender.domain.model.refund import Refund
from retender.domain.model.transition import RefundEvent, RefundState, transition

_UNDER_WAY = (RefundState.DUE, RefundState.SENT)


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
        """Return the refund of this provider-side number, if the account took its money."""
        return await self._first(
            select(refunds)
            .join(attempts, attempts.c.attempt_id == refunds.c.attempt_id)
            .where(refunds.c.number == number, attempts.c.account == account)
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
    ) -> bool:
        """Follow the table in one conditional update, and leave a line in the story."""
        row = transition(event)
        its = select(refunds).where(refunds.c.refund_no == refund_no).with_for_update()
        before = await self._first(its)
        changes: Values = {
            "state": row.target,
            "next_try_at": next_try_at,
            "leased_until": None,
        }
        if event is RefundEvent.SENT:
            changes["tries"] = refunds.c.tries + 1
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        if problem is not None:
            changes["problem"] = problem
        statement = (
            update(refunds)
            .where(refunds.c.refund_no == refund_no, refunds.c.state.in_(row.sources))
            .values(**changes)
        )
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

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> Sequence[Refund]:
        """Lease what is due, not leased, and not being leased by another this very moment."""
        due = (
            select(refunds)
            .where(
                refunds.c.state.in_(_UNDER_WAY),
                refunds.c.next_try_at <= now,
                or_(refunds.c.leased_until.is_(None), refunds.c.leased_until <= now),
            )
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
        self, refund_no: str, next_try_at: datetime, provider_refund_no: str | None = None
    ) -> bool:
        """Count a look at a SENT refund and plan the next."""
        changes: Values = {"next_try_at": next_try_at, "leased_until": None}
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        statement = (
            update(refunds)
            .where(refunds.c.refund_no == refund_no, refunds.c.state == RefundState.SENT)
            .values(tries=refunds.c.tries + 1, **changes)
        )
        return (await self.connection.execute(statement)).rowcount == 1

    async def _first(self, wanted: Select[*tuple[Any, ...]]) -> Refund | None:
        row = (await self.connection.execute(wanted)).first()
        return None if row is None else refund_of(row)
