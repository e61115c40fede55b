"""Inbox, attention items, outbox and story in memory: what was heard and what must be told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from retender.adapters.memory.rows import OutboxRow, Rows
from retender.domain.model.attention import FOLDED, AttentionItem, Ending
from retender.domain.model.event import Event, UntoldEvent
from retender.domain.model.lease import is_free
from retender.domain.model.story import StoryEntry


@dataclass(frozen=True, slots=True)
class MemoryInbox:
    """Implements ``Inbox``."""

    rows: Rows

    async def add(self, account: str, event_key: str, body_hash: str, at: datetime) -> bool:
        """Note a notice, once."""
        if (account, event_key) in self.rows.notices:
            return False
        self.rows.notices[account, event_key] = (body_hash, at)
        return True


@dataclass(frozen=True, slots=True)
class MemoryAttention:
    """Implements ``AttentionItems``."""

    rows: Rows

    async def add(self, item: AttentionItem) -> bool:
        """Keep an attention item, once; of our own calls, one that is open for a subject."""
        if item.attention_id in self.rows.attention:
            return False
        if item.code in FOLDED and item.is_open and item.subject is not None:
            what = (item.code, item.subject)
            opened = (one for one in self.rows.attention.values() if one.is_open)
            if any((other.code, other.subject) == what for other in opened):
                return False
        self.rows.attention[item.attention_id] = item
        return True

    async def get(self, attention_id: str) -> AttentionItem | None:
        """Return the attention item of this id."""
        return self.rows.attention.get(attention_id)

    async def all(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the newest first."""
        return list(islice(reversed(self.rows.attention.values()), limit))

    async def open(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the open ones, in the order of writing."""
        return list(islice((one for one in self.rows.attention.values() if one.is_open), limit))

    async def open_of(self, order_no: str) -> Sequence[AttentionItem]:
        """Return the order's open ones, in the order of writing."""
        found = self.rows.attention.values()
        return [one for one in found if one.is_open and one.order_no == order_no]

    async def open_about(self, subject: str) -> Sequence[AttentionItem]:
        """Return the subject's open ones, in the order of writing."""
        found = self.rows.attention.values()
        return [one for one in found if one.is_open and one.subject == subject]

    async def end(self, attention_id: str, ending: Ending) -> bool:
        """Note how an open one ended, in its place."""
        found = self.rows.attention.get(attention_id)
        if found is None or not found.is_open:
            return False
        self.rows.attention[attention_id] = replace(found, ending=ending)
        return True


@dataclass(frozen=True, slots=True)
class MemoryOutbox:
    """Implements ``Outbox``."""

    rows: Rows

    async def add(self, event: Event) -> bool:
        """Keep an event, one for each subject and kind."""
        for row in self.rows.events.values():
            other = row.untold.event
            same = (event.subject, event.kind) == (other.subject, other.kind)
            if same or event.event_id == other.event_id:
                return False
        self.rows.events[event.event_id] = OutboxRow(untold=UntoldEvent(event))
        return True

    async def any_due(self, now: datetime) -> bool:
        """Tell whether anything waits to be told and is not leased."""
        return any(_is_due(row, now) for row in self.rows.events.values())

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> Sequence[UntoldEvent]:
        """Lease what waits to be told, in the order of writing."""
        due = list(islice((row for row in self.rows.events.values() if _is_due(row, now)), limit))
        for row in due:
            self.rows.events[row.untold.event.event_id] = replace(row, leased_until=until)
        return [row.untold for row in due]

    async def mark_sent(self, event_id: str, at: datetime, *, held_until: datetime) -> bool:
        """Note that an event was told, once."""
        row = self._held(event_id, held_until)
        if row is None:
            return False
        self.rows.events[event_id] = replace(row, sent_at=at, next_try_at=None, leased_until=None)
        return True

    async def put_off(self, event_id: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Count a try that failed, and plan the next."""
        row = self._held(event_id, held_until)
        if row is None:
            return False
        tried = replace(row.untold, tries=row.untold.tries + 1)
        self.rows.events[event_id] = replace(
            row, untold=tried, next_try_at=next_try_at, leased_until=None
        )
        return True

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, in the order of writing."""
        events = (row.untold.event for row in self.rows.events.values())
        return [event for event in events if event.order_no == order_no]

    def _held(self, event_id: str, held_until: datetime) -> OutboxRow | None:
        """Return the row if it is still to be told by who holds this lease."""
        row = self.rows.events.get(event_id)
        untold = row is not None and row.sent_at is None and row.leased_until == held_until
        return row if untold else None


def _is_due(row: OutboxRow, now: datetime) -> bool:
    put_off = row.next_try_at is not None and row.next_try_at > now
    return row.sent_at is None and not put_off and is_free(row.leased_until, now)


@dataclass(frozen=True, slots=True)
class MemoryStory:
    """Implements ``Story``."""

    rows: Rows

    def place(self) -> int:
        """Return how many lines there are."""
        return len(self.rows.story)

    async def add(self, entry: StoryEntry, *, place: int | None = None) -> None:
        """Add a line, at the end or at its place."""
        self.rows.story.insert(self.place() if place is None else place, entry)

    async def of_order(self, order_id: str) -> Sequence[StoryEntry]:
        """Return an order's lines, in the order of writing."""
        return [entry for entry in self.rows.story if entry.order_id == order_id]
