"""
PaymentProvider: all that a plugin author must read.

A provider translates between our words and a gateway's; it stores nothing and
decides nothing. What it can do it publishes as ``ProviderTerms`` (see there), so the
core never asks who it is. ``PaymentProviderContract`` proves what is promised here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from retender.domain.model.answers import ReceiptState, RefundReceiptState
from retender.domain.model.attempt import Charge
from retender.domain.model.errors import NoticeRejected
from retender.domain.model.money import Money
from retender.domain.model.page import Opened
from retender.ports.provider_terms import (
    AmountBounds,
    ClosePower,
    PageTerms,
    PayerNeed,
    ProviderTerms,
    RefundTerms,
)

__all__ = [
    "Acknowledgement",
    "AmountBounds",
    "BillLine",
    "Capture",
    "ClosePower",
    "Notice",
    "Opened",
    "PageTerms",
    "PayerNeed",
    "PaymentProvider",
    "ProviderTerms",
    "RawNotice",
    "Receipt",
    "ReceiptState",
    "RefundOrder",
    "RefundReceipt",
    "RefundReceiptState",
    "RefundTerms",
]

# --- receipts: what the provider says --------------------------------------------------


def _refuse_empty(what: object, *names: str) -> None:
    """
    Refuse an empty text where None says that there is no such number.

    Everything without a number would be the same thing, and all but the first be dropped.
    """
    for name in names:
        if getattr(what, name) == "":
            message = f"{type(what).__name__}.{name} is empty: say None where there is none"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture of a charge: the provider's own number of it, and what was taken."""

    provider_trade_no: str
    amount: Money

    def __post_init__(self) -> None:
        """Refuse one that could not be told from another."""
        if not self.provider_trade_no:
            message = "a capture bears the provider's number of it"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """
    What a provider says of one charge: authenticated, decoded, believed.

    Attributes:
        number: our number that it speaks of, where it names it.
        reference: the provider's own id that it speaks of, where it names one. At least
            one of the two is there; both fill in a reference that was lost.
        state: see ``ReceiptState``.
        amount: what was taken; set when PAID.
        provider_trade_no: the provider's own number, where it has one.
        captured_at: when the money was taken, where it is said.
        foreign: why this is not our account's money (another app or merchant
            id), or None. Foreign evidence becomes an attention item, never a payment.
        refunded: all that was given back of it so far, whoever did it, where the provider
            tells a running total; None where it does not.
        captures: every capture of it that the provider lists, where it lists them. More
            than one means that it was paid more than once under one number.

    """

    number: str | None
    state: ReceiptState
    amount: Money | None = None
    provider_trade_no: str | None = None
    captured_at: datetime | None = None
    foreign: str | None = None
    reference: str | None = None
    refunded: Money | None = None
    captures: tuple[Capture, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what speaks of nothing, and a payment that does not say how much."""
        _refuse_empty(self, "number", "reference", "provider_trade_no")
        if self.number is None and self.reference is None:
            message = "a receipt names a number or a reference"
            raise ValueError(message)
        if self.state is ReceiptState.PAID and self.amount is None:
            message = "a PAID receipt says how much was taken"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """
    What we ask a provider to give back; however often it is sent, money and numbers are the same.

    Attributes:
        number: the refund's provider-side number; where the terms say ``repeatable``, it alone
            makes repeats harmless.
        charge_number: the number of the charge that took the money.
        provider_trade_no: the provider's number of the trade that goes back, once known.
        paid: what that trade took.
        amount: what goes back now.
        reason: what the payer may read.
        notify_url: where to send notices of it.
        reference: the provider's own id of the charge, if it gave one.
        order_no: the shop's number of the order, for people and logs.
        provider_refund_no: the provider's own id of this refund, as it was in the last
            ``RefundReceipt`` that bore one. None before it is sent, and after a send whose
            answer was lost: then ask by our number. A gateway that cannot be asked so says
            ``asked_by_number=False`` in its ``RefundTerms``, and never is.

    """

    number: str
    charge_number: str
    provider_trade_no: str | None
    paid: Money
    amount: Money
    reason: str
    notify_url: str
    reference: str | None = None
    order_no: str = ""
    provider_refund_no: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReceipt:
    """
    What a provider says of one refund.

    Attributes:
        number: the refund's provider-side number, as we sent it; never empty. A refund that
            was made elsewhere, such as at the provider's own dashboard, has none of ours: then
            it is the provider's id of that refund, so that it is booked once however often it
            is told. Where a notice of it does not even bear that, say nothing of a refund, and
            let ``Receipt.refunded`` tell the new total; with neither, no book can hold it. (Beside
            a ``Receipt`` that tells a total, the charge's own number may stand for it.)
        state: see ``RefundReceiptState``.
        amount: this refund's amount, where it is said; must be, for a refund made elsewhere.
        provider_refund_no: the provider's own number, where it has one.
        problem: the provider's own words when FAILED.
        charge_number: the number of the charge whose money it is, where it is said: so
            refunds that we did not make find their order.

    """

    number: str
    state: RefundReceiptState
    charge_number: str | None = None
    amount: Money | None = None
    provider_refund_no: str | None = None
    problem: str | None = None

    def __post_init__(self) -> None:
        """Refuse what speaks of no refund: it would be taken for a stranger's, or dropped."""
        if not self.number:
            message = (
                "a refund receipt bears the refund's number: ours, or the provider's own id "
                "if the refund was made elsewhere"
            )
            raise ValueError(message)
        _refuse_empty(self, "charge_number", "provider_refund_no")


# --- notices ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNotice:
    """
    A message as it came from the network; nothing of it is believed yet.

    Attributes:
        headers: names in lower case.
        body: exact bytes, bounded in size by the entrypoint.
        query: the raw query string.
        received_at: when it came.

    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    query: str = ""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    An authenticated message of the provider.

    Attributes:
        event_key: equal for repeats of one message, different for different ones.
        receipt: what it says of a charge, if that is what it is about.
        refund: what it says of a refund, if that is what it is about.
        about: the provider's own name for the event, for the story.

    """

    event_key: str
    receipt: Receipt | None = None
    refund: RefundReceipt | None = None
    about: str = ""

    def __post_init__(self) -> None:
        """Refuse what every other message of its kind would be taken for a repeat of."""
        if not self.event_key:
            message = "a notice bears an event key: repeats are known by it"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What to answer the provider, in the form that it understands."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """
    One line of a provider's bill: a payment, or a refund if it has a refund number.

    ``number`` is ours and ``reference`` the provider's own; at least one is there.
    """

    number: str | None
    refund_number: str | None
    amount: Money
    provider_trade_no: str | None
    at: datetime
    reference: str | None = None

    def __post_init__(self) -> None:
        """Refuse a line that speaks of nothing."""
        _refuse_empty(self, "number", "refund_number", "provider_trade_no", "reference")
        if self.number is None and self.reference is None:
            message = "a line of a bill names a number or a reference"
            raise ValueError(message)


# --- the port --------------------------------------------------------------------------


class PaymentProvider(Protocol):
    """
    Implemented by every provider plugin; proved by ``PaymentProviderContract``.

    A call to the gateway may raise three errors, and no other:
    ``ProviderRefused`` when a decoded, authenticated answer says no and nothing
    moved; ``ProviderUnavailable`` when the gateway was surely not reached;
    ``ProviderUncertain`` when only a later ``query`` can tell (time-out, 5xx,
    a broken or wrongly signed answer, a code that stands in no table).
    """

    @property
    def terms(self) -> ProviderTerms:
        """What this account offers; constant."""

    async def open(self, charge: Charge) -> Opened:
        """
        Ask for payment and return what to hand to the payer.

        The same charge may be opened again: the answer is a page that pays the
        very same number, the old one or a new one as the provider decides.

        Its calls together are cut off when the core's time for a page is over. A call
        that makes nothing (it fetches a token) and whose answer is lost means that the
        charge was not sent: wrap it in ``plugins.nothing_sent``, which says so.
        """

    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of the charge; changes nothing."""

    async def close(self, charge: Charge) -> Receipt:
        """
        Ask that the charge take no money any more, and return what is known then.

        CLOSED: it never will. PAID: too late. NOT_FOUND: nothing was there to
        close, and its page may still work. OPEN: it could not be closed. Closing
        twice is harmless.
        """

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """
        Give money back.

        Where the terms say ``repeatable``, the same number twice gives it back once. Elsewhere
        the core never sends a number again that may have arrived: after a lost answer it asks,
        and sends again only what ``query_refund`` says was never accepted.
        """

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund; changes nothing."""

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """
        Prove who sent the message, then read it.

        Raises:
            NoticeRejected: not proven; nothing of it was believed.
            ProviderError: the proof needed a key that could not be fetched now.

        """

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say "received" in the provider's form, or "not believed, send again"."""

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """
        Return what the provider booked on that day in its own time zone.

        Raises:
            ProviderRefused: no bill (yet) for that day.

        """
