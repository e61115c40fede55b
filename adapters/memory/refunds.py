"""Refunds in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from retender.adapters.memory.rows import Rows
from retender.domain.model.event import StoryEntry
from retender.domain.model.refund import Refund
from retender.domain.model.transition import RefundEvent, RefundState, transition

_UNDER_WAY = (RefundState.DUE, RefundState.SENT)


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
        """Return the refund of this provider-side number, if the account took its money."""
        for refund in self.rows.refunds.values():
            attempt = self.rows.attempts.get(refund.attempt_id)
            if refund.number == number and attempt is not None and attempt.account == account:
                return refund
        return None

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
        why: str,
        next_try_at: datetime | None = None,
        provider_refund_no: str | None = None,
        problem: str | None = None,
    ) -> bool:
        """Follow the table, and leave a line in the story."""
        row = transition(event)
        refund = self.rows.refunds.get(refund_no)
        if refund is None or refund.state not in row.sources:
            return False
        self.rows.refunds[refund_no] = replace(
            refund,
            state=RefundState(row.target),
            tries=refund.tries + (event is RefundEvent.SENT),
            next_try_at=next_try_at,
            leased_until=None,
            provider_refund_no=provider_refund_no or refund.provider_refund_no,
            problem=problem or refund.problem,
        )
        self.rows.story.append(
            StoryEntry(
                order_id=refund.order_id,
                attempt_id=refund.attempt_id,
                at=at,
                what=f"refund {refund_no} {refund.state} -> {row.target}",
                why=why,
            )
        )
        return True

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> Sequence[Refund]:
        """Lease what is due and not leased."""
        due = [
            (refund.next_try_at, refund.refund_no, refund)
            for refund in self.rows.refunds.values()
            if refund.state in _UNDER_WAY
            and refund.next_try_at is not None
            and refund.next_try_at <= now
            and (refund.leased_until is None or refund.leased_until <= now)
        ]
        leased = [replace(r, leased_until=until) for *_, r in sorted(due, key=lambda d: d[:2])]
        for refund in leased[:limit]:
            self.rows.refunds[refund.refund_no] = refund
        return leased[:limit]

    async def reschedule(
        self, refund_no: str, next_try_at: datetime, provider_refund_no: str | None = None
    ) -> bool:
        """Count a look at a SENT refund and plan the next."""
        refund = self.rows.refunds.get(refund_no)
        if refund is None or refund.state is not RefundState.SENT:
            return False
        self.rows.refunds[refund_no] = replace(
            refund,
            tries=refund.tries + 1,
            next_try_at=next_try_at,
            leased_until=None,
            provider_refund_no=provider_refund_no or refund.provider_refund_no,
        )
        return True


def _clash(refund: Refund, other: Refund) -> bool:
    """Tell whether two refunds cannot both be there."""
    return (
        refund.refund_no == other.refund_no
        or refund.number == other.number
        or (refund.attempt_id == other.attempt_id and refund.is_automatic and other.is_automatic)
    )
