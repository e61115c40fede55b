"""Refunds in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from retender.adapters.memory.rows import Rows
from retender.domain.model.cause import Cause
from retender.domain.model.lease import is_free
from retender.domain.model.refund import Refund
from retender.domain.model.story import StoryEntry
from retender.domain.model.story_money import RefundChanged
from retender.domain.model.transition import (
    ASKED_AFTER,
    UNDER_WAY,
    RefundEvent,
    RefundState,
    transition,
)


@dataclass(frozen=True, slots=True)
class MemoryRefunds:
    """Implements ``Refunds``."""

    rows: Rows

    async def add(self, refund: Refund) -> bool:
        """Keep a new refund unless it clashes with one that is there."""
        if any(_clash(refund, other) for other in self.rows.refunds.values()):
            return False
        self.rows.refunds[refund.refund_no] = refund
        return True

    async def get(self, refund_no: str) -> Refund | None:
        """Return the refund of this number."""
        return self.rows.refunds.get(refund_no)

    async def by_number(self, account: str, number: str) -> Refund | None:
        """Return the account's refund of this provider-side number."""
        refunds = self.rows.refunds.values()
        return next((r for r in refunds if (r.account, r.number) == (account, number)), None)

    async def of_order(self, order_id: str) -> Sequence[Refund]:
        """Return the order's refunds, the oldest first."""
        its = [refund for refund in self.rows.refunds.values() if refund.order_id == order_id]
        return sorted(its, key=lambda refund: (refund.created_at, refund.refund_no))

    async def move(
        self,
        refund_no: str,
        event: RefundEvent,
        *,
        at: datetime,
        cause: Cause,
        next_try_at: datetime | None = None,
        provider_refund_no: str | None = None,
        problem: str | None = None,
        held_until: datetime | None = None,
        hold_until: datetime | None = None,
    ) -> bool:
        """Follow the table, and leave a line in the story."""
        row = transition(event)
        refund = self.rows.refunds.get(refund_no)
        if refund is None or refund.state not in row.sources:
            return False
        if held_until != refund.leased_until and (held_until or event is RefundEvent.FAILED):
            return False
        if hold_until is not None and not is_free(refund.leased_until, at):
            return False
        goes_on = row.target in UNDER_WAY and not (held_until and event is RefundEvent.TRY_AGAIN)
        again, sent = event is RefundEvent.RETRIED, event is RefundEvent.SENT
        self.rows.refunds[refund_no] = replace(
            refund,
            state=RefundState(row.target),
            tries=1 if again else refund.tries + sent,
            next_try_at=next_try_at if row.target in UNDER_WAY else None,
            leased_until=hold_until or (refund.leased_until if goes_on else None),
            provider_refund_no=provider_refund_no or (None if sent else refund.provider_refund_no),
            problem=problem or refund.problem,
            sent_at=at if sent else refund.sent_at,
        )
        self.rows.story.append(
            StoryEntry(
                order_id=refund.order_id,
                attempt_id=refund.attempt_id,
                at=at,
                fact=RefundChanged(
                    refund_no=refund_no,
                    before=refund.state,
                    after=RefundState(row.target),
                    cause=cause,
                ),
            )
        )
        return True

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
        leased = [replace(r, leased_until=until) for r in self._due(now, account, but)[:limit]]
        for refund in leased:
            self.rows.refunds[refund.refund_no] = refund
        return [refund.refund_no for refund in leased]

    def _due(self, now: datetime, account: str | None, but: Collection[str]) -> list[Refund]:
        """Return what is due, the most overdue first."""
        due = [
            (refund.next_try_at, refund.refund_no, refund)
            for refund in self.rows.refunds.values()
            if refund.state in UNDER_WAY
            and refund.next_try_at is not None
            and refund.next_try_at <= now
            and is_free(refund.leased_until, now)
            and account in {None, refund.account}
            and refund.account not in but
        ]
        return [refund for *_, refund in sorted(due, key=lambda item: item[:2])]

    async def reschedule(
        self,
        refund_no: str,
        next_try_at: datetime,
        provider_refund_no: str | None = None,
        *,
        held_until: datetime | None,
    ) -> bool:
        """Count a look at a refund that is asked after, and plan the next."""
        refund = self.rows.refunds.get(refund_no)
        if refund is None or refund.state not in ASKED_AFTER:
            return False
        if refund.leased_until != held_until:
            return False
        self.rows.refunds[refund_no] = replace(
            refund,
            tries=refund.tries + 1,
            next_try_at=next_try_at,
            leased_until=None,
            provider_refund_no=provider_refund_no or refund.provider_refund_no,
        )
        return True

    async def put_off(self, refund_no: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """Plan the next step of a refund that is under way; count nothing."""
        refund = self.rows.refunds.get(refund_no)
        if refund is None or refund.state not in UNDER_WAY or refund.leased_until != held_until:
            return False
        self.rows.refunds[refund_no] = replace(refund, next_try_at=next_try_at, leased_until=None)
        return True


def _clash(refund: Refund, other: Refund) -> bool:
    """Tell whether two refunds cannot both be there."""
    return (
        refund.refund_no == other.refund_no
        or (refund.account, refund.number) == (other.account, other.number)
        or (refund.attempt_id == other.attempt_id and refund.is_automatic and other.is_automatic)
    )
