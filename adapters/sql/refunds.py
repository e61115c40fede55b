"""Refunds in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.due import claim, due
from retender.adapters.sql.leases import (
    HELD,
    ITS,
    MOST,
    NOW,
    THEM,
    among,
    due_by,
    guarded,
    is_free,
    is_held,
    its,
)
from retender.adapters.sql.mapping import Values, refund_of, refund_values
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.tables import refunds
from retender.adapters.sql.uniqueness import add_unless_taken
from retender.domain.model.cause import Cause
from retender.domain.model.refund import Refund
from retender.domain.model.story import StoryEntry
from retender.domain.model.story_money import RefundChanged
from retender.domain.model.transition import (
    ASKED_AFTER,
    UNDER_WAY,
    RefundEvent,
    RefundState,
    transition,
)

_BY_NO = select(refunds).where(refunds.c.refund_no == its())
_BY_NUMBER = select(refunds).where(
    refunds.c.account == its("account_"), refunds.c.number == its("number_")
)
_OF_ORDER = (
    select(refunds)
    .where(refunds.c.order_id == its())
    .order_by(refunds.c.created_at, refunds.c.refund_no)
)
_LOCK = _BY_NO.with_for_update()
_CHANGE = update(refunds).where(refunds.c.refund_no == its())
_COUNT = {"tries": refunds.c.tries + 1}
_MOVE = {
    event: _CHANGE.where(guarded(among(refunds.c.state, transition(event).sources)))
    for event in RefundEvent
}
_MOVE[RefundEvent.SENT] = _MOVE[RefundEvent.SENT].values(_COUNT)
_MOVE_HELD = {event: move.where(guarded(is_held(refunds))) for event, move in _MOVE.items()}
_TAKE_AND_SEND = _MOVE[RefundEvent.SENT].where(guarded(is_free(refunds)))
_RESCHEDULE = _CHANGE.where(guarded(among(refunds.c.state, ASKED_AFTER), is_held(refunds))).values(
    _COUNT
)
_PUT_OFF = _CHANGE.where(guarded(among(refunds.c.state, UNDER_WAY), is_held(refunds)))
_LEASE = update(refunds).where(refunds.c.refund_no.in_(bindparam(THEM, expanding=True)))


@dataclass(frozen=True, slots=True)
class SqlRefunds:
    """Implements ``Refunds``."""

    connection: AsyncConnection
    story: SqlStory

    async def add(self, refund: Refund) -> bool:
        """Insert, unless a number is taken or a surplus goes back already."""
        return await add_unless_taken(self.connection, refunds, refund_values(refund))

    async def get(self, refund_no: str) -> Refund | None:
        """Return the refund of this number."""
        return await self._first(_BY_NO, {ITS: refund_no})

    async def by_number(self, account: str, number: str) -> Refund | None:
        """Return the account's refund of this provider-side number."""
        return await self._first(_BY_NUMBER, {"account_": account, "number_": number})

    async def of_order(self, order_id: str) -> Sequence[Refund]:
        """Return the order's refunds, the oldest first."""
        rows = await self.connection.execute(_OF_ORDER, {ITS: order_id})
        return [refund_of(row) for row in rows]

    async def move(
        self,
        refund_no: str,
        event: RefundEvent,
        *,
        at: datetime,
        cause: Cause,
        next_try_at: datetime | None = None,
        provider_refund_no: str | None = None,
        problem: str | None = None,
        held_until: datetime | None = None,
        hold_until: datetime | None = None,
    ) -> bool:
        """Follow the table in one conditional update, and leave a line in the story."""
        row = transition(event)
        before = await self._first(_LOCK, {ITS: refund_no})
        next_try_at = next_try_at if row.target in UNDER_WAY else None
        changes: Values = {ITS: refund_no, "state": row.target, "next_try_at": next_try_at}
        if row.target not in UNDER_WAY or (held_until and event is RefundEvent.TRY_AGAIN):
            changes["leased_until"] = None
        elif event is RefundEvent.RETRIED:
            changes["tries"] = 1
        if event is RefundEvent.SENT:
            changes |= {"sent_at": at, "provider_refund_no": None}
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        if problem is not None:
            changes["problem"] = problem
        move = _MOVE[event]
        if hold_until is not None:
            move = _TAKE_AND_SEND
            changes |= {NOW: at, "leased_until": hold_until}
        elif held_until is not None or event is RefundEvent.FAILED:
            move, changes[HELD] = _MOVE_HELD[event], held_until
        if before is None or (await self.connection.execute(move, changes)).rowcount == 0:
            return False
        changed = RefundChanged(
            refund_no=refund_no, before=before.state, after=RefundState(row.target), cause=cause
        )
        its = {"order_id": before.order_id, "attempt_id": before.attempt_id}
        await self.story.add(StoryEntry(**its, at=at, fact=changed))
        return True

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Look for the first that is due and not leased."""
        wanted = due(refunds, one=account is not None, but=bool(but))
        values = {**due_by(now, account, but), MOST: 1}
        return (await self.connection.execute(wanted, values)).first() is not None

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[str]:
        """Lease what is due, not leased, and not being leased by another this very moment."""
        wanted = claim(refunds, one=account is not None, but=bool(but))
        values = {**due_by(now, account, but), MOST: limit}
        them = [row.refund_no for row in await self.connection.execute(wanted, values)]
        if them:
            await self.connection.execute(_LEASE, {THEM: them, "leased_until": until})
        return them

    async def reschedule(
        self,
        refund_no: str,
        next_try_at: datetime,
        provider_refund_no: str | None = None,
        *,
        held_until: datetime | None,
    ) -> bool:
        """Count a look at a refund that is asked after, and plan the next."""
        changes: Values = {
            ITS: refund_no,
            HELD: held_until,
            "next_try_at": next_try_at,
            "leased_until": None,
        }
        if provider_refund_no is not None:
            changes["provider_refund_no"] = provider_refund_no
        return (await self.connection.execute(_RESCHEDULE, changes)).rowcount == 1

    async def put_off(self, refund_no: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Plan the next step of a refund that is under way; count nothing."""
        changes: Values = {
            ITS: refund_no,
            HELD: held_until,
            "next_try_at": next_try_at,
            "leased_until": None,
        }
        return (await self.connection.execute(_PUT_OFF, changes)).rowcount == 1

    async def _first(self, wanted: Select[Any], values: Values) -> Refund | None:
        row = (await self.connection.execute(wanted, values)).first()
        return None if row is None else refund_of(row)
