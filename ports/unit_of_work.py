"""
UnitOfWork: one transaction over everything that we write down.

Proved by ``UnitOfWorkContract`` for every store. Writers see each other only
through conditional updates: ``move`` and its kin change a row if it is still in
a state that the table allows, and say whether they did. False is a normal
answer with its own branch. Every ``move`` leaves a line in the order's story, with its cause.

Who takes up due work leases it, and the end of the lease is the fencing token:
it is later for every later claimer. Acts are fenced: who comes back with a token
that the row no longer bears changes nothing. Evidence is not: what a provider
said is true, whoever brings it.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from retender.ports.attempts import Attempts
from retender.ports.backlog import Backlog
from retender.ports.orders import Orders
from retender.ports.records import AttentionItems, Inbox, Outbox, Story
from retender.ports.refunds import Refunds


class Work(Protocol):
    """One open transaction; leaving it without ``commit`` undoes everything."""

    @property
    def orders(self) -> Orders:
        """The orders."""

    @property
    def attempts(self) -> Attempts:
        """The attempts."""

    @property
    def refunds(self) -> Refunds:
        """The refunds."""

    @property
    def inbox(self) -> Inbox:
        """Which notices were taken."""

    @property
    def attention(self) -> AttentionItems:
        """What waits for a human."""

    @property
    def backlog(self) -> Backlog:
        """What has not come to its end."""

    @property
    def outbox(self) -> Outbox:
        """Events not yet told."""

    @property
    def story(self) -> Story:
        """What happened and why."""

    async def commit(self) -> None:
        """Make it all durable, at once."""


class UnitOfWork(Protocol):
    """
    Opens transactions; no provider is ever called while one is open.

    A row that cannot be read raises ``RowUnreadable``, also as one of those of an order; in a
    batch of due work it stands in its place instead, so that the others go on.
    A busy store raises ``StoreBusy`` after a bounded wait: nothing was changed, do it again.
    A commit that was cut off raises ``StoreUncertain``: all of it was kept, or nothing.
    """

    def __call__(
        self, *, read_only: bool = False, once: bool = False
    ) -> AbstractAsyncContextManager[Work]:
        """
        Begin.

        Args:
            read_only: take no write lock, and see all of one instant; ``commit`` is an error.
            once: of a read-only one, that it asks one question: it needs no transaction, and
                a second question is an error.

        """
