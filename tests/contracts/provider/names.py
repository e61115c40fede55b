"""Behaviours of a provider: whom a page, an answer and a trade number are about."""

from contextlib import suppress
from dataclasses import replace

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import ProviderError, ProviderRefused, ProviderUncertain
from retender.domain.model.page import Page
from retender.ports.payment_provider import PayerNeed, Receipt
from retender.tests.contracts.provider.gateway import (
    ALICE,
    BOB,
    Fault,
    GatewayUnderTest,
    KnowsPayers,
    Operation,
)
from retender.tests.contracts.provider.scene import Offer, ProviderScene, nothing_moved


class Names(ProviderScene):
    """A name means one thing: one payer's page, one charge, one capture of money."""

    # --- payers ---------------------------------------------------------------------

    async def test_a_page_is_bound_to_what_it_needs(self, offer: Offer) -> None:
        """What nobody must supply can bind nobody."""
        assert offer.terms.bound_to <= offer.terms.needs

    async def _opened_for_both(
        self, gateway: GatewayUnderTest, offer: Offer, need: PayerNeed
    ) -> tuple[tuple[Charge, Page], tuple[Charge, Page]]:
        """Open two charges of one offer, for payers who differ in this alone."""
        other = getattr(self.other_payer, need)
        assert other not in {None, getattr(self.payer, need)}, f"other_payer has another {need}"
        first, second = self.charge(gateway, offer), self.charge(gateway, offer)
        second = replace(second, payer=replace(self.payer, **{str(need): other}))
        opened = [(each, await self.merchant(gateway).open(each)) for each in (first, second)]
        assert opened[0][1] != opened[1][1]
        return opened[0], opened[1]

    async def test_a_bound_page_is_its_own_payers(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Who comes with another value gets a page under another number; each pays one's own."""
        for need in sorted(offer.terms.bound_to):
            (_, mine), (_, theirs) = await self._opened_for_both(gateway, offer, need)
            # Some gateways learn here who is who.
            assert await gateway.begin(mine, buyer=ALICE)
            assert await gateway.begin(theirs, buyer=BOB)
            my, their = await self._opened_for_both(gateway, offer, need)
            if isinstance(gateway, KnowsPayers) and gateway.knows(need):
                assert not await gateway.pay(my[1], buyer=BOB)
                assert not await gateway.pay(their[1], buyer=ALICE)
                assert nothing_moved(await gateway.booked(my[0].number))
                assert nothing_moved(await gateway.booked(their[0].number))
            for (charge, page), buyer in ((my, ALICE), (their, BOB)):
                assert await gateway.pay(page, buyer=buyer)
                assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    # --- charges --------------------------------------------------------------------

    async def _heard(self, gateway: GatewayUnderTest, charge: Charge) -> list[Receipt]:
        """Return all that is said of the one charge that was paid: by answers and notices."""
        asked = [await m.query(charge) for m in (self.merchant(gateway), self.another(gateway))]
        asked.append(await self.merchant(gateway).close(charge))
        read = [await gateway.provider.parse_notice(raw) for raw in await gateway.notices()]
        told = [notice.receipt for notice in read if notice.receipt is not None]
        assert told, "a notice speaks of it"
        return asked + told

    async def test_whatever_speaks_of_a_charge_names_it(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """By our number, by the id that ``open`` returned, or both; never another's beside it."""
        charge = await self.paid(gateway, offer)
        assert self.may_ask(charge), "without a reference nobody could ask"
        for receipt in await self._heard(gateway, charge):
            assert self.is_about(receipt, charge)

    async def test_no_two_charges_share_a_reference(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """It is unique at the account, or one payment would pay another order."""
        charges = [self.charge(gateway, offer) for _ in range(3)]
        for charge in charges:
            await self.merchant(gateway).open(charge)
        known = [self.references[c.number] for c in charges if c.number in self.references]
        assert len(known) == len(set(known))
        assert len(known) in {0, len(charges)}

    async def test_a_page_of_another_charge_is_not_handed_out(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """
        Well signed and of another charge, an answer to ``open`` makes no page of this one.

        A gateway whose answer names nothing lets nobody keep this: say so in ``weaker``.
        """
        another, charge = self.charge(gateway, offer), self.charge(gateway, offer)
        await self.merchant(gateway).open(another)
        gateway.set_fault(Fault.ANOTHERS_ANSWER, Operation.OPEN)
        page: Page | None
        try:
            page = await self.merchant(gateway).open(charge)
        except ProviderUncertain:
            page = await self.merchant(gateway).open(charge) if offer.terms.reopens else None
        if page is not None:  # it asked again, or asks nobody
            assert await gateway.pay(page)
            assert (await gateway.booked(charge.number)).captured == charge.amount.minor
        assert nothing_moved(await gateway.booked(another.number))

    async def test_a_page_that_nobody_saw_takes_no_money(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Where the terms say that it is nobody's, a new number takes its place at once."""
        if offer.terms.orphan_payable:
            return
        lost, new = self.charge(gateway, offer), self.charge(gateway, offer)
        gateway.set_fault(Fault.LOST_AFTER_EFFECT, Operation.OPEN)
        with suppress(ProviderError):  # a page that is made without a call loses nothing
            await self.merchant(gateway).open(lost)
        assert await gateway.pay(await self.merchant(gateway).open(new))
        assert (await gateway.booked(new.number)).captured == new.amount.minor
        assert nothing_moved(await gateway.booked(lost.number))
        assert not await self.paid_notices(gateway, lost.number)

    # --- captures -------------------------------------------------------------------

    async def test_a_payment_bears_one_trade_number_if_that_means_a_capture(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Where another number is other money, one payment named twice would be two."""
        if not self.terms.trade_no_is_capture:
            return
        charge = await self.paid(gateway, offer)
        heard = await self._heard(gateway, charge)
        await self.refunded(gateway, self.refund_order(charge))
        heard += await self._heard(gateway, charge)
        listed = {each.provider_trade_no for receipt in heard for each in receipt.captures}
        assert len(({receipt.provider_trade_no for receipt in heard} | listed) - {None}) == 1
        other = await self.merchant(gateway).query(await self.paid(gateway, offer))
        assert other.provider_trade_no not in {None, heard[0].provider_trade_no}

    async def test_a_refund_takes_the_money_of_the_trade_that_it_names(
        self, gateway: GatewayUnderTest
    ) -> None:
        """If the terms say that it names one: of another trade's, nothing of this one goes."""
        if not self.terms.refunds.names_trade:
            return
        charge, other = await self.paid(gateway), await self.paid(gateway)
        named = (await self.merchant(gateway).query(other)).provider_trade_no
        assert named is not None
        order = replace(self.refund_order(charge), provider_trade_no=named)
        with suppress(ProviderRefused):
            await self.merchant(gateway).refund(order)
        assert (await gateway.booked(charge.number)).refunded == 0
