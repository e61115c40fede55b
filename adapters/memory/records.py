"""Inbox, incidents, outbox and story in memory: what is only ever added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from retender.adapters.memory.rows import Rows
from retender.domain.model.event import Event, StoryEntry
from retender.domain.model.incident import Incident


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
class MemoryIncidents:
    """Implements ``Incidents``."""

    rows: Rows

    async def add(self, incident: Incident) -> bool:
        """Keep an incident, once."""
        if incident.incident_id in self.rows.incidents:
            return False
        self.rows.incidents[incident.incident_id] = incident
        return True

    async def all(self, limit: int = 100) -> Sequence[Incident]:
        """Return the newest first."""
        return list(islice(reversed(self.rows.incidents.values()), limit))


@dataclass(frozen=True, slots=True)
class MemoryOutbox:
    """Implements ``Outbox``."""

    rows: Rows

    async def add(self, event: Event) -> bool:
        """Keep an event, one for each subject and kind."""
        for other in self.rows.events.values():
            same = (event.subject, event.kind) == (other.subject, other.kind)
            if same or event.event_id == other.event_id:
                return False
        self.rows.events[event.event_id] = event
        return True

    async def unsent(self, limit: int) -> Sequence[Event]:
        """Return what is not yet told, in the order of writing."""
        events = self.rows.events.values()
        return list(islice((e for e in events if e.event_id not in self.rows.sent_at), limit))

    async def mark_sent(self, event_id: str, at: datetime) -> bool:
        """Note that an event was told, once."""
        if event_id not in self.rows.events or event_id in self.rows.sent_at:
            return False
        self.rows.sent_at[event_id] = at
        return True

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, in the order of writing."""
        return [event for event in self.rows.events.values() if event.order_no == order_no]


@dataclass(frozen=True, slots=True)
class MemoryStory:
    """Implements ``Story``."""

    rows: Rows

    async def add(self, entry: StoryEntry) -> None:
        """Add a line."""
        self.rows.story.append(entry)

    async def of_order(self, order_id: str) -> Sequence[StoryEntry]:
        """Return an order's lines, in the order of writing."""
        return [entry for entry in self.rows.story if entry.order_id == order_id]
