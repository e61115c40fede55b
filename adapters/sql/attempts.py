"""Attempts in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from retender.adapters.sql.columns import Instant
from retender.adapters.sql.due import claim, due
from retender.adapters.sql.leases import (
    HELD,
    ITS,
    MOST,
    NOW,
    THEM,
    among,
    due_by,
    guarded,
    is_free,
    is_held,
    its,
)
from retender.adapters.sql.mapping import (
    Values,
    attempt_of,
    attempt_values,
    capture_of,
    capture_values,
    order_of,
)
from retender.adapters.sql.reading import AnyRow, part_of
from retender.adapters.sql.records import SqlStory
from retender.adapters.sql.seal import PageSeal
from retender.adapters.sql.tables import attempts, captures, orders
from retender.adapters.sql.uniqueness import add_unless_taken, change_unless_taken
from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import UndefinedTransition
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.story import Fact, StoryEntry
from retender.domain.model.story_pages import AttemptChanged, TradeNumberNotKept
from retender.domain.model.transition import (
    KEPT,
    LIVE,
    PAYABLE,
    AttemptEvent,
    AttemptState,
    Transition,
    transition,
)

_BY_ID = select(attempts).where(attempts.c.attempt_id == its())
_BY_NUMBER = select(attempts).where(
    attempts.c.account == its("account_"), attempts.c.number == its("number_")
)
_BY_REFERENCE = select(attempts).where(
    attempts.c.account == its("account_"), attempts.c.reference == its("reference_")
)
_WITH_ORDER = (
    select(orders, attempts)
    .outerjoin_from(orders, attempts, attempts.c.order_id == orders.c.order_id)
    .where(orders.c.order_no == its())
    .order_by(attempts.c.idx)
    .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
)
_OF_ORDER = select(attempts).where(attempts.c.order_id == its()).order_by(attempts.c.idx)
_LOCK = (
    select(attempts.c.attempt_id, attempts.c.order_id, attempts.c.state)
    .where(attempts.c.attempt_id == its())
    .with_for_update()
)
_CHANGE = update(attempts).where(attempts.c.attempt_id == its())
_PAYABLE = _CHANGE.where(guarded(among(attempts.c.state, PAYABLE)))
_CLAIM_ASKING = _PAYABLE.where(
    guarded(or_(attempts.c.asking_until.is_(None), attempts.c.asking_until <= its(NOW)))
)
_REFERENCE, _TRADE_NO = bindparam("reference_", type_=String), bindparam("trade_no_", type_=String)
_ASKED = _CHANGE.where(guarded(attempts.c.asking_until == its("asked_until_")))
_KEEP_PAGE = _ASKED.where(guarded(among(attempts.c.state, PAYABLE))).values(
    opened_at=func.coalesce(attempts.c.opened_at, bindparam("opened_at_", type_=Instant)),
    reference=func.coalesce(_REFERENCE, attempts.c.reference),
)
_FILL_IN = _CHANGE.where(
    guarded(
        or_(
            and_(_REFERENCE.is_not(None), attempts.c.reference.is_(None)),
            and_(_TRADE_NO.is_not(None), attempts.c.provider_trade_no.is_(None)),
        )
    )
).values(
    reference=func.coalesce(attempts.c.reference, _REFERENCE),
    provider_trade_no=func.coalesce(attempts.c.provider_trade_no, _TRADE_NO),
)
_CLAIM_CLOSING = _CHANGE.where(guarded(attempts.c.state == AttemptState.CLOSING))
_TAKE_BACK = _CLAIM_CLOSING.where(
    guarded(
        attempts.c.sealed_page.is_not(None),
        attempts.c.page_until > its(NOW),
        or_(attempts.c.asking_until.is_(None), attempts.c.asking_until <= its(NOW)),
        is_free(attempts),
    )
)
_HEAR_TOTAL = _CHANGE.where(
    guarded(or_(attempts.c.told_back_minor.is_(None), attempts.c.told_back_minor < its("told_")))
).values(told_back_minor=its("told_"))
_MOVE = {
    event: _CHANGE.where(guarded(among(attempts.c.state, transition(event).sources)))
    for event in AttemptEvent
}
_MOVE_HELD = {event: move.where(guarded(is_held(attempts))) for event, move in _MOVE.items()}
_RESCHEDULE = _CHANGE.where(guarded(among(attempts.c.state, LIVE), is_held(attempts))).values(
    checks=attempts.c.checks + 1
)
_LEASE = update(attempts).where(attempts.c.attempt_id.in_(bindparam(THEM, expanding=True)))


@dataclass(frozen=True, slots=True)
class SqlAttempts:
    """Implements ``Attempts``."""

    connection: AsyncConnection
    seal: PageSeal
    story: SqlStory

    async def add(self, attempt: Attempt) -> bool:
        """Insert, unless a number, the index, the request or the id are taken."""
        values = attempt_values(attempt, self.seal)
        return await add_unless_taken(self.connection, attempts, values)

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of our id."""
        return await self._first(_BY_ID, {ITS: attempt_id})

    async def by_number(self, account: str, number: str) -> Attempt | None:
        """Return the account's attempt of this provider-side number."""
        return await self._first(_BY_NUMBER, {"account_": account, "number_": number})

    async def by_reference(self, account: str, reference: str) -> Attempt | None:
        """Return the account's attempt of which the provider gave this reference."""
        return await self._first(_BY_REFERENCE, {"account_": account, "reference_": reference})

    async def with_order(self, order_no: str) -> tuple[Order, Sequence[Attempt]] | None:
        """Read both in one statement; an order without attempts is one row without one."""
        rows = (await self.connection.execute(_WITH_ORDER, {ITS: order_no})).all()
        if not rows:
            return None
        its = [part_of(row, attempts) for row in rows if row.attempts_attempt_id is not None]
        order = order_of(part_of(rows[0], orders))
        return order, [attempt_of(row, self.seal) for row in its]

    async def of_order(self, order_id: str) -> Sequence[Attempt]:
        """Return the order's attempts by ``idx``."""
        rows = await self.connection.execute(_OF_ORDER, {ITS: order_id})
        return [attempt_of(row, self.seal) for row in rows]

    async def move(
        self,
        attempt_id: str,
        event: AttemptEvent,
        *,
        at: datetime,
        cause: Cause,
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
        move = _MOVE[event] if held_until is None else _MOVE_HELD[event]
        changes = _changes(row, next_check_at, captured_at, held_until)
        changes |= {ITS: attempt_id} if held_until is None else {ITS: attempt_id, HELD: held_until}
        numbered = {"provider_trade_no": provider_trade_no} if provider_trade_no else {}
        changed = await change_unless_taken(self.connection, move, changes | numbered)
        taken = changed is None and bool(numbered)
        if taken:
            changed = await change_unless_taken(self.connection, move, changes)
        if changed is None:
            message = f"Attempt {attempt_id} cannot win: its order has a winner."
            raise UndefinedTransition(message, attempt_id=attempt_id)
        if changed == 0:
            return False
        await self._tell_changed(before, row, at, cause)
        if taken and provider_trade_no:
            await self._tell(before, at, TradeNumberNotKept(provider_trade_no=provider_trade_no))
        return True

    async def claim_asking(self, attempt_id: str, now: datetime, until: datetime) -> bool:
        """Note who asks, unless somebody else does."""
        values = {ITS: attempt_id, NOW: now, "asking_until": until}
        return (await self.connection.execute(_CLAIM_ASKING, values)).rowcount == 1

    async def keep_page(
        self,
        attempt_id: str,
        opened: Opened,
        until: datetime,
        at: datetime,
        *,
        asked_until: datetime,
    ) -> bool:
        """Keep the page of a payable attempt; CREATING -> OPEN leaves a line in the story."""
        row = transition(AttemptEvent.PAGE_RECEIVED)
        before = await self._lock(attempt_id)
        values = {
            ITS: attempt_id,
            "state": row.target,
            "sealed_page": self.seal.seal(attempt_id, opened.page),
            "page_until": until,
            "asking_until": None,
            "asked_until_": asked_until,
            "opened_at_": at,
            "reference_": opened.reference,
        }
        if before is None:
            return False
        if opened.reference is None:  # then nothing of it is unique
            changed: int | None = (await self.connection.execute(_KEEP_PAGE, values)).rowcount
        else:
            changed = await change_unless_taken(self.connection, _KEEP_PAGE, values)
        if not changed:
            return False
        if before.state in row.sources:
            await self._tell_changed(before, row, at, Cause(reason=Reason.PAGE_GIVEN))
        return True

    async def fill_in(
        self,
        attempt_id: str,
        *,
        reference: str | None = None,
        provider_trade_no: str | None = None,
    ) -> bool:
        """Keep what is not known yet, unless another attempt bears it."""
        values = {ITS: attempt_id, "reference_": reference, "trade_no_": provider_trade_no}
        return bool(await change_unless_taken(self.connection, _FILL_IN, values))

    async def hear_total(self, attempt_id: str, total: Money) -> None:
        """Keep it if it is the greatest."""
        await self.connection.execute(_HEAR_TOTAL, {ITS: attempt_id, "told_": total.minor})

    async def forget_total(self, attempt_id: str) -> None:
        """Keep none."""
        await self.connection.execute(_CHANGE, {ITS: attempt_id, "told_back_minor": None})

    async def add_capture(self, capture: FurtherCapture) -> bool:
        """Insert, unless the account has this trade number."""
        values = capture_values(capture)
        return await add_unless_taken(self.connection, captures, values)

    async def captures_of(self, order_id: str) -> Sequence[FurtherCapture]:
        """Return them, the oldest first."""
        its = select(captures).where(captures.c.order_id == order_id)
        oldest = its.order_by(captures.c.found_at, captures.c.provider_trade_no)
        return [capture_of(row) for row in await self.connection.execute(oldest)]

    async def claim_closing(self, attempt_id: str, until: datetime) -> bool:
        """Note until when it is being closed."""
        values = {ITS: attempt_id, "asking_until": until}
        return (await self.connection.execute(_CLAIM_CLOSING, values)).rowcount == 1

    async def take_back(self, attempt_id: str, *, at: datetime, cause: Cause) -> bool:
        """Open it again in one conditional update, unless somebody is at it."""
        row = transition(AttemptEvent.TAKEN_BACK)
        before = (await self.connection.execute(_LOCK, {ITS: attempt_id})).first()
        values = {
            ITS: attempt_id,
            NOW: at,
            "state": row.target,
            "asking_until": None,
            "leased_until": None,
        }
        if before is None or not await change_unless_taken(self.connection, _TAKE_BACK, values):
            return False
        await self._tell_changed(before, row, at, cause)
        return True

    async def release_asking(self, attempt_id: str, *, asked_until: datetime) -> None:
        """Forget who asks, if it is still the caller."""
        values = {ITS: attempt_id, "asked_until_": asked_until, "asking_until": None}
        await self.connection.execute(_ASKED, values)

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Look for the first that is due and not leased."""
        wanted = due(attempts, one=account is not None, but=bool(but))
        values = {**due_by(now, account, but), MOST: 1}
        return (await self.connection.execute(wanted, values)).first() is not None

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[str]:
        """Lease what is due, not leased, and not being leased by another this very moment."""
        wanted = claim(attempts, one=account is not None, but=bool(but))
        values = {**due_by(now, account, but), MOST: limit}
        them = [row.attempt_id for row in await self.connection.execute(wanted, values)]
        if them:
            await self.connection.execute(_LEASE, {THEM: them, "leased_until": until})
        return them

    async def reschedule(
        self, attempt_id: str, next_check_at: datetime, *, held_until: datetime | None
    ) -> bool:
        """Count a check of a live attempt and plan the next."""
        values = {
            ITS: attempt_id,
            HELD: held_until,
            "next_check_at": next_check_at,
            "leased_until": None,
        }
        return (await self.connection.execute(_RESCHEDULE, values)).rowcount == 1

    async def _first(self, wanted: Select[Any], values: Values) -> Attempt | None:
        row = (await self.connection.execute(wanted, values)).first()
        return None if row is None else attempt_of(row, self.seal)

    async def _lock(self, attempt_id: str) -> AnyRow | None:
        """Return what the story needs of the row, which nobody changes until we are done."""
        return (await self.connection.execute(_LOCK, {ITS: attempt_id})).first()

    async def _tell_changed(
        self, before: AnyRow, row: Transition, at: datetime, cause: Cause
    ) -> None:
        after = AttemptState(row.target)
        await self._tell(before, at, AttemptChanged(before=before.state, after=after, cause=cause))

    async def _tell(self, attempt: AnyRow, at: datetime, fact: Fact) -> None:
        its = {"order_id": attempt.order_id, "attempt_id": attempt.attempt_id}
        await self.story.add(StoryEntry(**its, at=at, fact=fact))


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
    if row.target not in KEPT:
        changes.update(sealed_page=None, sealed_payer=None, page_until=None)
    if captured_at is not None:
        changes["captured_at"] = captured_at
    return changes
