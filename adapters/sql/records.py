"""Inbox, incidents, outbox and story in SQL: what is only ever added to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.mapping import (
    entry_of,
    entry_values,
    event_of,
    event_values,
    incident_of,
    incident_values,
)
from retender.adapters.sql.tables import inbox, incidents, outbox, story
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.event import Event, StoryEntry
from retender.domain.model.incident import Incident

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
        """Keep an incident, once."""
        statement = insert(incidents).values(incident_values(incident))
        return await unless_taken(self.connection, statement) is not None

    async def all(self, limit: int = 100) -> Sequence[Incident]:
        """Return the newest first."""
        newest = select(incidents).order_by(incidents.c.seq.desc()).limit(limit)
        return [incident_of(row) for row in await self.connection.execute(newest)]


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """Implements ``Outbox``."""

    connection: AsyncConnection

    async def add(self, event: Event) -> bool:
        """Keep an event, one for each subject and kind."""
        statement = insert(outbox).values(event_values(event))
        return await unless_taken(self.connection, statement) is not None

    async def unsent(self, limit: int) -> Sequence[Event]:
        """Return what is not yet told, in the order of writing."""
        waiting = select(outbox).where(outbox.c.sent_at.is_(None))
        oldest = waiting.order_by(outbox.c.seq).limit(limit)
        return [event_of(row) for row in await self.connection.execute(oldest)]

    async def mark_sent(self, event_id: str, at: datetime) -> bool:
        """Note that an event was told, once."""
        statement = (
            update(outbox)
            .where(outbox.c.event_id == event_id, outbox.c.sent_at.is_(None))
            .values(sent_at=at)
        )
        return (await self.connection.execute(statement)).rowcount == 1

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, in the order of writing."""
        its = select(outbox).where(outbox.c.order_no == order_no).order_by(outbox.c.seq)
        return [event_of(row) for row in await self.connection.execute(its)]


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
