"""Inbox, attention items, outbox and story in SQL: what was heard and what must be told."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.leases import HELD, ITS, MOST, NOW, THEM, guarded, is_free, is_held, its
from retender.adapters.sql.mapping import (
    Values,
    attention_of,
    attention_values,
    ending_values,
    entry_of,
    entry_values,
    event_of,
    event_values,
)
from retender.adapters.sql.reading import apart
from retender.adapters.sql.tables import attention, inbox, outbox, story
from retender.adapters.sql.uniqueness import add_unless_taken
from retender.domain.model.attention import AttentionItem, Ending
from retender.domain.model.event import Event, UntoldEvent
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import StoryEntry

_LONGEST_KEY = 128

_EVENTS_OF = select(outbox).where(outbox.c.order_no == its()).order_by(outbox.c.seq)
IS_UNTOLD = and_(
    outbox.c.sent_at.is_(None),
    or_(outbox.c.next_try_at.is_(None), outbox.c.next_try_at <= its(NOW)),
    is_free(outbox),
)
_DUE = select(outbox).where(IS_UNTOLD).order_by(outbox.c.seq).limit(its(MOST))
_CLAIM = _DUE.with_for_update(skip_locked=True)
_LEASE = update(outbox).where(outbox.c.seq.in_(bindparam(THEM, expanding=True)))
_UNTOLD = update(outbox).where(
    outbox.c.event_id == its(), guarded(outbox.c.sent_at.is_(None), is_held(outbox))
)
_PUT_OFF = _UNTOLD.values(tries=outbox.c.tries + 1)
_ADD_LINE = insert(story)
_STORY_OF = select(story).where(story.c.order_id == its()).order_by(story.c.seq)


@dataclass(frozen=True, slots=True)
class SqlInbox:
    """Implements ``Inbox``."""

    connection: AsyncConnection

    async def add(self, account: str, event_key: str, body_hash: str, at: datetime) -> bool:
        """Note a notice, once; a key that no index would take as it is is kept as its hash."""
        exact = event_key.isprintable() and not event_key.endswith(" ")  # MariaDB ignores these
        if len(event_key) > _LONGEST_KEY or not exact:
            event_key = "sha256:" + hashlib.sha256(event_key.encode(errors="replace")).hexdigest()
        values = {
            "account": account,
            "event_key": event_key,
            "body_hash": body_hash,
            "received_at": at,
        }
        return await add_unless_taken(self.connection, inbox, values)


@dataclass(frozen=True, slots=True)
class SqlAttention:
    """Implements ``AttentionItems``."""

    connection: AsyncConnection

    async def add(self, item: AttentionItem) -> bool:
        """Keep an attention item, once; of our own calls, one that is open for a subject."""
        values = attention_values(item)
        return await add_unless_taken(self.connection, attention, values)

    async def get(self, attention_id: str) -> AttentionItem | None:
        """Return the attention item of this id."""
        its = select(attention).where(attention.c.attention_id == attention_id)
        row = (await self.connection.execute(its)).first()
        return None if row is None else attention_of(row)

    async def all(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the newest first."""
        newest = select(attention).order_by(attention.c.seq.desc()).limit(limit)
        return [attention_of(row) for row in await self.connection.execute(newest)]

    async def open(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the open ones, in the order of writing."""
        opened = select(attention).where(attention.c.ended_at.is_(None))
        oldest = opened.order_by(attention.c.seq).limit(limit)
        return [attention_of(row) for row in await self.connection.execute(oldest)]

    async def open_of(self, order_no: str) -> Sequence[AttentionItem]:
        """Return the order's open ones, in the order of writing."""
        its = select(attention).where(
            attention.c.order_no == order_no, attention.c.ended_at.is_(None)
        )
        oldest = its.order_by(attention.c.seq)
        return [attention_of(row) for row in await self.connection.execute(oldest)]

    async def open_about(self, subject: str) -> Sequence[AttentionItem]:
        """Return the subject's open ones, in the order of writing."""
        its = select(attention).where(
            attention.c.subject == subject, attention.c.ended_at.is_(None)
        )
        oldest = its.order_by(attention.c.seq)
        return [attention_of(row) for row in await self.connection.execute(oldest)]

    async def end(self, attention_id: str, ending: Ending) -> bool:
        """Note how an open one ended, in one conditional update."""
        statement = (
            update(attention)
            .where(attention.c.attention_id == attention_id, attention.c.ended_at.is_(None))
            .values(ending_values(ending))
        )
        return (await self.connection.execute(statement)).rowcount == 1


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """Implements ``Outbox``."""

    connection: AsyncConnection

    async def add(self, event: Event) -> bool:
        """Keep an event, one for each subject and kind."""
        return await add_unless_taken(self.connection, outbox, event_values(event))

    async def any_due(self, now: datetime) -> bool:
        """Look for the first that waits to be told and is not leased."""
        values = {NOW: now, MOST: 1}
        return (await self.connection.execute(_DUE, values)).first() is not None

    async def claim_due(
        self, now: datetime, until: datetime, limit: int
    ) -> Sequence[UntoldEvent | RowUnreadable]:
        """Lease what waits to be told, in the order of writing."""
        found = (await self.connection.execute(_CLAIM, {NOW: now, MOST: limit})).all()
        if found:
            them = [row.seq for row in found]
            await self.connection.execute(_LEASE, {THEM: them, "leased_until": until})
        return apart(found, lambda row: UntoldEvent(event_of(row), row.tries))

    async def mark_sent(self, event_id: str, at: datetime, *, held_until: datetime) -> bool:
        """Note that an event was told, once."""
        values: Values = {ITS: event_id, HELD: held_until}
        values |= {"sent_at": at, "next_try_at": None, "leased_until": None}
        return (await self.connection.execute(_UNTOLD, values)).rowcount == 1

    async def put_off(self, event_id: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Count a try that failed, and plan the next."""
        values: Values = {ITS: event_id, HELD: held_until}
        values |= {"next_try_at": next_try_at, "leased_until": None}
        return (await self.connection.execute(_PUT_OFF, values)).rowcount == 1

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, in the order of writing."""
        rows = await self.connection.execute(_EVENTS_OF, {ITS: order_no})
        return [event_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class SqlStory:
    """
    Implements ``Story``: the lines of a unit of work are written together, at its end.

    So a cause can still take its place before its effects, and many lines are one statement.
    """

    connection: AsyncConnection
    lines: list[StoryEntry] = field(default_factory=list)

    def place(self) -> int:
        """Return how many lines wait to be written."""
        return len(self.lines)

    async def add(self, entry: StoryEntry, *, place: int | None = None) -> None:
        """Add a line, at the end or at its place."""
        self.lines.insert(self.place() if place is None else place, entry)

    async def write(self) -> None:
        """Write the lines that wait."""
        if self.lines:
            await self.connection.execute(_ADD_LINE, [entry_values(line) for line in self.lines])
            self.lines.clear()

    async def of_order(self, order_id: str) -> Sequence[StoryEntry]:
        """Return an order's lines, in the order of writing."""
        await self.write()
        rows = await self.connection.execute(_STORY_OF, {ITS: order_id})
        return [entry_of(row) for row in rows]
