"""Behaviours of a provider: closing a charge, and what closing proves."""

import asyncio
from datetime import timedelta

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.ports.payment_provider import ClosePower, ReceiptState
from retender.tests.contracts.provider.gateway import BOB, Fault, GatewayUnderTest, Operation
from retender.tests.contracts.provider.scene import Offer, ProviderScene, nothing_moved, opened

NOT_CLOSED = {ReceiptState.OPEN, ReceiptState.NOT_FOUND}


class Closing(ProviderScene):
    """CLOSED is a promise: no payer's money, by any page, at any time."""

    async def test_closing_before_the_payer_acts_does_what_the_terms_say(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Closed for good, or nothing there to close, and never a guess."""
        charge = self.charge(gateway, offer)
        await self.merchant(gateway).open(charge)
        state = (await self.merchant(gateway).close(charge)).state
        if offer.terms.close is ClosePower.AUTHORITATIVE:
            assert state is ReceiptState.CLOSED
        elif offer.terms.close is ClosePower.LAZY:
            assert state is ReceiptState.NOT_FOUND
        else:
            assert state in NOT_CLOSED

    async def test_a_charge_that_is_said_to_be_closed_takes_no_money(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The payer has begun; whatever the answer, it agrees with what happens next."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        assert await gateway.begin(page)
        receipt = await self.merchant(gateway).close(charge)
        if offer.terms.close is ClosePower.NONE:
            assert receipt.state in NOT_CLOSED
            assert await gateway.pay(page)
            return
        assert (self.is_about(receipt, charge), receipt.state) == (True, ReceiptState.CLOSED)
        assert not await gateway.pay(page)
        assert not await gateway.pay(page, buyer=BOB)
        assert nothing_moved(await gateway.booked(charge.number))
        assert (await self.merchant(gateway).query(charge)).state is ReceiptState.CLOSED

    async def test_a_closed_charge_stays_closed(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Closing twice is harmless, later too, and from another process."""
        charge = self.charge(gateway, offer)
        await gateway.begin(await self.merchant(gateway).open(charge))
        first = await self.merchant(gateway).close(charge)
        assert (await self.merchant(gateway).close(charge)).state is first.state
        gateway.advance(timedelta(minutes=10))
        assert (await self.another(gateway).close(charge)).state is first.state

    async def test_a_closed_charge_gives_no_page_that_pays(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """It is refused, for this number or for good, or the page is dead."""
        charge = self.charge(gateway, offer)
        await gateway.begin(await self.merchant(gateway).open(charge))
        closed = await self.merchant(gateway).close(charge)
        again = await opened(self.merchant(gateway), charge)
        if isinstance(again, ProviderRefused):
            assert again.refusal in {Refusal.NEW_NUMBER, Refusal.REJECTED}
        else:
            assert await gateway.pay(again) is (closed.state is not ReceiptState.CLOSED)

    async def test_closing_what_was_paid_says_paid(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Too late is no error: the answer is the payment, and the money stays."""
        charge = await self.paid(gateway, offer)
        receipt = await self.merchant(gateway).close(charge)
        assert (receipt.state, receipt.amount) == (ReceiptState.PAID, charge.amount)
        booked = await gateway.booked(charge.number)
        assert (booked.captured, booked.refunded) == (charge.amount.minor, 0)

    async def test_closing_what_was_given_back_says_paid(self, gateway: GatewayUnderTest) -> None:
        """A refund does not undo that the money was taken."""
        charge = await self.paid(gateway)
        await self.refunded(gateway, self.refund_order(charge))
        assert (await self.merchant(gateway).close(charge)).state is ReceiptState.PAID

    async def test_closing_what_was_never_opened_says_so(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Nothing was there to close: that proves nothing about a page still under way."""
        charge = self.charge(gateway, offer)
        if not self.may_ask(charge):
            return
        assert (await self.merchant(gateway).close(charge)).state in NOT_CLOSED

    async def test_another_process_closes_the_charge(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The worker closes what the server opened."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        await gateway.begin(page)
        receipt = await self.another(gateway).close(charge)
        assert await gateway.pay(page) is (receipt.state is not ReceiptState.CLOSED)

    async def test_closing_one_charge_leaves_another_alone(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The payer's other attempt goes on."""
        kept, given_up = self.charge(gateway, offer), self.charge(gateway, offer)
        page = await self.merchant(gateway).open(kept)
        await gateway.begin(await self.merchant(gateway).open(given_up))
        await self.merchant(gateway).close(given_up)
        assert await gateway.pay(page)

    @pytest.mark.parametrize("first", ["payer", "shop"])
    async def test_closing_and_paying_at_once_have_one_truth(
        self, gateway: GatewayUnderTest, offer: Offer, first: str
    ) -> None:
        """Closed and not paid, or paid and not closed; never both, never neither."""
        charge = self.charge(gateway, offer)
        page = await self.merchant(gateway).open(charge)
        await gateway.begin(page)
        if first == "payer":
            paid, closed = await asyncio.gather(
                gateway.pay(page), self.merchant(gateway).close(charge)
            )
        else:
            closed, paid = await asyncio.gather(
                self.merchant(gateway).close(charge), gateway.pay(page)
            )
        taken = (await gateway.booked(charge.number)).captured
        assert taken == (charge.amount.minor if paid else 0)
        assert not (paid and closed.state is ReceiptState.CLOSED)
        now = (await self.merchant(gateway).query(charge)).state
        assert (now is ReceiptState.PAID) is paid

    async def test_closing_after_the_deadline_finds_no_payment(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The sweep closes what has run out; no answer of it invents money."""
        charge = self.charge(gateway, offer)
        await gateway.begin(await self.merchant(gateway).open(charge))
        gateway.advance(charge.expires_at - gateway.now() + timedelta(minutes=5))
        receipt = await self.merchant(gateway).close(charge)
        assert receipt.state is not ReceiptState.PAID
        assert receipt.amount is None

    async def test_a_close_whose_answer_was_lost_is_found_by_asking(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Uncertain first; then the query or a second close tells."""
        charge = self.charge(gateway)
        page = await self.merchant(gateway).open(charge)
        await gateway.begin(page)
        if self.standard_offer.terms.close is ClosePower.NONE:
            assert (await self.merchant(gateway).close(charge)).state in NOT_CLOSED
            return
        gateway.set_fault(Fault.LOST_AFTER_EFFECT, Operation.CLOSE)
        with pytest.raises(ProviderUncertain):
            await self.merchant(gateway).close(charge)
        assert (await self.merchant(gateway).query(charge)).state is ReceiptState.CLOSED
        assert (await self.merchant(gateway).close(charge)).state is ReceiptState.CLOSED
        assert not await gateway.pay(page)
