"""Behaviours of a provider: its terms are honest, constant and in one piece."""

import re

from retender.domain.model.money import MINOR_MAX, exponent_of
from retender.domain.model.page import page_to_text
from retender.ports.payment_provider import ClosePower
from retender.tests.contracts.provider.gateway import GatewayUnderTest
from retender.tests.contracts.provider.scene import Offer, ProviderScene, assert_silent

NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class TermsBehaviour(ProviderScene):
    """What a provider says of itself."""

    async def test_the_plugin_and_its_terms_bear_one_legal_name(self) -> None:
        """Accounts, logs and notices' addresses are made of it."""
        assert NAME.fullmatch(self.plugin.name)
        assert self.terms.provider == self.plugin.name
        assert self.plugin.title.strip()
        assert self.terms.title.strip()

    async def test_a_kind_of_page_is_offered_once_for_a_device(self) -> None:
        """Two entries for one pair would make the choice a matter of luck."""
        pairs = [(page.kind, device) for page in self.terms.pages for device in page.devices]
        assert pairs
        assert len(pairs) == len(set(pairs))
        assert all(page.devices for page in self.terms.pages)

    async def test_every_page_names_the_providers_product(self) -> None:
        """An operator must find in a contract what is switched on."""
        assert all(page.product.strip() for page in self.terms.pages)

    async def test_amounts_and_currencies_are_possible(self) -> None:
        """The bounds are in order, and every currency is one."""
        assert self.terms.currencies
        assert set(self.terms.amounts) <= self.terms.currencies
        for currency in self.terms.currencies:
            bounds = self.terms.bounds(currency)
            assert 1 <= bounds.smallest <= bounds.largest <= MINOR_MAX
        assert all(exponent_of(currency) >= 0 for currency in self.terms.currencies)

    async def test_durations_are_possible(self) -> None:
        """No time limit is negative, none excludes every deadline."""
        expiry, refunds = self.terms.expiry, self.terms.refunds
        nothing = expiry.granularity * 0
        assert nothing < expiry.granularity
        assert nothing <= expiry.shortest < expiry.longest
        assert all(page.validity is None or page.validity > nothing for page in self.terms.pages)
        assert refunds.spacing >= nothing
        assert refunds.window is None or refunds.window > nothing
        assert refunds.most is None or refunds.most > 0
        assert all(gap > nothing for gap in self.terms.notice_retries)

    async def test_instalments_are_real_choices(self) -> None:
        """One rate is no instalment, and nothing is offered twice."""
        assert all(months > 1 for months in self.terms.instalments)
        assert len(self.terms.instalments) == len(set(self.terms.instalments))

    async def test_settings_are_named_and_explained(self) -> None:
        """An operator configures an account by these words alone."""
        names = [setting.name for setting in self.plugin.settings]
        assert all(NAME.fullmatch(name) and not name.endswith("_file") for name in names)
        assert len(names) == len(set(names))
        assert all(setting.help.strip() for setting in self.plugin.settings)
        assert not [s.name for s in self.plugin.settings if s.required and s.default is not None]
        assert not [s.name for s in self.plugin.settings if s.secret and s.default]

    async def test_an_account_offers_what_its_plugin_promises(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Lists show the plugin's terms, payments go by the account's."""
        assert gateway.provider.terms == self.terms

    async def test_terms_are_the_same_before_and_after_a_payment(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Decisions were made by them; they may not shift underneath."""
        before = gateway.provider.terms
        await self.paid(gateway)
        assert gateway.provider.terms == before
        assert gateway.another_provider().terms == before

    async def test_every_offer_is_found_by_its_charge(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The core looks terms up by the stored charge."""
        charge = self.charge(gateway, offer)
        assert gateway.provider.terms.page_for(charge) == offer.terms

    async def test_a_lazy_close_is_admitted(self, gateway: GatewayUnderTest, offer: Offer) -> None:
        """
        Whether a trade exists before the payer acts is what the terms say.

        Strict switching rests on it: a provider that claims more than is true makes
        payers pay twice.
        """
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        await self.merchant(gateway).close(charge)
        still_payable = await gateway.pay(page)
        assert still_payable is (offer.terms.close is not ClosePower.AUTHORITATIVE)

    async def test_no_secret_shows_in_a_repr_or_a_page(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Pages are signed with secrets, they never hold one."""
        provider = gateway.provider
        page = await self.merchant(gateway).open(self.charge(gateway, offer))
        assert_silent(gateway, repr(provider), str(provider), repr(page), page_to_text(page))
        assert_silent(gateway, repr(provider.terms), repr(self.plugin))
