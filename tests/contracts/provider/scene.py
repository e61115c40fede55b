"""The scene on which the provider behaviours play: offers, charges, payments, refunds."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar
from uuid import uuid4

import pytest

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.errors import ProviderRefused
from retender.domain.model.money import Money
from retender.domain.model.page import Page, PageKind
from retender.domain.model.payer import Payer
from retender.domain.model.refund import SURELY_ABSENT_AFTER
from retender.plugins.hookspecs import ProviderPlugin
from retender.ports.payment_provider import (
    ClosePower,
    Notice,
    PageTerms,
    PaymentProvider,
    ProviderTerms,
    Receipt,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.contracts.kit import Contract
from retender.tests.contracts.provider.gateway import Booked, GatewayUnderTest
from retender.tests.contracts.provider.merchant import Kept, Merchant

HALF_AN_HOUR = timedelta(minutes=30)
SECOND = timedelta(seconds=1)
NOTIFY_URL = "https://shop.example/v1/notices/kit"

HOSTILE_TEXTS = {
    "chinese": "一壶龙井茶，两只茶杯",
    "emoji": "Tea for 👩‍👩‍👧 🫖",
    "query": "a&b=c+d%20e%&amount=1",
    "markup": "<b>\"Tea\"</b> & 'cup' </form>",
    "escapes": "back\\slash {brace} $var %s /path;semi",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One page of the terms on one device."""

    terms: PageTerms
    device: Device

    def __str__(self) -> str:
        """Name it in test ids."""
        return f"{self.terms.kind}-{self.device}"


def offers_of(terms: ProviderTerms) -> list[Offer]:
    """Return every page on every device that the terms list."""
    return [Offer(page, device) for page in terms.pages for device in sorted(page.devices)]


def fresh_number(length: int = 26) -> str:
    """Return a provider-side number that no gateway has seen."""
    return uuid4().hex.upper()[:length]


class ProviderScene(Contract):
    """What an implementer declares, and what the behaviours use to tell their stories."""

    plugin: ClassVar[ProviderPlugin]
    """What is under test; its terms decide which behaviours are promised."""

    notice_window: ClassVar[timedelta | None] = None
    """How late a signed notice is still believed; None where no time is signed."""

    payer: ClassVar[Payer] = Payer(
        openid="oPayer0123456789abcdefghijkl",
        client_ip="203.0.113.7",
        return_url="https://shop.example/thanks?order=1&paid=maybe",
    )
    """What the payer's side supplies, whatever the page needs."""

    other_payer: ClassVar[Payer] = Payer(
        openid="oPayer9876543210zyxwvutsrqpo", client_ip="203.0.113.8"
    )
    """Somebody else, as far as a page can be bound to it."""

    amount_minor: ClassVar[int] = 8888
    """What most charges are for; at least 100."""

    pytestmark = pytest.mark.asyncio

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Play behaviours that take an ``offer`` once for each offer of the terms."""
        if "offer" in metafunc.fixturenames:
            metafunc.parametrize("offer", offers_of(self.plugin.terms), ids=str)

    @property
    def terms(self) -> ProviderTerms:
        """What the plugin promises."""
        return self.plugin.terms

    @cached_property
    def kept(self) -> Kept:
        """What the shop wrote down in this test."""
        return Kept()

    @property
    def references(self) -> dict[str, str]:
        """The providers' own ids of what was opened in this test, by our number."""
        return self.kept.references

    def merchant(self, gateway: GatewayUnderTest) -> Merchant:
        """Return the provider under test, called as the core calls it."""
        return Merchant(gateway.provider, gateway.now, self.kept)

    def another(self, gateway: GatewayUnderTest) -> Merchant:
        """Return the same account in another process: what was kept is known there, too."""
        return Merchant(gateway.another_provider(), gateway.now, self.kept)

    def may_ask(self, charge: Charge) -> bool:
        """Tell whether the core would ask after it: not without a name that the terms allow."""
        return self.terms.asked_by_number or charge.number in self.references

    def may_ask_refund(self, order: RefundOrder) -> bool:
        """Tell whether the core would ask after this refund."""
        return self.terms.refunds.asked_by_number or order.number in self.kept.refund_ids

    def is_about(self, receipt: Receipt, charge: Charge) -> bool:
        """Tell whether a receipt names this charge, and nothing beside it."""
        known = self.references.get(charge.number)
        if receipt.number is None:
            return receipt.reference == known
        return receipt.number == charge.number and (
            known is None or receipt.reference in {None, known}
        )

    @property
    def standard_offer(self) -> Offer:
        """Return the offer for stories that are not about pages: closable, if one is."""
        offers = offers_of(self.terms)
        closable = (o for o in offers if o.terms.close is ClosePower.AUTHORITATIVE)
        return next(closable, offers[0])

    def money(self, minor: int) -> Money:
        """Return an amount in a currency of the terms."""
        return Money(minor, min(self.terms.currencies))

    def charge(
        self,
        gateway: GatewayUnderTest,
        offer: Offer | None = None,
        *,
        minor: int | None = None,
        number: str | None = None,
        subject: str = "A pot of tea",
        within: timedelta = HALF_AN_HOUR,
        instalments: int | None = None,
    ) -> Charge:
        """Make a charge that the terms allow."""
        offer = offer or self.standard_offer
        number = number or fresh_number()
        now = gateway.now()
        return Charge(
            number=number,
            order_no=f"order-{number}",
            amount=self.money(self.amount_minor if minor is None else minor),
            subject=subject,
            client_type=_client_type(offer),
            device=offer.device,
            page_kind=offer.terms.kind,
            created_at=now,
            expires_at=self._whole(now + self.lifetime(within)),
            notify_url=NOTIFY_URL,
            payer=self.payer,
            instalments=instalments,
        )

    def lifetime(self, wanted: timedelta) -> timedelta:
        """Return the wanted time to pay, or the nearest that the terms allow."""
        expiry = self.terms.expiry
        return min(max(wanted, expiry.shortest + timedelta(minutes=1)), expiry.longest)

    def _whole(self, instant: datetime) -> datetime:
        since = instant - datetime(1970, 1, 1, tzinfo=UTC)
        return instant - since % max(self.terms.expiry.granularity, SECOND)

    async def paid(
        self, gateway: GatewayUnderTest, offer: Offer | None = None, *, minor: int | None = None
    ) -> Charge:
        """Open a charge and have Alice pay it."""
        charge = self.charge(gateway, offer, minor=minor)
        assert await gateway.pay(await self.merchant(gateway).open(charge))
        return charge

    def refund_order(
        self,
        charge: Charge,
        minor: int | None = None,
        *,
        number: str | None = None,
        reason: str = "Sent back",
    ) -> RefundOrder:
        """Ask some of the money back, or all of it."""
        return RefundOrder(
            number=number or fresh_number(),
            charge_number=charge.number,
            provider_trade_no=None,
            paid=charge.amount,
            amount=charge.amount if minor is None else self.money(minor),
            reason=reason,
            notify_url=NOTIFY_URL,
        )

    async def refunded(self, gateway: GatewayUnderTest, order: RefundOrder) -> RefundReceipt:
        """Refund, wait until it is no longer pending, and let the spacing pass."""
        receipt = await self.merchant(gateway).refund(order)
        if receipt.state is RefundReceiptState.NOT_FOUND:
            # An earlier send of it may be on its way still, and the next would go back as well.
            gateway.advance(SURELY_ABSENT_AFTER)
            receipt = await self.merchant(gateway).refund(order)
        if self.terms.refunds.immediate:
            assert receipt.state is not RefundReceiptState.PENDING
        for _ in range(20):
            if receipt.state is not RefundReceiptState.PENDING:
                break
            gateway.advance(timedelta(minutes=1))
            await gateway.notices()
            receipt = await self.merchant(gateway).query_refund(order)
        gateway.advance(self.terms.refunds.spacing)
        return receipt

    async def paid_notices(self, gateway: GatewayUnderTest, number: str) -> list[Notice]:
        """Read every notice so far that says that this number was paid."""
        provider: PaymentProvider = gateway.provider
        read = [await provider.parse_notice(raw) for raw in await gateway.notices()]
        reference = self.references.get(number)
        about = [(notice, notice.receipt) for notice in read if notice.refund is None]
        return [
            notice
            for notice, receipt in about
            if receipt is not None
            and (receipt.number == number or (reference and receipt.reference == reference))
        ]


def assert_silent(gateway: GatewayUnderTest, *texts: str) -> None:
    """Assert that none of the account's secrets shows in any of the texts."""
    assert gateway.secrets, "the gateway under test names the account's secrets"
    for secret in gateway.secrets:
        assert len(secret) >= 8, "a secret so short would be found anywhere"
        assert not any(secret in text for text in texts)


async def opened(merchant: Merchant, charge: Charge) -> Page | ProviderRefused:
    """Open a charge where a refusal is as good an answer as a page."""
    try:
        return await merchant.open(charge)
    except ProviderRefused as refused:
        return refused


def another_amount(charge: Charge) -> Charge:
    """Return a charge of the same number that asks for more."""
    return replace(charge, amount=Money(charge.amount.minor + 11, charge.amount.currency))


def nothing_moved(booked: Booked) -> bool:
    """Tell whether no money moved under a number."""
    return booked.captured == 0 and booked.refunded == 0


def _client_type(offer: Offer) -> str:
    if offer.terms.kind is PageKind.APP_STRING:
        return "app"
    return "pc" if offer.device is Device.SCREEN else "h5"
