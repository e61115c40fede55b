"""What has not come to its end, in SQL; every query follows an index of what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.aside import SET_ASIDE
from retender.adapters.sql.columns import Instant
from retender.adapters.sql.due import is_due
from retender.adapters.sql.leases import ITS, MOST, NOW, among, first_of_each, is_free, its
from retender.adapters.sql.mapping import attempt_of, attention_of, event_of, refund_of
from retender.adapters.sql.orders import IS_DEAD, IS_LATE
from retender.adapters.sql.reading import apart
from retender.adapters.sql.records import IS_UNTOLD
from retender.adapters.sql.seal import PageSeal
from retender.adapters.sql.tables import attempts, attention, orders, outbox, refunds
from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import STANDS, About, AttentionCode, AttentionItem
from retender.domain.model.backlog import (
    OPEN_ATTEMPTS,
    OPEN_ORDERS,
    OPEN_REFUNDS,
    BacklogSize,
    Due,
    Overdue,
    Waiting,
    WorkKind,
)
from retender.domain.model.event import Event
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.transition import ENDING, LIVE, AttemptState, OrderState, RefundState

StateT = TypeVar("StateT", bound=StrEnum)

BY, QUIET = "by_", "quiet_"
"""Until when it began; and since when nobody is to have heard of it."""


@dataclass(frozen=True, slots=True)
class SqlBacklog:
    """Implements ``Backlog``."""

    connection: AsyncConnection
    seal: PageSeal

    async def attempts(
        self, watched_until: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Attempt | RowUnreadable]:
        """Return those whose watch ended first, first."""
        values = {BY: watched_until, QUIET: quiet_since, MOST: limit}
        rows = await self.connection.execute(_attempts(), values)
        return apart(rows, lambda row: attempt_of(row, self.seal))

    async def refunds(
        self, code: AttentionCode, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Refund | RowUnreadable]:
        """Return the oldest first."""
        values = {BY: made_by, QUIET: quiet_since, MOST: limit}
        return apart(await self.connection.execute(_refunds(code), values), refund_of)

    async def events(
        self, made_by: datetime, quiet_since: datetime, limit: int
    ) -> Sequence[Event | RowUnreadable]:
        """Return them in the order of writing."""
        values = {BY: made_by, QUIET: quiet_since, MOST: limit}
        return apart(await self.connection.execute(_events(), values), event_of)

    async def over(self, limit: int, attention_id: str | None = None) -> Sequence[AttentionItem]:
        """Return them in the order of writing."""
        values: dict[str, object] = {MOST: limit}
        if attention_id is not None:
            values[ITS] = attention_id
        found = _over(one=attention_id is not None)
        return [attention_of(row) for row in await self.connection.execute(found, values)]

    async def live_attempts(self) -> Mapping[str, int]:
        """Count by state and account."""
        counted = (
            select(attempts.c.account, func.count().label("how_many"))
            .where(among(attempts.c.state, LIVE))
            .group_by(attempts.c.account)
        )
        return {row.account: row.how_many for row in await self.connection.execute(counted)}

    async def size(self) -> BacklogSize:
        """Count by index; of what is final there is no end, and it is left alone."""
        waiting = (
            select(attention.c.code, func.count(), func.min(attention.c.at, type_=Instant))
            .where(attention.c.ended_at.is_(None))
            .group_by(attention.c.code)
        )
        untold = select(func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None))
        due = [
            await self.connection.scalar(select(func.min(column, type_=Instant)))
            for column in (attempts.c.next_check_at, refunds.c.next_try_at)
        ]
        return BacklogSize(
            waiting={
                code: Waiting(count, since)
                for code, count, since in await self.connection.execute(waiting)
                if isinstance(code, AttentionCode) and isinstance(since, datetime)
            },
            orders=await self._by_state(orders, OPEN_ORDERS),
            attempts=await self._by_state(attempts, OPEN_ATTEMPTS),
            refunds=await self._by_state(refunds, OPEN_REFUNDS),
            untold=await self.connection.scalar(untold) or 0,
            due_since=min((at for at in due if isinstance(at, datetime)), default=None),
        )

    async def due(self, now: datetime, accounts: Sequence[str]) -> Due:
        """Ask whether there are any, kind by kind, in one statement."""
        values = {NOW: now, **{f"account_{n}": name for n, name in enumerate(accounts)}}
        row = (await self.connection.execute(_due(len(accounts)), values)).one()
        orders_, events, *of_accounts = row
        return Due(
            orders=bool(orders_),
            events=bool(events),
            accounts=frozenset(
                name for name, has_work in zip(accounts, of_accounts, strict=True) if has_work
            ),
        )

    async def overdue(self, by: datetime, now: datetime) -> Mapping[WorkKind, Overdue]:
        """Count each kind by the index that its due work is found by."""
        found = {}
        for kind, counted in _overdue().items():
            count, since = (await self.connection.execute(counted, {BY: by, NOW: now})).one()
            if count:  # a time that makes no sense is not the one that says since when
                found[kind] = Overdue(count, since if isinstance(since, datetime) else by)
        return found

    async def _by_state(self, table: Table, states: Sequence[StateT]) -> Mapping[StateT, int]:
        state = table.c.state
        counted = (
            select(state, func.count().label("how_many")).where(state.in_(states)).group_by(state)
        )
        return {row.state: row.how_many for row in await self.connection.execute(counted)}


@cache
def _due(accounts: int) -> Executable:
    dead = [exists().where(among(orders.c.state, [state]), IS_DEAD) for state in ENDING]
    to_end = or_(exists().where(IS_LATE), *dead)
    of_accounts = [
        or_(
            exists().where(attempts.c.account == its(f"account_{n}"), is_due(attempts)),
            exists().where(refunds.c.account == its(f"account_{n}"), is_due(refunds)),
        )
        for n in range(accounts)
    ]
    asked: list[ColumnElement[int]] = [
        _yes(each) for each in (to_end, exists().where(IS_UNTOLD), *of_accounts)
    ]
    return select(*asked)


def _yes(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 1 or 0: not every database has truth values."""
    return case((condition, 1), else_=0)


@cache
def _attempts() -> Select[Any]:
    return first_of_each(
        select(attempts).where(
            attempts.c.watch_until <= its(BY),
            _is_news(About.ATTEMPT, attempts.c.attempt_id, AttentionCode.UNKNOWN_TOO_LONG),
            ~exists().where(
                attention.c.subject == attempts.c.account,
                attention.c.ended_at.is_(None),
                among(attention.c.code, [AttentionCode.ABSENT]),
            ),
        ),
        attempts.c.state,
        LIVE,
        attempts.c.watch_until,
        attempts.c.attempt_id,
    )


@cache
def _refunds(code: AttentionCode) -> Select[Any]:
    return first_of_each(
        select(refunds).where(
            refunds.c.created_at <= its(BY), _is_news(About.REFUND, refunds.c.refund_no, code)
        ),
        refunds.c.state,
        STANDS[code],
        refunds.c.created_at,
        refunds.c.refund_no,
    )


@cache
def _events() -> Select[Any]:
    return (
        select(outbox)
        .where(
            outbox.c.sent_at.is_(None),
            outbox.c.at <= its(BY),
            _is_news(About.EVENT, outbox.c.event_id, AttentionCode.UNTOLD_TOO_LONG),
        )
        .order_by(outbox.c.seq)
        .limit(its(MOST))
    )


@cache
def _overdue() -> Mapping[WorkKind, Executable]:
    told = func.coalesce(outbox.c.next_try_at, outbox.c.at, type_=Instant)
    due: Mapping[WorkKind, tuple[ColumnElement[Any], Sequence[ColumnElement[bool]]]] = {
        WorkKind.ORDERS: (
            orders.c.shown_until,
            [among(orders.c.state, [OrderState.NEW]), ~SET_ASIDE],
        ),
        WorkKind.ATTEMPTS: (attempts.c.next_check_at, [is_free(attempts)]),
        WorkKind.REFUNDS: (refunds.c.next_try_at, [is_free(refunds)]),
        WorkKind.EVENTS: (told, [outbox.c.sent_at.is_(None), is_free(outbox)]),
    }
    return {
        kind: select(func.count(), func.min(at, type_=Instant)).where(at <= its(BY), *also)
        for kind, (at, also) in due.items()
    }


@cache
def _over(*, one: bool) -> Select[Any]:
    found = select(attention).where(
        attention.c.ended_at.is_(None), or_(*(_is_over(code) for code in STANDS))
    )
    if one:
        found = found.where(attention.c.attention_id == its())
    return found.order_by(attention.c.seq).limit(its(MOST))


def _is_news(about: About, subject: ColumnElement[str], code: AttentionCode) -> ColumnElement[bool]:
    """Say that it does not wait for a human yet, nor has a human just seen it."""
    codes = [code, AttentionCode.ROW_UNREADABLE]
    waits = and_(attention.c.ended_at.is_(None), among(attention.c.code, codes))
    told = select(attention.c.seq).where(
        attention.c.subject == subject,
        among(attention.c.about, [about]),
        or_(waits, attention.c.ended_at > its(QUIET)),
    )
    # With its limit it is asked for each row, by the index of subjects. As NOT EXISTS it becomes
    # a join with all that ever waited for a human.
    return told.limit(literal_column("1")).scalar_subquery().is_(None)


def _is_over(code: AttentionCode) -> ColumnElement[bool]:
    """Say that the subject of an attention item of this code is where it was no more."""
    subject, about = attention.c.subject, attention.c.about
    if code is AttentionCode.UNTOLD_TOO_LONG:
        told = exists().where(outbox.c.event_id == subject, outbox.c.sent_at.is_not(None))
        return and_(among(attention.c.code, [code]), told)
    ends = [
        and_(among(about, [kind]), exists().where(name == subject, ~among(state, states)))
        for kind, name, state, of in (
            (About.ATTEMPT, attempts.c.attempt_id, attempts.c.state, AttemptState),
            (About.REFUND, refunds.c.refund_no, refunds.c.state, RefundState),
        )
        if (states := [each for each in STANDS[code] if isinstance(each, of)])
    ]
    return and_(among(attention.c.code, [code]), or_(*ends))
