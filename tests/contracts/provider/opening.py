"""Behaviours of a provider: opening a charge, and what its page is good for."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import ProviderRefused, Refusal
from retender.domain.model.money import Money
from retender.domain.model.page import Page, page_from_text, page_to_text
from retender.ports.payment_provider import ClosePower, Receipt, ReceiptState
from retender.tests.contracts.provider.gateway import ALICE, BOB, Fault, GatewayUnderTest, Operation
from retender.tests.contracts.provider.scene import (
    HALF_AN_HOUR,
    HOSTILE_TEXTS,
    SECOND,
    Offer,
    ProviderScene,
    another_amount,
    fresh_number,
    opened,
)


class Opening(ProviderScene):
    """A page pays its charge: exactly, once, and while it lasts."""

    # --- what a page is -------------------------------------------------------------

    async def test_opening_gives_a_page_of_the_wanted_kind(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Every offer of the terms is real."""
        page = await self.merchant(gateway).open(self.charge(gateway, offer))
        assert page.kind is offer.terms.kind

    async def test_a_page_that_is_made_here_asks_nobody(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """It is written down with its attempt: there is no answer that could be lost."""
        if not offer.terms.made_here:
            return
        for operation in Operation:
            gateway.set_fault(Fault.UNREACHABLE, operation)
        page = await self.merchant(gateway).open(self.charge(gateway, offer))
        assert page.kind is offer.terms.kind

    async def test_a_page_survives_being_stored(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The payer who comes back is handed the page that we kept."""
        charge = self.charge(gateway, offer)
        page = page_from_text(page_to_text(await self.merchant(gateway).open(charge)))
        assert await gateway.pay(page)

    async def test_paying_the_page_pays_exactly_the_amount(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Not a fen more or less."""
        charge = await self.paid(gateway, offer, minor=12_345)
        booked = await gateway.booked(charge.number)
        assert (booked.captured, booked.refunded) == (12_345, 0)

    @pytest.mark.parametrize("end", ["smallest", "largest"])
    async def test_the_amounts_at_both_ends_of_the_terms_can_be_paid(
        self, gateway: GatewayUnderTest, end: str
    ) -> None:
        """The published bounds are the real ones, in every currency."""
        for currency in sorted(self.terms.currencies):
            amount = Money(getattr(self.terms.bounds(currency), end), currency)
            charge = replace(self.charge(gateway), amount=amount)
            assert await gateway.pay(await self.merchant(gateway).open(charge))
            assert (await gateway.booked(charge.number)).captured == amount.minor
            assert (await self.merchant(gateway).query(charge)).amount == amount

    @pytest.mark.parametrize("minor", [100, 101, 110, 199, 1_000, 10_050, 99_999])
    async def test_amounts_are_exact_in_both_directions(
        self, gateway: GatewayUnderTest, minor: int
    ) -> None:
        """Neither asking nor telling loses a digit."""
        charge = await self.paid(gateway, minor=minor)
        assert (await gateway.booked(charge.number)).captured == minor
        assert (await self.merchant(gateway).query(charge)).amount == self.money(minor)

    @pytest.mark.parametrize("length", [8, 32])
    async def test_the_shortest_and_the_longest_number_can_be_paid(
        self, gateway: GatewayUnderTest, offer: Offer, length: int
    ) -> None:
        """Every number that we may make is accepted."""
        charge = self.charge(gateway, offer, number=fresh_number(length))
        assert await gateway.pay(await self.merchant(gateway).open(charge))
        assert (await self.merchant(gateway).query(charge)).state is ReceiptState.PAID

    @pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
    async def test_the_payer_reads_the_subject_as_the_shop_wrote_it(
        self, gateway: GatewayUnderTest, offer: Offer, text: str
    ) -> None:
        """Whatever it holds, it survives the signature and the page."""
        charge = self.charge(gateway, offer, subject=text)
        assert await gateway.pay(await self.merchant(gateway).open(charge))
        booked = await gateway.booked(charge.number)
        assert (booked.subject, booked.captured) == (text, charge.amount.minor)

    async def test_every_instalment_plan_on_offer_can_be_paid(
        self, gateway: GatewayUnderTest
    ) -> None:
        """The shop gets the whole amount, however the payer splits it."""
        for months in self.terms.instalments:
            charge = self.charge(gateway, minor=60_000, instalments=months)
            assert await gateway.pay(await self.merchant(gateway).open(charge))
            assert (await gateway.booked(charge.number)).captured == 60_000

    async def test_many_payers_at_once_do_not_get_each_others_pages(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Nothing of one call leaks into another."""
        charges = [self.charge(gateway, minor=1_000 + step) for step in range(10)]
        pages = await asyncio.gather(*(self.merchant(gateway).open(charge) for charge in charges))
        for charge, page in zip(charges, pages, strict=True):
            assert await gateway.pay(page)
            assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    # --- once -----------------------------------------------------------------------

    async def _both_pay_once(
        self, gateway: GatewayUnderTest, number: str, first: Page, second: Page
    ) -> int:
        ways = [await gateway.pay(first), await gateway.pay(second, buyer=BOB)]
        assert any(ways)
        return (await gateway.booked(number)).captured

    async def test_opening_the_same_charge_twice_pays_it_once(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Two pages of one number are one debt."""
        charge = self.charge(gateway, offer)
        first = await self.merchant(gateway).open(charge)
        if not offer.terms.reopens:
            with pytest.raises(ProviderRefused) as refused:
                await self.merchant(gateway).open(charge)
            assert refused.value.refusal is Refusal.NEW_NUMBER
            assert await gateway.pay(first)
            return
        second = await self.merchant(gateway).open(charge)
        taken = await self._both_pay_once(gateway, charge.number, first, second)
        assert taken == charge.amount.minor

    async def test_the_newest_page_of_a_charge_always_pays_it(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Asking again some minutes later still hands out something that works."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        if offer.terms.reopens:
            gateway.advance(timedelta(minutes=7))
            page = await self.merchant(gateway).open(charge)
        assert await gateway.pay(page)
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    async def test_a_page_that_was_paid_takes_no_more_money(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Pressing the button again, or another payer's turn, changes nothing."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        assert await gateway.pay(page)
        await gateway.pay(page)
        await gateway.pay(page, buyer=BOB)
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    async def test_two_payers_with_one_page_pay_once(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """One has scanned, the other pays first: still one payment."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        await gateway.begin(page, buyer=ALICE)
        ways = [await gateway.pay(page, buyer=BOB), await gateway.pay(page, buyer=ALICE)]
        assert ways.count(True) == 1
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    async def test_opening_a_paid_charge_never_takes_money_again(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """It is refused as paid, or the page is dead."""
        charge = await self.paid(gateway, offer)
        again = await opened(self.merchant(gateway), charge)
        if isinstance(again, ProviderRefused):
            assert again.refusal in {Refusal.ALREADY_PAID, Refusal.NEW_NUMBER}
        else:
            assert not await gateway.pay(again, buyer=BOB)
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    async def test_one_number_never_takes_two_amounts(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """A changed amount is refused, or only one of the two pages works."""
        charge = self.charge(gateway, offer)
        dearer = another_amount(charge)
        first = await self.merchant(gateway).open(charge)
        await gateway.begin(first)
        second = await opened(self.merchant(gateway), dearer)
        if isinstance(second, ProviderRefused):
            assert second.refusal is Refusal.NEW_NUMBER
        else:
            await gateway.pay(second)
        await gateway.pay(first)
        taken = (await gateway.booked(charge.number)).captured
        assert taken in {charge.amount.minor, dearer.amount.minor}
        assert (await self.merchant(gateway).query(charge)).amount == self.money(taken)

    async def test_another_process_opens_the_same_charge(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """A provider keeps nothing: all that it needs stands in the charge."""
        charge = self.charge(gateway, offer)
        first = await self.merchant(gateway).open(charge)
        other = self.another(gateway)
        page = await other.open(charge) if offer.terms.reopens else first
        assert await gateway.pay(page)
        mine, theirs = await self.merchant(gateway).query(charge), await other.query(charge)
        assert mine == theirs
        assert mine.state is ReceiptState.PAID

    # --- while it lasts -------------------------------------------------------------

    def _short(self, offer: Offer) -> timedelta:
        return min(HALF_AN_HOUR, offer.terms.validity or HALF_AN_HOUR)

    async def test_a_page_pays_until_the_charge_expires(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The second before is in time, and the money is told as taken then."""
        charge = self.charge(gateway, offer, within=self._short(offer))
        page = await self.merchant(gateway).open(charge)
        gateway.advance(charge.expires_at - gateway.now() - 2 * SECOND)
        assert await gateway.pay(page)
        receipt = await self.merchant(gateway).query(charge)
        assert receipt.captured_at is None or receipt.captured_at <= charge.expires_at

    async def test_a_page_is_dead_once_the_charge_has_expired(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The deadline is the provider's to keep, since nothing else binds the payer."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        gateway.advance(charge.expires_at - gateway.now() + 2 * SECOND)
        assert not await gateway.pay(page)
        assert (await gateway.booked(charge.number)).captured == 0
        assert (await self.merchant(gateway).query(charge)).state is not ReceiptState.PAID

    async def test_the_deadline_also_binds_a_payer_who_has_begun(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The password comes too late, however early the scan."""
        charge = self.charge(gateway, offer, within=self._short(offer))
        page = await self.merchant(gateway).open(charge)
        assert await gateway.begin(page)
        gateway.advance(charge.expires_at - gateway.now() + 2 * SECOND)
        assert not await gateway.pay(page)
        assert (await gateway.booked(charge.number)).captured == 0

    async def test_opening_again_does_not_prolong_the_deadline(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The instant was fixed with the first page (protocol 1.3)."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        gateway.advance(timedelta(minutes=20))
        if offer.terms.reopens:
            page = await self.merchant(gateway).open(charge)
        gateway.advance(charge.expires_at - gateway.now() + 2 * SECOND)
        assert not await gateway.pay(page)
        assert (await gateway.booked(charge.number)).captured == 0

    async def test_a_page_lives_as_long_as_the_terms_say(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """After its validity it is dead, though the charge may live and get a new page."""
        validity = offer.terms.validity
        if validity is None:
            charge = self.charge(gateway, offer, within=timedelta(hours=3))
            page = await self.merchant(gateway).open(charge)
            gateway.advance(charge.expires_at - gateway.now() - 2 * SECOND)
            assert await gateway.pay(page)
            return
        charge = self.charge(gateway, offer, within=validity + timedelta(minutes=10))
        page = await self.merchant(gateway).open(charge)
        gateway.advance(validity + 2 * SECOND)
        assert not await gateway.pay(page)
        if offer.terms.reopens:
            assert await gateway.pay(await self.merchant(gateway).open(charge))

    # --- asking ---------------------------------------------------------------------

    async def test_a_charge_that_was_never_opened_is_not_found(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Absence has its own word: it is neither open nor closed. Nobody asks without a name."""
        charge = self.charge(gateway, offer)
        if not self.may_ask(charge):
            return
        receipt = await self.merchant(gateway).query(charge)
        assert receipt == Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)

    async def test_before_the_payer_acts_the_trade_exists_or_not_as_the_terms_say(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Lazy pages make their trade only when somebody scans or logs in."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        state = (await self.merchant(gateway).query(charge)).state
        if offer.terms.is_there_with_page:
            assert state is ReceiptState.OPEN
        elif offer.terms.close is ClosePower.LAZY:
            assert state is ReceiptState.NOT_FOUND
        else:
            assert state in {ReceiptState.OPEN, ReceiptState.NOT_FOUND}
        assert await gateway.begin(page)
        assert (await self.merchant(gateway).query(charge)).state is ReceiptState.OPEN

    async def test_a_charge_is_asked_for_by_our_number_alone_if_the_terms_say_so(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Its reference was in an answer that was lost; without the term nobody asks so."""
        charge = await self.paid(gateway, offer)
        known = self.references.get(charge.number)
        asked = charge if self.terms.asked_by_number else replace(charge, reference=known)
        assert self.terms.asked_by_number or known is not None
        assert (await gateway.provider.query(asked)).state is ReceiptState.PAID

    async def test_a_paid_charge_is_told_with_all_that_matters(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Number, amount, currency, when, and that it is ours."""
        charge = await self.paid(gateway, offer)
        receipt = await self.merchant(gateway).query(charge)
        assert (self.is_about(receipt, charge), receipt.state) == (True, ReceiptState.PAID)
        assert (receipt.amount, receipt.foreign) == (charge.amount, None)
        if receipt.captured_at is not None:
            assert abs(receipt.captured_at - gateway.now()) <= timedelta(minutes=1)

    async def test_asking_changes_nothing(self, gateway: GatewayUnderTest, offer: Offer) -> None:
        """Before and after the payment the second answer is the first."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        before = [await self.merchant(gateway).query(charge) for _ in range(2)]
        assert before[0] == before[1]
        assert await gateway.pay(page)
        after = [await self.merchant(gateway).query(charge) for _ in range(2)]
        assert after[0] == after[1]
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor
