"""Refunds: what goes back, as a unit of work keeps it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from retender.domain.model.cause import Cause
from retender.domain.model.refund import Refund
from retender.domain.model.transition import RefundEvent


class Refunds(Protocol):
    """The refunds."""

    async def add(self, refund: Refund) -> bool:
        """
        Keep a new refund.

        False if its ``refund_no`` is taken, or its provider-side number at its
        account, or if it is automatic and its attempt has an automatic one.
        """

    async def get(self, refund_no: str) -> Refund | None:
        """Return the refund of this number."""

    async def by_number(self, account: str, number: str) -> Refund | None:
        """Return the refund that bears this provider-side number at this account."""

    async def of_order(self, order_id: str) -> Sequence[Refund]:
        """Return the order's refunds, the oldest first."""

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
        """
        Change state if the table allows it.

        SENT counts a try, notes when, and forgets the provider's id of an earlier send; RETRIED
        begins to count anew, at one, as it was sent before. ``next_try_at`` is kept as given
        in states under way, and cleared in the others. With ``held_until`` it is the act of a
        worker, and happens only while the row bears this lease. FAILED happens only while the
        row bears exactly ``held_until``, be it None: a "no" of long ago must not end
        what somebody sends at this moment.
        With ``hold_until`` it happens only while nobody holds the row, and the row
        is held from then on. The lease ends when nothing is left to do, and with the
        holder's own TRY_AGAIN; who has sent goes on holding it.
        """

    async def any_due(
        self, now: datetime, *, account: str | None = None, but: Collection[str] = ()
    ) -> bool:
        """Tell whether ``claim_due`` would find anything; it takes no lock."""

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        *,
        account: str | None = None,
        but: Collection[str] = (),
    ) -> Sequence[str]:
        """Lease refunds under way with ``next_try_at <= now``, as attempts are."""

    async def reschedule(
        self,
        refund_no: str,
        next_try_at: datetime,
        provider_refund_no: str | None = None,
        *,
        held_until: datetime | None,
    ) -> bool:
        """Plan the next look at a SENT or DOUBTED refund: count a try, end the lease."""

    async def put_off(self, refund_no: str, next_try_at: datetime, *, held_until: datetime) -> bool:
        """
        Plan the next step of a DUE or SENT refund of which nobody can be asked now.

        It counts no try, and ends the lease, which the row must bear.
        """
