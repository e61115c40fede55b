"""Attempts in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.leases import is_free, is_held, of_accounts
from retender.adapters.sql.mapping import AnyRow, Values, attempt_of, attempt_values
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.seal import PageSeal
from retender.adapters.sql.tables import attempts
from retender.adapters.sql.uniqueness import unless_taken
from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import UndefinedTransition
from retender.domain.model.event import StoryEntry
from retender.domain.model.page import Page
from retender.domain.model.transition import (
    LIVE,
    PAYABLE,
    AttemptEvent,
    AttemptState,
    Transition,
    transition,
)


@dataclass(frozen=True, slots=True)
class SqlAttempts:
    """Implements ``Attempts``."""

    connection: AsyncConnection
    seal: PageSeal

    async def add(self, attempt: Attempt) -> bool:
        """Insert, unless a number, the index, the wish or the id are taken."""
        statement = insert(attempts).values(attempt_values(attempt, self.seal))
        return await unless_taken(self.connection, statement) is not None

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of our id."""
        return await self._first(attempts.c.attempt_id == attempt_id)

    async def by_number(self, account: str, number: str) -> Attempt | None:
        """Return the account's attempt of this provider-side number."""
        return await self._first((attempts.c.account == account) & (attempts.c.number == number))

    async def of_order(self, order_id: str) -> Sequence[Attempt]:
        """Return the order's attempts by ``idx``."""
        its = select(attempts).where(attempts.c.order_id == order_id).order_by(attempts.c.idx)
        return [attempt_of(row, self.seal) for row in await self.connection.execute(its)]

    async def move(
        self,
        attempt_id: str,
        event: AttemptEvent,
        *,
        at: datetime,
        why: str,
        next_check_at: datetime | None = None,
        provider_trade_no: str | None = None,
        captured_at: datetime | None = None,
        held_until: datetime | None = None,
    ) -> bool:
        """
        Follow the table in one conditional update, and leave a line in the story.

        The provider's number is evidence, the capture is money: if another
        attempt of the account bears the number, the capture is kept without it,
        and the story says so.
        """
        row = transition(event)
        before = await self._lock(attempt_id)
        if before is None:
            return False
        changes = _changes(row, next_check_at, captured_at, held_until)
        numbered = {"provider_trade_no": provider_trade_no} if provider_trade_no else {}
        statement = _conditional(attempt_id, row, held_until)
        changed = await unless_taken(self.connection, statement.values(**changes, **numbered))
        taken = changed is None and bool(numbered)
        if taken:
            changed = await unless_taken(self.connection, statement.values(**changes))
        if changed is None:
            message = f"Attempt {attempt_id} cannot win: its order has a winner."
            raise UndefinedTransition(message, attempt_id=attempt_id)
        if changed == 0:
            return False
        await self._tell(before, at, f"attempt {before.state} -> {row.target}", why)
        if taken:
            what = f"provider's number {provider_trade_no} not kept"
            await self._tell(before, at, what, "another attempt of this account bears it")
        return True

    async def claim_asking(self, attempt_id: str, now: datetime, until: datetime) -> bool:
        """Note who asks, unless somebody else does."""
        free = or_(attempts.c.asking_until.is_(None), attempts.c.asking_until <= now)
        statement = _payable(attempt_id).where(free).values(asking_until=until)
        return (await self.connection.execute(statement)).rowcount == 1

    async def keep_page(self, attempt_id: str, page: Page, until: datetime, at: datetime) -> bool:
        """Keep the page of a payable attempt; CREATING -> OPEN leaves a line in the story."""
        row = transition(AttemptEvent.PAGE_RECEIVED)
        before = await self._lock(attempt_id)
        statement = _payable(attempt_id).values(
            state=row.target,
            sealed_page=self.seal.seal(attempt_id, page),
            page_until=until,
            asking_until=None,
        )
        if before is None or (await self.connection.execute(statement)).rowcount == 0:
            return False
        if before.state in row.sources:
            await self._tell(before, at, f"attempt {before.state} -> {row.target}", row.because)
        return True

    async def release_asking(self, attempt_id: str) -> None:
        """Forget who asks."""
        its = update(attempts).where(attempts.c.attempt_id == attempt_id)
        await self.connection.execute(its.values(asking_until=None))

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Look for the first that is due and not leased."""
        first = select(attempts.c.attempt_id).where(_is_due(now, account, but)).limit(1)
        return await self.connection.scalar(first) is not None

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[Attempt]:
        """Lease what is due, not leased, and not being leased by another this very moment."""
        due = (
            select(attempts)
            .where(_is_due(now, account, but))
            .order_by(attempts.c.next_check_at, attempts.c.attempt_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = [attempt_of(row, self.seal) for row in await self.connection.execute(due)]
        if found:
            its = attempts.c.attempt_id.in_([attempt.attempt_id for attempt in found])
            await self.connection.execute(update(attempts).where(its).values(leased_until=until))
        return [replace(attempt, leased_until=until) for attempt in found]

    async def reschedule(
        self, attempt_id: str, next_check_at: datetime, *, held_until: datetime | None
    ) -> bool:
        """Count a check of a live attempt and plan the next."""
        statement = (
            update(attempts)
            .where(
                attempts.c.attempt_id == attempt_id,
                attempts.c.state.in_(LIVE),
                is_held(attempts, held_until),
            )
            .values(checks=attempts.c.checks + 1, next_check_at=next_check_at, leased_until=None)
        )
        return (await self.connection.execute(statement)).rowcount == 1

    async def _first(self, which: ColumnElement[bool]) -> Attempt | None:
        row = (await self.connection.execute(select(attempts).where(which))).first()
        return None if row is None else attempt_of(row, self.seal)

    async def _lock(self, attempt_id: str) -> AnyRow | None:
        """Return what the story needs of the row, which nobody changes until we are done."""
        facts = select(attempts.c.attempt_id, attempts.c.order_id, attempts.c.state)
        its = facts.where(attempts.c.attempt_id == attempt_id).with_for_update()
        return (await self.connection.execute(its)).first()

    async def _tell(self, attempt: AnyRow, at: datetime, what: str, why: str) -> None:
        entry = StoryEntry(
            order_id=attempt.order_id, attempt_id=attempt.attempt_id, at=at, what=what, why=why
        )
        await SqlStory(self.connection).add(entry)


def _conditional(attempt_id: str, row: Transition, held_until: datetime | None) -> Update:
    statement = update(attempts).where(
        attempts.c.attempt_id == attempt_id, attempts.c.state.in_(row.sources)
    )
    return statement if held_until is None else statement.where(is_held(attempts, held_until))


def _is_due(now: datetime, account: str | None, but: Collection[str]) -> ColumnElement[bool]:
    return and_(
        attempts.c.state.in_(LIVE),
        attempts.c.next_check_at <= now,
        is_free(attempts, now),
        *of_accounts(attempts.c.account, account, but),
    )


def _payable(attempt_id: str) -> Update:
    return update(attempts).where(
        attempts.c.attempt_id == attempt_id, attempts.c.state.in_(PAYABLE)
    )


def _changes(
    row: Transition,
    next_check_at: datetime | None,
    captured_at: datetime | None,
    held_until: datetime | None,
) -> Values:
    """Return what a move changes besides the provider's number."""
    changes: Values = {"state": row.target, "leased_until": held_until}
    if row.target not in LIVE:
        changes.update(next_check_at=None, leased_until=None)
    elif next_check_at is not None:
        changes["next_check_at"] = next_check_at
    if row.target is not AttemptState.OPEN:
        changes.update(sealed_page=None, page_until=None)
    if captured_at is not None:
        changes["captured_at"] = captured_at
    return changes
