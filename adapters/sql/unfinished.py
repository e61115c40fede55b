"""What has not come to its end, in SQL; every query follows an index of what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.columns import Instant
from retender.adapters.sql.mapping import attempt_of, event_of, incident_of, refund_of
from retender.adapters.sql.seal import PageSeal
from retender.adapters.sql.tables import attempts, incidents, orders, outbox, refunds
from retender.domain.model.attempt import Attempt
from retender.domain.model.event import Event
from retender.domain.model.figures import (
    OPEN_ATTEMPTS,
    OPEN_ORDERS,
    OPEN_REFUNDS,
    Figures,
    Waiting,
)
from retender.domain.model.incident import STANDS, About, Incident, IncidentCode
from retender.domain.model.refund import Refund
from retender.domain.model.transition import LIVE

StateT = TypeVar("StateT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SqlUnfinished:
    """Implements ``Unfinished``."""

    connection: AsyncConnection
    seal: PageSeal

    async def attempts(
        self, watched_until: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Attempt]:
        """Return those whose watch ended first, first."""
        code = IncidentCode.UNKNOWN_TOO_LONG
        found = (
            select(attempts)
            .where(
                attempts.c.state.in_(LIVE),
                attempts.c.watch_until <= watched_until,
                not_(_quiet(About.ATTEMPT, attempts.c.attempt_id, code, quiet_since)),
            )
            .order_by(attempts.c.watch_until, attempts.c.attempt_id)
            .limit(limit)
        )
        return [attempt_of(row, self.seal) for row in await self.connection.execute(found)]

    async def refunds(
        self, code: IncidentCode, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Refund]:
        """Return the oldest first."""
        found = (
            select(refunds)
            .where(
                refunds.c.state.in_(STANDS[code]),
                refunds.c.created_at <= made_by,
                not_(_quiet(About.REFUND, refunds.c.refund_no, code, quiet_since)),
            )
            .order_by(refunds.c.created_at, refunds.c.refund_no)
            .limit(limit)
        )
        return [refund_of(row) for row in await self.connection.execute(found)]

    async def events(self, made_by: datetime, quiet_since: datetime, limit: int) -> Sequence[Event]:
        """Return them in the order of writing."""
        code = IncidentCode.UNTOLD_TOO_LONG
        found = (
            select(outbox)
            .where(
                outbox.c.sent_at.is_(None),
                outbox.c.at <= made_by,
                not_(_quiet(About.EVENT, outbox.c.event_id, code, quiet_since)),
            )
            .order_by(outbox.c.seq)
            .limit(limit)
        )
        return [event_of(row) for row in await self.connection.execute(found)]

    async def over(self, limit: int, incident_id: str | None = None) -> Sequence[Incident]:
        """Return them in the order of writing."""
        found = select(incidents).where(
            incidents.c.ended_at.is_(None), or_(*(_is_over(code) for code in STANDS))
        )
        if incident_id is not None:
            found = found.where(incidents.c.incident_id == incident_id)
        oldest = found.order_by(incidents.c.seq).limit(limit)
        return [incident_of(row) for row in await self.connection.execute(oldest)]

    async def figures(self) -> Figures:
        """Count by index; of what is final there is no end, and it is left alone."""
        waiting = (
            select(incidents.c.code, func.count(), func.min(incidents.c.at, type_=Instant))
            .where(incidents.c.ended_at.is_(None))
            .group_by(incidents.c.code)
        )
        untold = select(func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None))
        due = [
            await self.connection.scalar(select(func.min(column, type_=Instant)))
            for column in (attempts.c.next_check_at, refunds.c.next_try_at)
        ]
        return Figures(
            waiting={
                code: Waiting(count, since)
                for code, count, since in await self.connection.execute(waiting)
            },
            orders=await self._by_state(orders, OPEN_ORDERS),
            attempts=await self._by_state(attempts, OPEN_ATTEMPTS),
            refunds=await self._by_state(refunds, OPEN_REFUNDS),
            untold=await self.connection.scalar(untold) or 0,
            due_since=min((at for at in due if at is not None), default=None),
        )

    async def _by_state(self, table: Table, states: Sequence[StateT]) -> Mapping[StateT, int]:
        state = table.c.state
        counted = (
            select(state, func.count().label("how_many")).where(state.in_(states)).group_by(state)
        )
        return {row.state: row.how_many for row in await self.connection.execute(counted)}


def _quiet(
    about: About, subject: ColumnElement[str], code: IncidentCode, since: datetime
) -> ColumnElement[bool]:
    """Say that somebody knows: it waits for a human, or a human has just seen it."""
    waits = and_(incidents.c.ended_at.is_(None), incidents.c.code == code)
    return exists().where(
        incidents.c.subject == subject,
        incidents.c.about == about,
        or_(waits, incidents.c.ended_at > since),
    )


def _is_over(code: IncidentCode) -> ColumnElement[bool]:
    """Say that the subject of an incident of this code is where it was no more."""
    subject = incidents.c.subject
    if code is IncidentCode.UNKNOWN_TOO_LONG:
        its = exists().where(
            attempts.c.attempt_id == subject, attempts.c.state.not_in(STANDS[code])
        )
    elif code is IncidentCode.UNTOLD_TOO_LONG:
        its = exists().where(outbox.c.event_id == subject, outbox.c.sent_at.is_not(None))
    else:
        its = exists().where(refunds.c.refund_no == subject, refunds.c.state.not_in(STANDS[code]))
    return and_(incidents.c.code == code, its)
