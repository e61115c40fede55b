"""Attempts in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from retender.adapters.memory.rows import Rows
from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import UndefinedTransition
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.lease import is_free
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.payer import Payer
from retender.domain.model.story import Fact, StoryEntry
from retender.domain.model.story_pages import AttemptChanged, TradeNumberNotKept
from retender.domain.model.transition import KEPT, LIVE, AttemptEvent, AttemptState, transition


@dataclass(frozen=True, slots=True)
class MemoryAttempts:
    """Implements ``Attempts``."""

    rows: Rows

    async def add(self, attempt: Attempt) -> bool:
        """Keep a new attempt unless it clashes with one that is there."""
        if any(_clash(attempt, other) for other in self.rows.attempts.values()):
            return False
        self._keep(attempt)
        return True

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of our id."""
        return self.rows.attempts.get(attempt_id)

    async def with_order(self, order_no: str) -> tuple[Order, Sequence[Attempt]] | None:
        """Return the order of the shop's number and its attempts."""
        for order in self.rows.orders.values():
            if order.order_no == order_no:
                return order, await self.of_order(order.order_id)
        return None

    async def by_number(self, account: str, number: str) -> Attempt | None:
        """Return the account's attempt of this provider-side number."""
        attempts = self.rows.attempts.values()
        return next((a for a in attempts if (a.account, a.number) == (account, number)), None)

    async def by_reference(self, account: str, reference: str) -> Attempt | None:
        """Return the account's attempt of which the provider gave this reference."""
        attempts = self.rows.attempts.values()
        return next((a for a in attempts if (a.account, a.reference) == (account, reference)), None)

    async def of_order(self, order_id: str) -> Sequence[Attempt]:
        """Return the order's attempts by ``idx``."""
        its = [a for a in self.rows.attempts.values() if a.order_id == order_id]
        return sorted(its, key=lambda attempt: attempt.idx)

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
        """Follow the table, and leave a line in the story."""
        row = transition(event)
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is None or attempt.state not in row.sources:
            return False
        if held_until not in {None, attempt.leased_until}:
            return False
        after = AttemptState(row.target)
        if after is AttemptState.SUCCEEDED:
            self._refuse_second_winner(attempt)
        taken = self._bears(attempt, provider_trade_no=provider_trade_no)
        known = provider_trade_no if provider_trade_no and not taken else None
        kept = after in KEPT
        self._keep(
            replace(
                attempt,
                state=after,
                charge=attempt.charge if kept else replace(attempt.charge, payer=Payer()),
                page=attempt.page if kept else None,
                page_until=attempt.page_until if kept else None,
                next_check_at=(next_check_at or attempt.next_check_at) if after in LIVE else None,
                leased_until=held_until if after in LIVE else None,
                provider_trade_no=known or attempt.provider_trade_no,
                captured_at=captured_at or attempt.captured_at,
            )
        )
        self._tell(attempt, at, AttemptChanged(before=attempt.state, after=after, cause=cause))
        if taken and provider_trade_no:
            self._tell(attempt, at, TradeNumberNotKept(provider_trade_no=provider_trade_no))
        return True

    async def claim_asking(self, attempt_id: str, now: datetime, until: datetime) -> bool:
        """Note who asks, unless somebody else does."""
        attempt = self._payable(attempt_id)
        if attempt is None or (attempt.asking_until is not None and now < attempt.asking_until):
            return False
        self._keep(replace(attempt, asking_until=until))
        return True

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
        attempt = self._payable(attempt_id)
        if attempt is None or attempt.asking_until != asked_until:
            return False
        reference = opened.reference
        if reference is not None and self._bears(attempt, reference=reference):
            return False
        row = transition(AttemptEvent.PAGE_RECEIVED)
        charge = replace(attempt.charge, reference=reference or attempt.reference)
        self._keep(
            replace(
                attempt,
                charge=charge,
                state=AttemptState(row.target),
                page=opened.page,
                page_until=until,
                opened_at=attempt.opened_at or at,
                asking_until=None,
            )
        )
        if attempt.state in row.sources:
            given = Cause(reason=Reason.PAGE_GIVEN)
            after = AttemptState(row.target)
            self._tell(attempt, at, AttemptChanged(before=attempt.state, after=after, cause=given))
        return True

    async def fill_in(
        self,
        attempt_id: str,
        *,
        reference: str | None = None,
        provider_trade_no: str | None = None,
    ) -> bool:
        """Keep what is not known yet, unless another attempt bears it."""
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is None:
            return False
        if self._bears(attempt, reference=reference, provider_trade_no=provider_trade_no):
            return False
        after = replace(
            attempt,
            charge=replace(attempt.charge, reference=attempt.reference or reference),
            provider_trade_no=attempt.provider_trade_no or provider_trade_no,
        )
        self._keep(after)
        return after != attempt

    async def hear_total(self, attempt_id: str, total: Money) -> None:
        """Keep it if it is the greatest."""
        attempt = self.rows.attempts[attempt_id]
        if attempt.told_back is None or attempt.told_back.minor < total.minor:
            self._keep(replace(attempt, told_back=total))

    async def forget_total(self, attempt_id: str) -> None:
        """Keep none."""
        self._keep(replace(self.rows.attempts[attempt_id], told_back=None))

    async def add_capture(self, capture: FurtherCapture) -> bool:
        """Keep it under its trade number."""
        key = (capture.account, capture.provider_trade_no)
        return self.rows.captures.setdefault(key, capture) is capture

    async def captures_of(self, order_id: str) -> Sequence[FurtherCapture]:
        """Return them in the order of writing."""
        return [each for each in self.rows.captures.values() if each.order_id == order_id]

    async def claim_closing(self, attempt_id: str, until: datetime) -> bool:
        """Note until when it is being closed."""
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is None or attempt.state is not AttemptState.CLOSING:
            return False
        self._keep(replace(attempt, asking_until=until))
        return True

    async def take_back(self, attempt_id: str, *, at: datetime, cause: Cause) -> bool:
        """Open it again, unless somebody is at it."""
        row = transition(AttemptEvent.TAKEN_BACK)
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is None or attempt.left_page(at) is None:
            return False
        if not (is_free(attempt.asking_until, at) and is_free(attempt.leased_until, at)):
            return False
        after = replace(
            attempt, state=AttemptState(row.target), asking_until=None, leased_until=None
        )
        others = [o for o in self.rows.attempts.values() if o.attempt_id != attempt_id]
        if any(_clash(after, other) for other in others):
            return False
        self._keep(after)
        changed = AttemptChanged(before=attempt.state, after=after.state, cause=cause)
        self._tell(attempt, at, changed)
        return True

    async def release_asking(self, attempt_id: str, *, asked_until: datetime) -> None:
        """Forget who asks, if it is still the caller."""
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is not None and attempt.asking_until == asked_until:
            self._keep(replace(attempt, asking_until=None))

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Tell whether anything is due and not leased."""
        return bool(self._due(now, account, but))

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[str]:
        """Lease what is due and not leased."""
        leased = [replace(a, leased_until=until) for a in self._due(now, account, but)[:limit]]
        for attempt in leased:
            self._keep(attempt)
        return [attempt.attempt_id for attempt in leased]

    def _due(self, now: datetime, account: str | None, but: Collection[str]) -> list[Attempt]:
        """Return what is due, the most overdue first."""
        due = [
            (attempt.next_check_at, attempt.attempt_id, attempt)
            for attempt in self.rows.attempts.values()
            if attempt.is_live
            and attempt.next_check_at is not None
            and attempt.next_check_at <= now
            and is_free(attempt.leased_until, now)
            and account in {None, attempt.account}
            and attempt.account not in but
        ]
        return [attempt for *_, attempt in sorted(due, key=lambda item: item[:2])]

    async def reschedule(
        self, attempt_id: str, next_check_at: datetime, *, held_until: datetime | None
    ) -> bool:
        """Count a check of a live attempt and plan the next."""
        attempt = self.rows.attempts.get(attempt_id)
        if attempt is None or not attempt.is_live or attempt.leased_until != held_until:
            return False
        checks = attempt.checks + 1
        self._keep(replace(attempt, checks=checks, next_check_at=next_check_at, leased_until=None))
        return True

    def _payable(self, attempt_id: str) -> Attempt | None:
        attempt = self.rows.attempts.get(attempt_id)
        return attempt if attempt is not None and attempt.is_payable else None

    def _keep(self, attempt: Attempt) -> None:
        self.rows.attempts[attempt.attempt_id] = attempt

    def _tell(self, attempt: Attempt, at: datetime, fact: Fact) -> None:
        its = {"order_id": attempt.order_id, "attempt_id": attempt.attempt_id}
        self.rows.story.append(StoryEntry(**its, at=at, fact=fact))

    def _bears(
        self,
        attempt: Attempt,
        *,
        reference: str | None = None,
        provider_trade_no: str | None = None,
    ) -> bool:
        """Tell whether another attempt of the account bears one of these."""
        others = (
            other
            for other in self.rows.attempts.values()
            if other.account == attempt.account and other.attempt_id != attempt.attempt_id
        )
        return any(
            (reference is not None and other.reference == reference)
            or (provider_trade_no is not None and other.provider_trade_no == provider_trade_no)
            for other in others
        )

    def _refuse_second_winner(self, attempt: Attempt) -> None:
        if any(
            other.order_id == attempt.order_id and other.state is AttemptState.SUCCEEDED
            for other in self.rows.attempts.values()
        ):
            message = f"Attempt {attempt.attempt_id} cannot win: its order has a winner."
            raise UndefinedTransition(message, attempt_id=attempt.attempt_id)


def _clash(attempt: Attempt, other: Attempt) -> bool:
    """Tell whether two attempts cannot both be there."""
    same_order = attempt.order_id == other.order_id
    same_account = attempt.account == other.account
    won = AttemptState.SUCCEEDED
    return (
        attempt.attempt_id == other.attempt_id
        or (same_order and attempt.idx == other.idx)
        or (same_order and attempt.state is other.state is won)
        or (
            same_order
            and attempt.fingerprint == other.fingerprint
            and attempt.is_payable
            and other.is_payable
        )
        or (same_account and attempt.number == other.number)
        or (same_account and attempt.reference is not None and attempt.reference == other.reference)
        or (
            same_account
            and attempt.provider_trade_no is not None
            and attempt.provider_trade_no == other.provider_trade_no
        )
    )
