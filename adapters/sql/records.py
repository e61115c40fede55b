"""Inbox, incidents, outbox and story in SQL: what was heard and what must be told."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.leases import is_free, is_held
from retender.adapters.sql.mapping import (
    ending_values,
    entry_of,
    entry_values,
    event_of,
    event_values,
    incident_of,
    incident_values,
)
from retender.adapters.sql.tables import inbox, incidents, outbox, story
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.event import Event, StoryEntry, UntoldEvent
from retender.domain.model.incident import Ending, Incident

_LONGEST_KEY = 128


@dataclass(frozen=True, slots=True)
class SqlInbox:
    """Implements ``Inbox``."""

    connection: AsyncConnection

    async def add(self, account: str, event_key: str, body_hash: str, at: datetime) -> bool:
        """Note a notice, once; a key that no index would take as it is is kept as its hash."""
        exact = event_key.isprintable() and not event_key.endswith(" ")  # MariaDB ignores these
        if len(event_key) > _LONGEST_KEY or not exact:
            event_key = "sha256:" + hashlib.sha256(event_key.encode(errors="replace")).hexdigest()
        statement = insert(inbox).values(
            account=account, event_key=event_key, body_hash=body_hash, received_at=at
        )
        return await unless_taken(self.connection, statement) is not None


@dataclass(frozen=True, slots=True)
class SqlIncidents:
    """Implements ``Incidents``."""

    connection: AsyncConnection

    async def add(self, incident: Incident) -> bool:
        """Keep an incident, once; of our own calls, one that is open for a subject."""
        statement = insert(incidents).values(incident_values(incident))
        return await unless_taken(self.connection, statement) is not None

    async def get(self, incident_id: str) -> Incident | None:
        """Return the incident of this id."""
        its = select(incidents).where(incidents.c.incident_id == incident_id)
        row = (await self.connection.execute(its)).first()
        return None if row is None else incident_of(row)

    async def all(self, limit: int = 100) -> Sequence[Incident]:
        """Return the newest first."""
        newest = select(incidents).order_by(incidents.c.seq.desc()).limit(limit)
        return [incident_of(row) for row in await self.connection.execute(newest)]

    async def open(self, limit: int = 100) -> Sequence[Incident]:
        """Return the open ones, in the order of writing."""
        opened = select(incidents).where(incidents.c.ended_at.is_(None))
        oldest = opened.order_by(incidents.c.seq).limit(limit)
        return [incident_of(row) for row in await self.connection.execute(oldest)]

    async def open_of(self, order_no: str) -> Sequence[Incident]:
        """Return the order's open ones, in the order of writing."""
        its = select(incidents).where(
            incidents.c.order_no == order_no, incidents.c.ended_at.is_(None)
        )
        oldest = its.order_by(incidents.c.seq)
        return [incident_of(row) for row in await self.connection.execute(oldest)]

    async def end(self, incident_id: str, ending: Ending) -> bool:
        """Note how an open one ended, in one conditional update."""
        statement = (
            update(incidents)
            .where(incidents.c.incident_id == incident_id, incidents.c.ended_at.is_(None))
            .values(ending_values(ending))
        )
        return (await self.connection.execute(statement)).rowcount == 1


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """Implements ``Outbox``."""

    connection: AsyncConnection

    async def add(self, event: Event) -> bool:
        """Keep an event, one for each subject and kind."""
        statement = insert(outbox).values(event_values(event))
        return await unless_taken(self.connection, statement) is not None

    async def any_due(self, now: datetime) -> bool:
        """Look for the first that waits to be told and is not leased."""
        first = select(outbox.c.seq).where(_is_due(now)).limit(1)
        return await self.connection.scalar(first) is not None

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> Sequence[UntoldEvent]:
        """Lease what waits to be told, in the order of writing."""
        due = (
            select(outbox)
            .where(_is_due(now))
            .order_by(outbox.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = (await self.connection.execute(due)).all()
        if found:
            its = outbox.c.seq.in_([row.seq for row in found])
            await self.connection.execute(update(outbox).where(its).values(leased_until=until))
        return [UntoldEvent(event_of(row), row.tries) for row in found]

    async def mark_sent(self, event_id: str, at: datetime, *, held_until: datetime) -> bool:
        """Note that an event was told, once."""
        told = _untold(event_id, held_until).values(sent_at=at, next_try_at=None, leased_until=None)
        return (await self.connection.execute(told)).rowcount == 1

    async def put_off(self, event_id: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Count a try that failed, and plan the next."""
        tried = _untold(event_id, held_until).values(
            tries=outbox.c.tries + 1, next_try_at=next_try_at, leased_until=None
        )
        return (await self.connection.execute(tried)).rowcount == 1

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, in the order of writing."""
        its = select(outbox).where(outbox.c.order_no == order_no).order_by(outbox.c.seq)
        return [event_of(row) for row in await self.connection.execute(its)]


def _is_due(now: datetime) -> ColumnElement[bool]:
    not_put_off = or_(outbox.c.next_try_at.is_(None), outbox.c.next_try_at <= now)
    return and_(outbox.c.sent_at.is_(None), not_put_off, is_free(outbox, now))


def _untold(event_id: str, held_until: datetime) -> Update:
    return update(outbox).where(
        outbox.c.event_id == event_id, outbox.c.sent_at.is_(None), is_held(outbox, held_until)
    )


@dataclass(frozen=True, slots=True)
class SqlStory:
    """Implements ``Story``."""

    connection: AsyncConnection

    async def add(self, entry: StoryEntry) -> None:
        """Add a line."""
        await self.connection.execute(insert(story).values(entry_values(entry)))

    async def of_order(self, order_id: str) -> Sequence[StoryEntry]:
        """Return an order's lines, in the order of writing."""
        its = select(story).where(story.c.order_id == order_id).order_by(story.c.seq)
        return [entry_of(row) for row in await self.connection.execute(its)]
