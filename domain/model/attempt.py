"""Attempt: one try to pay an order at one provider account, under one number."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retender.domain.model.client_type import Device
from retender.domain.model.money import Money
from retender.domain.model.page import Page, PageKind
from retender.domain.model.payer import Payer
from retender.domain.model.schedule import jittered
from retender.domain.model.text import check_provider_number
from retender.domain.model.transition import LIVE, PAYABLE, AttemptState


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """
    What we ask of a provider, with nothing left to decide.

    It is stored with the attempt before the provider is called, and sent
    unchanged ever after: providers compare a repeated number byte for byte.

    Attributes:
        number: the provider-side order number, 8 to 32 of ``[A-Za-z0-9]``.
        order_no: the shop's number, for the provider's own records.
        amount: what the payer is asked for.
        subject: what the payer reads at the provider.
        client_type: its code; providers record it, they do not branch on it.
        device: where the page is shown.
        page_kind: which kind of page to make.
        created_at: when the attempt began.
        expires_at: the upstream instant; whole seconds.
        notify_url: where the provider sends notices.
        payer: what the payer's side supplied.
        instalments: number of monthly rates, or None for one payment.
        reference: the provider's own id of it, known from the answer to ``open``; None
            until then, and where the provider goes by our number.
        way_back: our own page of the attempt, while a page is asked for; made anew each time
            and stored nowhere.

    """

    number: str
    order_no: str
    amount: Money
    subject: str
    client_type: str
    device: Device
    page_kind: PageKind
    created_at: datetime
    expires_at: datetime
    notify_url: str
    payer: Payer = field(default_factory=Payer)
    instalments: int | None = None
    reference: str | None = None
    way_back: str | None = None

    @property
    def return_url(self) -> str | None:
        """Where a browser goes after paying: where the payer's side says, else to our own page."""
        return self.payer.return_url or self.way_back

    def __post_init__(self) -> None:
        """Refuse a number that some provider would refuse."""
        check_provider_number(self.number)


def fingerprint(
    *,
    account: str,
    credentials_epoch: str,
    client_type: str,
    page_kind: PageKind,
    amount: Money,
    instalments: int | None,
    bound: Mapping[str, str | None],
) -> str:
    """
    Return what must agree for a page to be handed out again: 32 hex digits.

    ``bound`` holds what the page is bound to of the payer, by name. Providers freeze these
    on a number (the CONTEXT_INCONSISTENT and OUT_TRADE_NO_USED families), so a change of
    any of them means a new attempt.
    """
    facts = [
        account,
        credentials_epoch,
        client_type,
        str(page_kind),
        amount.minor,
        amount.currency,
        instalments,
        sorted(bound.items()),
    ]
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """
    One try to pay. Switching makes a new one and overwrites nothing.

    Attributes:
        attempt_id: ours; also what a caller polls.
        order_id: the order it tries to pay.
        idx: 1 for the order's first attempt, then 2, 3 ...
        account: the provider account, by name.
        fingerprint: see ``fingerprint``; one payable attempt per order and fingerprint.
        charge: what was and will be asked, unchanged.
        watch_until: before this, a provider's "not found" proves nothing.
        state: see the table in ``transition``.
        page: what the payer was handed last; None before and after its life. One that is left
            is kept until it is closed for sure: the payer may come back to it.
        page_until: until when that page works.
        opened_at: when a page of it was first kept; None: nobody ever had one.
        asking_until: somebody is calling ``open`` for it; nobody else does until then, and
            only who brings this very instant may keep what ``open`` answered.
        next_check_at: when the worker asks the provider next; None when final.
        checks: how often it has asked.
        leased_until: a worker holds it; another takes it only after that.
        provider_trade_no: the provider's own number, once known.
        captured_at: when the provider says the money was taken.
        told_back: the most that the provider said was given back of it in all, whoever did.
        undecryptable: its page or its payer is kept, and does not open: the page key changed.

    """

    attempt_id: str
    order_id: str
    idx: int
    account: str
    fingerprint: str
    charge: Charge
    watch_until: datetime
    state: AttemptState = AttemptState.CREATING
    page: Page | None = None
    page_until: datetime | None = None
    opened_at: datetime | None = None
    asking_until: datetime | None = None
    next_check_at: datetime | None = None
    checks: int = 0
    leased_until: datetime | None = None
    provider_trade_no: str | None = None
    captured_at: datetime | None = None
    told_back: Money | None = None
    undecryptable: bool = False

    @property
    def number(self) -> str:
        """The provider-side number."""
        return self.charge.number

    @property
    def reference(self) -> str | None:
        """The provider's own id, once known."""
        return self.charge.reference

    @property
    def is_unseen(self) -> bool:
        """Whether no page of it was ever kept, and none will be: nobody can have seen one."""
        return self.state is AttemptState.CLOSING and self.opened_at is None

    @property
    def is_live(self) -> bool:
        """Whether it may still take money, as far as we know."""
        return self.state in LIVE

    @property
    def is_payable(self) -> bool:
        """Whether its page may still be handed out."""
        return self.state in PAYABLE

    def good_page(self, now: datetime) -> Page | None:
        """Return the stored page while it surely works, else None."""
        return self._page_in(AttemptState.OPEN, now)

    def left_page(self, now: datetime) -> Page | None:
        """Return the page that the payer left, while it would work if it could not be closed."""
        return self._page_in(AttemptState.CLOSING, now)

    def _page_in(self, state: AttemptState, now: datetime) -> Page | None:
        if self.state is not state or self.page is None or self.page_until is None:
            return None
        return self.page if now < self.page_until else None

    def proves_absence(self, asked_at: datetime) -> bool:
        """
        Tell whether a "not found" to a query sent then means that it is dead.

        The time that counts is when the query was *sent*, not when its answer is
        read: a trade can be made in between (protocol, ablation A10).
        """
        return asked_at > self.watch_until


# Protocol 1.2: how long to wait before asking again, then to expiry every 5 min.
_FIRST_CHECKS = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300))
_NEAREST_BEFORE = timedelta(seconds=15)
_NEAREST_AFTER = timedelta(minutes=1)
_PROOF = timedelta(seconds=1)


def next_check(attempt: Attempt, now: datetime, asked_at: datetime | None = None) -> datetime:
    """
    Return when to ask the provider about a live attempt next; it never gives up.

    Dense at first, then every 5 minutes, and dense again about the expiry, when most is
    decided: never longer than half the time to it (but 15 s), nor than half the time since
    (but a minute). One look comes right after the watch, when "not found" becomes proof;
    then hourly for a day, then daily. All of it is jittered, but for the look that proves.
    ``attempt.checks`` counts the looks that were had.

    ``asked_at`` is when the last question was sent, by default now: sent before the
    watch was over and answered after, it proved nothing, and the next one goes at once.
    """
    planned = now + jittered(_wait(attempt, now), attempt.number, attempt.checks)
    proof_at = attempt.watch_until + _PROOF
    return min(planned, max(now, proof_at)) if (asked_at or now) < proof_at else planned


def _wait(attempt: Attempt, now: datetime) -> timedelta:
    """Return the longest time until the next look."""
    if now < attempt.watch_until:
        left = attempt.charge.expires_at - now
        ahead = left > timedelta(0)
        nearest = max(_NEAREST_BEFORE, left / 2) if ahead else max(_NEAREST_AFTER, -left / 2)
        return min(_FIRST_CHECKS[min(attempt.checks, len(_FIRST_CHECKS) - 1)], nearest)
    if attempt.checks < len(_FIRST_CHECKS):
        return _FIRST_CHECKS[attempt.checks]
    soon_after = now < attempt.watch_until + timedelta(days=1)
    return timedelta(hours=1) if soon_after else timedelta(days=1)
