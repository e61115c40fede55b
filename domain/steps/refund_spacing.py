"""The least time that a provider wants between two refunds of one charge."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from retender.domain.model.refund import Refund
from retender.domain.model.transition import RefundState
from retender.ports.unit_of_work import Work


def planned(earlier: Sequence[Refund], spacing: timedelta, now: datetime) -> datetime:
    """Return when a new refund is to be sent, after all that are written down before it."""
    last = max((_sent_by(refund, now) for refund in earlier), default=None)
    return now if last is None else max(now, last + spacing)


def _sent_by(refund: Refund, now: datetime) -> datetime:
    """Return by when it is sent; what is planned for one that was sent already is a look."""
    due = refund.next_try_at or refund.created_at
    return due if refund.state is RefundState.DUE else min(due, now)


async def free_at(work: Work, refund: Refund, spacing: timedelta) -> datetime:
    """
    Return from when on a refund may be sent, by when others of its charge were.

    A plan is not enough: what was planned apart may become due together, after a time in which
    nobody could be reached.
    """
    if not spacing:
        return refund.created_at
    sent = [
        other.sent_at
        for other in await work.refunds.of_order(refund.order_id)
        if other.attempt_id == refund.attempt_id
        and other.refund_no != refund.refund_no
        and other.sent_at is not None
    ]
    return max(sent) + spacing if sent else refund.created_at
