"""
UnitOfWork: one transaction over everything that we write down.

Proved by ``UnitOfWorkContract`` for every store. Writers see each other only
through conditional updates: ``move`` and its kin change a row if it is still in
a state that the table allows, and say whether they did. False is a normal
answer with its own branch. Every ``move`` leaves a line in the order's story, with its cause.

Who takes up due work leases it, and the end of the lease is the fencing token:
it is later for every later claimer. Acts are fenced: who comes back with a token
that the row no longer bears changes nothing. Evidence is not: what a provider
said is true, whoever brings it.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import EndReason, LatePayment, Order
from retender.domain.model.order_sums import OrderSums
from retender.domain.model.page import Opened
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.transition import AttemptEvent, OrderEvent, RefundEvent
from retender.ports.backlog import Backlog
from retender.ports.records import AttentionItems, Inbox, Outbox, Story


class Orders(Protocol):
    """The orders."""

    async def add(self, order: Order) -> bool:
        """
        Keep a new order.

        False if its ``order_no`` is taken, or if it has a ``key`` under which the
        user has a NEW order; nothing is changed then.
        """

    async def get(self, order_no: str) -> Order | None:
        """Return the order of the shop's number."""

    async def with_sums(self, order_no: str) -> tuple[Order, OrderSums] | None:
        """
        Return the order of the shop's number, and what its attempts and refunds add up to.

        Taken is what its CAPTURED attempts and its further captures took; given back are refunds
        that are DONE, going back those that have not ENDED.
        """

    async def by_id(self, order_id: str) -> Order | None:
        """Return the order of our id."""

    async def open_under(self, user_id: str, key: str) -> Order | None:
        """Return the payer's NEW order under this key."""

    async def hold_new(self, order_id: str, now: datetime) -> bool:
        """
        Lock the order for this transaction if it is NEW and ``now < shown_until``.

        It counts ``version`` up, in one conditional update: whoever comes second
        waits for this transaction's end, then sees what it did.
        """

    async def hold(self, order_id: str) -> bool:
        """Lock the order for this transaction, whatever its state; False if there is none."""

    async def move(
        self,
        order_id: str,
        event: OrderEvent,
        *,
        at: datetime,
        cause: Cause,
        winner: str | None = None,
        end_reason: EndReason | None = None,
        late_payment: LatePayment | None = None,
    ) -> bool:
        """
        Change state if the table allows it; ``winner`` is set exactly with CAPTURED.

        ``end_reason`` and ``late_payment`` are kept where given. A PAID order has no end
        reason: what was about to end it did not.
        """

    async def past_deadline(self, now: datetime, limit: int) -> Sequence[Order | RowUnreadable]:
        """
        Return NEW orders with ``shown_until <= now``, the oldest first.

        One that cannot be read stands in its place as its error. One that waits for a human
        as ROW_UNREADABLE is left out: it holds up no other.
        """

    async def expiring_without_live_attempts(self, limit: int) -> Sequence[Order | RowUnreadable]:
        """Return orders that are ENDING and have no live attempt; the rest as ``past_deadline``."""


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


class Work(Protocol):
    """One open transaction; leaving it without ``commit`` undoes everything."""

    @property
    def orders(self) -> Orders:
        """The orders."""

    @property
    def attempts(self) -> Attempts:
        """The attempts."""

    @property
    def refunds(self) -> Refunds:
        """The refunds."""

    @property
    def inbox(self) -> Inbox:
        """Which notices were taken."""

    @property
    def attention(self) -> AttentionItems:
        """What waits for a human."""

    @property
    def backlog(self) -> Backlog:
        """What has not come to its end."""

    @property
    def outbox(self) -> Outbox:
        """Events not yet told."""

    @property
    def story(self) -> Story:
        """What happened and why."""

    async def commit(self) -> None:
        """Make it all durable, at once."""


class UnitOfWork(Protocol):
    """
    Opens transactions; no provider is ever called while one is open.

    A row that cannot be read raises ``RowUnreadable``, also as one of those of an order; in a
    batch of due work it stands in its place instead, so that the others go on.
    A busy store raises ``StoreBusy`` after a bounded wait: nothing was changed, do it again.
    A commit that was cut off raises ``StoreUncertain``: all of it was kept, or nothing.
    """

    def __call__(
        self, *, read_only: bool = False, once: bool = False
    ) -> AbstractAsyncContextManager[Work]:
        """
        Begin.

        Args:
            read_only: take no write lock, and see all of one instant; ``commit`` is an error.
            once: of a read-only one, that it asks one question: it needs no transaction, and
                a second question is an error.

        """
