"""Backlog: what has not come to its end, for whoever calls a human."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionCode, AttentionItem
from retender.domain.model.backlog import BacklogSize, Due, Overdue, WorkKind
from retender.domain.model.event import Event
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable


class Backlog(Protocol):
    """
    What has not come to its end; reads only.

    A subject is *quiet* for a code if an attention item of that code is open for it, or
    if any attention item of it ended after ``quiet_since``: somebody knows already. So it is while
    it waits as ROW_UNREADABLE. A row that cannot be read stands in its place as its error.
    """

    async def attempts(
        self, watched_until: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Attempt | RowUnreadable]:
        """
        Return live attempts whose watch ended by then, not quiet for UNKNOWN_TOO_LONG.

        Nor any of an account that a human is called for as a whole (EVIDENCE_ABSENT).
        """

    async def refunds(
        self, code: AttentionCode, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Refund | RowUnreadable]:
        """Return refunds in a state where the code stands, made by then and not quiet for it."""

    async def events(
        self, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Event | RowUnreadable]:
        """Return untold events, made by then and not quiet for UNTOLD_TOO_LONG."""

    async def over(self, limit: int, attention_id: str | None = None) -> Sequence[AttentionItem]:
        """
        Return open escalations that stand no more, the oldest first.

        ``STANDS`` says in which states of its subject one stands. With an
        ``attention_id``, only that one is looked at.
        """

    async def live_attempts(self) -> Mapping[str, int]:
        """Count the live attempts of each account that has any."""

    async def size(self) -> BacklogSize:
        """Count what is under way; its cost grows with that, not with the history."""

    async def due(self, now: datetime, accounts: Sequence[str]) -> Due:
        """Tell in one question what ``claim_due`` and the lists of due orders would find."""

    async def overdue(self, by: datetime, now: datetime) -> Mapping[WorkKind, Overdue]:
        """
        Count what was due by then and is not leased now; a kind without any is not there.

        Orders are NEW ones past their deadline; an event is due from when it became true, or
        when it is to be told again.
        """
