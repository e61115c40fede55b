"""
ProviderTerms: what a provider can do, as data, so that the core never asks who it is.

A term is a promise that the contract kit checks, or that the core acts on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.money import MINOR_MAX
from retender.domain.model.page import PageKind


class ClosePower(StrEnum):
    """What closing a charge can achieve before the payer has acted on its page."""

    AUTHORITATIVE = "authoritative"
    """The trade exists as soon as the page does; a closed one takes no money."""
    LAZY = "lazy"
    """The trade exists only once the payer acts; until then closing has no effect."""
    NONE = "none"
    """There is no such call."""


class PayerNeed(StrEnum):
    """What the payer's side must supply for a page; names of ``Payer``'s fields."""

    OPENID = "openid"
    CLIENT_IP = "client_ip"
    RETURN_URL = "return_url"
    EMAIL = "email"
    NAME = "name"
    PHONE = "phone"
    LANGUAGE = "language"
    SHIPPING_COUNTRY = "shipping_country"


@dataclass(frozen=True, slots=True)
class AmountBounds:
    """
    Least and greatest amount in one currency.

    They are minor units, and so mean nothing without their currency: 100,000 are
    1,000 CNY, 100,000 JPY and 100 KWD.
    """

    smallest: int = 1
    largest: int = MINOR_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTerms:
    """
    One kind of page that the provider makes, and on what terms.

    Attributes:
        kind: the kind.
        devices: where it may be shown.
        product: the provider's own name for it.
        needs: what the payer's side must supply. ``client_ip`` is checked: it must be an
            address that can be the payer's own.
        bound_to: what the page is bound to of what the payer's side supplies: who comes
            with another value needs another page, under another number.
        validity: how long the page itself works, or None: until the charge expires.
        reopens: whether asking again under the same number is allowed.
        close: what closing achieves before the payer has acted.
        exists_with_page: whether the trade is there as soon as the page is; see
            ``is_there_with_page``.
        orphan_payable: whether anybody can pay a page whose answer was lost, because the
            provider shows it in another way, such as in its own app. Say False where its
            address stands in the answer and nowhere else: then a lost answer is harmless, and
            a new number takes its place at once. That a repeat under the same idempotency key
            would hand it out again is no reason for True: that number is never opened again.
            With True, the attempt counts as payable to its end, and with ``asked_by_number``
            False nobody can ask or close meanwhile: unless the payer's next press opens the
            same number again (``reopens``), strict switching waits, the attempt is watched to
            its end, and then it is a human's.
        made_here: whether ``open`` makes the page without asking anybody, as one that is
            signed here. Then no answer can be lost: the page is written down with its attempt.

    """

    kind: PageKind
    devices: frozenset[Device]
    product: str
    needs: frozenset[PayerNeed] = frozenset()
    bound_to: frozenset[PayerNeed] = frozenset()
    validity: timedelta | None = None
    reopens: bool = True
    close: ClosePower = ClosePower.AUTHORITATIVE
    exists_with_page: bool = False
    orphan_payable: bool = True
    made_here: bool = False

    def page_until(self, expires_at: datetime, now: datetime) -> datetime:
        """Return until when a page that is made now works."""
        return expires_at if self.validity is None else min(expires_at, now + self.validity)

    @property
    def is_there_with_page(self) -> bool:
        """
        Whether the provider must know of every page that we hold.

        Then its "not found" is a contradiction (a lost ledger, another account, a proxy's
        404), and never means death. A close is authoritative only of what is there.
        """
        return self.exists_with_page or self.close is ClosePower.AUTHORITATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """
    How money goes back.

    Attributes:
        partial: whether less than everything may go back.
        most: how many refunds one charge takes, or None: no stated limit.
        spacing: least time between two refunds of one charge.
        window: how long after payment, or None: by contract.
        immediate: whether the answer to ``refund`` is the result itself.
        repeatable: whether sending a refund number again is harmless. Where it is not, a
            refund whose answer was lost is asked for, and sent again only if it is absent.
        asked_by_number: whether ``query_refund`` finds a refund by our number alone. If not, it
            is called only with a ``provider_refund_no``: a refund whose answer was lost is
            sent again where it is ``repeatable``, and else is a human's.
        names_trade: whether a refund says which trade's money goes back. Where trade numbers
            identify captures and a query lists them, a further one then goes back by itself.

    """

    partial: bool = True
    most: int | None = None
    spacing: timedelta = timedelta(0)
    window: timedelta | None = None
    immediate: bool = False
    repeatable: bool = True
    asked_by_number: bool = True
    names_trade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """
    What a provider offers, as data.

    Attributes:
        provider: the plugin's name for it, ``[a-z][a-z0-9_]*``.
        title: for people.
        pages: one entry per kind and device; at most one for each pair.
        currencies: ISO 4217 codes.
        amounts: least and greatest amount by currency; one that is not named takes all.
        expiry: what may be said about when a charge ends.
        refunds: how money goes back.
        instalments: numbers of monthly rates on offer.
        notices_signed: whether notices carry proof of their sender.
        notice_retries: gaps between deliveries of one notice.
        bills: whether daily bills can be fetched.
        asked_by_number: whether a charge whose reference never came can be asked for
            by our number alone. If not, it never is; see ``PageTerms.orphan_payable``.
        trade_no_is_capture: whether another trade number is another capture of money.
            Not so where one capture bears two ids, such as an intent and a charge.

    """

    provider: str
    title: str
    pages: tuple[PageTerms, ...]
    currencies: frozenset[str]
    amounts: Mapping[str, AmountBounds] = field(default_factory=dict, hash=False)
    expiry: ExpiryTerms = field(default_factory=ExpiryTerms)
    refunds: RefundTerms = field(default_factory=RefundTerms)
    instalments: tuple[int, ...] = ()
    notices_signed: bool = True
    notice_retries: tuple[timedelta, ...] = ()
    bills: bool = False
    asked_by_number: bool = True
    trade_no_is_capture: bool = False

    def bounds(self, currency: str) -> AmountBounds:
        """Return the least and the greatest amount in a currency."""
        return self.amounts.get(currency, AmountBounds())

    def page_for(self, charge: Charge) -> PageTerms:
        """
        Return the terms under which the charge's page was made.

        Raises:
            LookupError: no such page is offered; such a charge is never made.

        """
        for terms in self.pages:
            if terms.kind is charge.page_kind and charge.device in terms.devices:
                return terms
        message = f"{self.provider} offers no {charge.page_kind} on a {charge.device}"
        raise LookupError(message)
