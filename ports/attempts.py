"""Attempts: the tries to pay, as a unit of work keeps them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.page import Opened
from retender.domain.model.transition import AttemptEvent


class Attempts(Protocol):
    """The attempts."""

    async def add(self, attempt: Attempt) -> bool:
        """
        Keep a new attempt.

        False if the order has a payable one of the same fingerprint or the same
        ``idx``, or if the account has its number; nothing is changed then.
        """

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return the attempt of our id."""

    async def by_number(self, account: str, number: str) -> Attempt | None:
        """Return the account's attempt of this provider-side number."""

    async def by_reference(self, account: str, reference: str) -> Attempt | None:
        """Return the account's attempt of which the provider gave this reference."""

    async def of_order(self, order_id: str) -> Sequence[Attempt]:
        """Return the order's attempts by ``idx``."""

    async def with_order(self, order_no: str) -> tuple[Order, Sequence[Attempt]] | None:
        """Return the order of the shop's number and its attempts by ``idx``, in one question."""

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
        Change state if the table allows it.

        ``next_check_at`` is set in live states and cleared in the others; page and
        payer are kept while the attempt is OPEN or CLOSING, and forgotten then; the
        provider's number and time are kept where given. The lease ends, so that
        what changed is looked at when planned. With ``held_until`` it is the
        holder's own move: it happens only while the row bears this lease, and the
        lease goes on.
        """

    async def claim_asking(self, attempt_id: str, now: datetime, until: datetime) -> bool:
        """
        Become the one who calls ``open`` for a payable attempt, until then.

        False if it is not payable any more, or if another one's claim runs.
        """

    async def keep_page(
        self,
        attempt_id: str,
        opened: Opened,
        until: datetime,
        at: datetime,
        *,
        asked_until: datetime,
    ) -> bool:
        """
        Keep what the provider answered, page and reference, if the attempt is still payable.

        CREATING becomes OPEN; an OPEN one gets the new page; the claim to ask
        ends. False otherwise: then the page must not be shown to anyone.
        Only the holder of the claim keeps a page: ``asked_until`` is what it was given. Not
        if another attempt of the account bears the reference, either.
        """

    async def fill_in(
        self,
        attempt_id: str,
        *,
        reference: str | None = None,
        provider_trade_no: str | None = None,
    ) -> bool:
        """
        Keep what evidence says of an attempt, where nothing is known yet, in any state.

        False, and nothing is changed, if each of the two is known already or not given, or
        if another attempt of the account bears one of them.
        """

    async def hear_total(self, attempt_id: str, total: Money) -> None:
        """Keep what was given back in all, as its provider says, if it is more than was heard."""

    async def forget_total(self, attempt_id: str) -> None:
        """Forget that total: a refund that was part of it failed since."""

    async def add_capture(self, capture: FurtherCapture) -> bool:
        """Keep a further capture; False if its account has this trade number already."""

    async def captures_of(self, order_id: str) -> Sequence[FurtherCapture]:
        """Return the further captures of the order's attempts, the oldest first."""

    async def claim_closing(self, attempt_id: str, until: datetime) -> bool:
        """
        Note that somebody closes a CLOSING attempt until then; ``release_asking`` ends it.

        It locks nobody out but ``take_back``. False if the attempt is not CLOSING.
        """

    async def take_back(self, attempt_id: str, *, at: datetime, cause: Cause) -> bool:
        """
        Make a CLOSING attempt OPEN again, with the page that was kept.

        False if it is not CLOSING, if no page of it is kept that works at ``at``, if somebody
        closes it or holds its lease, or if another payable attempt bears its fingerprint.
        """

    async def release_asking(self, attempt_id: str, *, asked_until: datetime) -> None:
        """End the caller's own claim to ask, so that the payer may press again at once."""

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
        """
        Lease live attempts with ``next_check_at <= now``; return their ids, the most overdue first.

        Ids alone, so that one row which cannot be read holds up no other.

        No two claimers get the same attempt before the first one's lease is over.

        Args:
            now: leases that ended at or before it are over.
            until: later than ``now``; the token of all that is claimed here.
            limit: how many at most.
            account: of this account only.
            but: of no account among these.

        """

    async def reschedule(
        self, attempt_id: str, next_check_at: datetime, *, held_until: datetime | None
    ) -> bool:
        """
        Count a check, plan the next, end the lease.

        False, and nothing is changed, if it is live no more, or if ``leased_until``
        is not what the caller holds: the token of ``claim_due``, or, where nobody
        held the row, what it bore when it was loaded.
        """
