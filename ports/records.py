"""Records: what is noted beside orders: notices taken, calls for humans, events, the story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from retender.domain.model.attention import AttentionItem, Ending
from retender.domain.model.event import Event, UntoldEvent
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import StoryEntry


class Inbox(Protocol):
    """Which notices were taken."""

    async def add(self, account: str, event_key: str, body_hash: str, at: datetime) -> bool:
        """Note a notice; False if this account's ``event_key`` was noted before."""


class AttentionItems(Protocol):
    """What waits, or waited, for a human."""

    async def add(self, item: AttentionItem) -> bool:
        """
        Keep it for a human.

        False if this ``attention_id`` is kept already, or if it is one of
        ``FOLDED`` and its subject has an open one of its code (not errors).
        """

    async def get(self, attention_id: str) -> AttentionItem | None:
        """Return the attention item of this id."""

    async def all(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the newest first, open and ended."""

    async def open(self, limit: int = 100) -> Sequence[AttentionItem]:
        """Return the open ones, the oldest first."""

    async def open_of(self, order_no: str) -> Sequence[AttentionItem]:
        """Return the order's open ones, the oldest first."""

    async def open_about(self, subject: str) -> Sequence[AttentionItem]:
        """Return the open ones about this attempt, refund, order, event or account in order."""

    async def end(self, attention_id: str, ending: Ending) -> bool:
        """Note how it ended; False if it is not open any more."""


class Outbox(Protocol):
    """Events that are true and not yet told."""

    async def add(self, event: Event) -> bool:
        """Keep an event; False if one of this subject and kind exists."""

    async def any_due(self, now: datetime) -> bool:
        """Tell whether ``claim_due`` would find anything; it takes no lock."""

    async def claim_due(
        self, now: datetime, until: datetime, limit: int
    ) -> Sequence[UntoldEvent | RowUnreadable]:
        """
        Lease events that are not told, nor put off beyond ``now``, the oldest first.

        No two claimers get the same event before the first one's lease is over. One that
        cannot be read is leased, too, and stands in its place as its error.
        """

    async def mark_sent(self, event_id: str, at: datetime, *, held_until: datetime) -> bool:
        """Note that it was told; False if it was noted before, or is leased by another."""

    async def put_off(self, event_id: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Count a try that failed, plan the next, end the lease; False as ``mark_sent``."""

    async def of_order(self, order_no: str) -> Sequence[Event]:
        """Return the order's events, the oldest first."""


class Story(Protocol):
    """Everything that happened to orders; only ever added to."""

    def place(self) -> int:
        """
        Return where the next line of this unit of work will stand.

        Causes stand before effects, but what a provider's word changed is known only once it is
        done: take the place first, then do it, then add the line at that place.
        """

    async def add(self, entry: StoryEntry, *, place: int | None = None) -> None:
        """Add a line: the last one so far, or, at a place, before those written since."""

    async def of_order(self, order_id: str) -> Sequence[StoryEntry]:
        """Return an order's lines in the order in which they were written."""
