"""Behaviours of a provider: giving money back, once per number and never too much."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain
from retender.domain.model.refund import SURELY_ABSENT_AFTER
from retender.domain.model.text import SUBJECT_MAX
from retender.ports.payment_provider import (
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.contracts.provider.gateway import Fault, GatewayUnderTest, Operation
from retender.tests.contracts.provider.merchant import Merchant
from retender.tests.contracts.provider.scene import HOSTILE_TEXTS, ProviderScene, fresh_number

UNDER_WAY = {RefundReceiptState.DONE, RefundReceiptState.PENDING}


async def asked(merchant: Merchant, order: RefundOrder) -> RefundReceipt | ProviderRefused:
    """Refund where a refusal is as good an answer as a receipt."""
    try:
        return await merchant.refund(order)
    except ProviderRefused as refused:
        return refused


class Refunds(ProviderScene):
    """
    Where the terms say so, the refund's number alone makes repeats harmless.

    Elsewhere the merchant does what the core does: it asks, and sends again what is surely
    absent. So the provider must tell the truth when it is asked.
    """

    @pytest.mark.parametrize("letter", ["a", "茶", "🍵"])
    async def test_the_longest_reason_is_taken(
        self, gateway: GatewayUnderTest, letter: str
    ) -> None:
        """Cut where the gateway's patience ends: a refund is never refused for its words."""
        charge = await self.paid(gateway)
        order = self.refund_order(charge, reason=letter * SUBJECT_MAX)
        assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE

    # --- money goes back ------------------------------------------------------------

    async def test_everything_can_be_given_back(self, gateway: GatewayUnderTest) -> None:
        """All of it, exactly, and it is told as done."""
        charge = await self.paid(gateway)
        order = self.refund_order(charge)
        receipt = await self.refunded(gateway, order)
        assert (receipt.number, receipt.state) == (order.number, RefundReceiptState.DONE)
        assert receipt.amount in {None, order.amount}
        booked = await gateway.booked(charge.number)
        assert (booked.captured, booked.refunded) == (charge.amount.minor, charge.amount.minor)

    async def test_a_part_can_be_given_back_if_the_terms_say_so(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Exactly that part; or a clear no, and nothing moves."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 1_234)
        if self.terms.refunds.partial:
            assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE
            assert (await gateway.booked(charge.number)).refunded == 1_234
        else:
            assert isinstance(await asked(self.merchant(gateway), order), ProviderRefused)
            assert (await gateway.booked(charge.number)).refunded == 0

    async def test_the_parts_add_up_to_everything(self, gateway: GatewayUnderTest) -> None:
        """The last fen can go back too, and not one more."""
        charge = await self.paid(gateway, minor=5_000)
        parts = [1, 2_999, 2_000] if self.terms.refunds.partial else [5_000]
        for part in parts:
            receipt = await self.refunded(gateway, self.refund_order(charge, part))
            assert receipt.state is RefundReceiptState.DONE
        assert (await gateway.booked(charge.number)).refunded == 5_000
        assert isinstance(
            await asked(self.merchant(gateway), self.refund_order(charge, 1)), ProviderRefused
        )

    @pytest.mark.parametrize("length", [8, 32])
    async def test_the_shortest_and_the_longest_refund_number_work(
        self, gateway: GatewayUnderTest, length: int
    ) -> None:
        """Every number that we may make is accepted."""
        charge = await self.paid(gateway)
        order = self.refund_order(charge, number=fresh_number(length))
        assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE

    async def test_the_providers_own_trade_number_serves_as_well(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Once known it rides along, and changes nothing."""
        charge = await self.paid(gateway)
        trade_no = (await self.merchant(gateway).query(charge)).provider_trade_no
        order = replace(self.refund_order(charge), provider_trade_no=trade_no)
        assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE
        assert (await gateway.booked(charge.number)).refunded == charge.amount.minor

    @pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
    async def test_any_reason_may_be_given(self, gateway: GatewayUnderTest, text: str) -> None:
        """A reason that breaks the signature would lock the money in."""
        charge = await self.paid(gateway)
        receipt = await self.refunded(gateway, self.refund_order(charge, reason=text))
        assert receipt.state is RefundReceiptState.DONE

    async def test_a_refund_is_possible_as_long_as_the_terms_say(
        self, gateway: GatewayUnderTest
    ) -> None:
        """The last day is in time; after it a clear no."""
        window = self.terms.refunds.window
        charge = await self.paid(gateway)
        gateway.advance((window or timedelta(days=2)) - timedelta(days=1))
        part = 100 if self.terms.refunds.partial else None
        receipt = await self.refunded(gateway, self.refund_order(charge, part))
        assert receipt.state is RefundReceiptState.DONE
        if window is not None:
            gateway.advance(timedelta(days=2))
            late = await asked(self.merchant(gateway), self.refund_order(charge, part))
            assert isinstance(late, ProviderRefused)

    # --- once -----------------------------------------------------------------------

    async def test_the_same_refund_twice_gives_back_once(self, gateway: GatewayUnderTest) -> None:
        """However often it is sent, from wherever; or told as done, where it is not sent again."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 2_000 if self.terms.refunds.partial else None)
        await self.refunded(gateway, order)
        assert (await self.merchant(gateway).refund(order)).state is RefundReceiptState.DONE
        assert (await self.another(gateway).refund(order)).state is RefundReceiptState.DONE
        assert (await gateway.booked(charge.number)).refunded == order.amount.minor

    async def test_the_same_refund_twice_at_once_gives_back_once(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Two workers with one order are one refund; the slower may be told to wait."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 2_000 if self.terms.refunds.partial else None)
        providers = (self.merchant(gateway), self.another(gateway))
        await asyncio.gather(*(asked(each, order) for each in providers))
        await self.refunded(gateway, order)
        assert (await gateway.booked(charge.number)).refunded == order.amount.minor

    async def test_one_refund_number_never_gives_back_two_amounts(
        self, gateway: GatewayUnderTest
    ) -> None:
        """The second amount is refused, or the answer is the first refund's."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 2_000 if self.terms.refunds.partial else None)
        await self.refunded(gateway, order)
        other = await asked(self.merchant(gateway), replace(order, amount=self.money(1_500)))
        assert isinstance(other, ProviderRefused) or other.amount in {None, order.amount}
        await gateway.notices()
        assert (await gateway.booked(charge.number)).refunded == order.amount.minor
        assert (await self.merchant(gateway).query(charge)).amount == charge.amount

    async def test_a_refund_whose_answer_was_lost_is_safely_sent_again(
        self, gateway: GatewayUnderTest
    ) -> None:
        """
        The same number again, by another process: the money goes back once.

        Where repeating is not harmless, asking finds it, and it is not sent.
        """
        charge = await self.paid(gateway)
        order = self.refund_order(charge)
        gateway.set_fault(Fault.LOST_AFTER_EFFECT, Operation.REFUND)
        with pytest.raises(ProviderUncertain):
            await self.merchant(gateway).refund(order)
        gateway.advance(self.terms.refunds.spacing)
        assert (await self.another(gateway).refund(order)).state in UNDER_WAY
        assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE
        assert (await gateway.booked(charge.number)).refunded == charge.amount.minor

    # --- never too much -------------------------------------------------------------

    async def test_more_than_was_paid_is_refused(self, gateway: GatewayUnderTest) -> None:
        """One fen above, and nothing moves."""
        charge = await self.paid(gateway)
        above = self.refund_order(charge, charge.amount.minor + 1)
        with pytest.raises(ProviderRefused) as refused:
            await self.merchant(gateway).refund(above)
        assert refused.value.provider_code
        assert (await gateway.booked(charge.number)).refunded == 0

    async def test_more_than_is_left_is_refused(self, gateway: GatewayUnderTest) -> None:
        """What went back already counts."""
        charge = await self.paid(gateway, minor=5_000)
        first = 3_000 if self.terms.refunds.partial else 5_000
        await self.refunded(gateway, self.refund_order(charge, first))
        with pytest.raises(ProviderRefused):
            await self.merchant(gateway).refund(self.refund_order(charge, 2_001))
        assert (await gateway.booked(charge.number)).refunded == first

    async def test_two_refunds_at_once_never_give_back_too_much(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Both ask for most of it: one goes, or none."""
        charge = await self.paid(gateway, minor=5_000)
        part = 3_000 if self.terms.refunds.partial else 5_000
        orders = [self.refund_order(charge, part) for _ in range(2)]
        await asyncio.gather(*(asked(self.merchant(gateway), order) for order in orders))
        assert (await gateway.booked(charge.number)).refunded in {0, part}

    async def test_an_unknown_charge_gives_nothing_back(self, gateway: GatewayUnderTest) -> None:
        """A number that nobody paid under is a clear no."""
        charge = self.charge(gateway)
        with pytest.raises(ProviderRefused) as refused:
            await self.merchant(gateway).refund(self.refund_order(charge))
        assert refused.value.provider_code

    async def test_an_unpaid_charge_gives_nothing_back(self, gateway: GatewayUnderTest) -> None:
        """The payer has begun, no more."""
        charge = self.charge(gateway)
        await gateway.begin(await self.merchant(gateway).open(charge))
        with pytest.raises(ProviderRefused):
            await self.merchant(gateway).refund(self.refund_order(charge))
        assert (await gateway.booked(charge.number)).refunded == 0

    # --- asking ---------------------------------------------------------------------

    async def test_a_refund_that_was_never_asked_for_is_not_found(
        self, gateway: GatewayUnderTest
    ) -> None:
        """NOT_FOUND says: sending it is safe. Nobody asks without a name."""
        charge = await self.paid(gateway)
        order = self.refund_order(charge)
        if not self.may_ask_refund(order):
            return
        receipt = await self.merchant(gateway).query_refund(order)
        assert (receipt.number, receipt.state) == (order.number, RefundReceiptState.NOT_FOUND)

    async def test_a_refused_refund_is_not_found(self, gateway: GatewayUnderTest) -> None:
        """Nothing moved, and the provider does not claim otherwise."""
        charge = await self.paid(gateway)
        above = self.refund_order(charge, charge.amount.minor + 1)
        await asked(self.merchant(gateway), above)
        if not self.may_ask_refund(above):
            return
        state = (await self.merchant(gateway).query_refund(above)).state
        assert state in {RefundReceiptState.NOT_FOUND, RefundReceiptState.FAILED}

    async def test_a_finished_refund_is_told_as_done(self, gateway: GatewayUnderTest) -> None:
        """By its own number and amount, to whoever asks."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 2_000 if self.terms.refunds.partial else None)
        await self.refunded(gateway, order)
        for provider in (self.merchant(gateway), self.another(gateway)):
            receipt = await provider.query_refund(order)
            assert (receipt.number, receipt.state) == (order.number, RefundReceiptState.DONE)
            assert receipt.amount in {None, order.amount}

    async def test_the_providers_own_id_of_a_refund_is_handed_back(
        self, gateway: GatewayUnderTest
    ) -> None:
        """Who was answered asks by that id, in any process, and it never becomes another."""
        charge = await self.paid(gateway, minor=5_000)
        order = self.refund_order(charge, 2_000 if self.terms.refunds.partial else None)
        its = (await self.merchant(gateway).refund(order)).provider_refund_no
        for merchant in (self.merchant(gateway), self.another(gateway)):
            receipt = await merchant.query_refund(order)
            assert (receipt.number, receipt.state in UNDER_WAY) == (order.number, True)
            assert receipt.amount in {None, order.amount}
            assert its is None or receipt.provider_refund_no in {None, its}

    async def test_a_lost_refund_is_found_by_asking(self, gateway: GatewayUnderTest) -> None:
        """
        Effect or none: the query tells which, at once, and when the core would send again.

        Where nobody can ask, the same number sent again gives back once, and its answer names it.
        """
        charge = await self.paid(gateway)
        for fault in (Fault.LOST_BEFORE_EFFECT, Fault.LOST_AFTER_EFFECT):
            took_effect = fault is Fault.LOST_AFTER_EFFECT
            wanted = UNDER_WAY if took_effect else {RefundReceiptState.NOT_FOUND}
            order = self.refund_order(charge)
            gateway.set_fault(fault, Operation.REFUND)
            with pytest.raises(ProviderUncertain):
                await self.merchant(gateway).refund(order)
            if self.may_ask_refund(order):
                assert (await self.merchant(gateway).query_refund(order)).state in wanted
                gateway.advance(SURELY_ABSENT_AFTER)
                assert (await self.another(gateway).query_refund(order)).state in wanted
            elif took_effect and self.terms.refunds.repeatable:
                assert (await self.refunded(gateway, order)).state is RefundReceiptState.DONE
                assert self.may_ask_refund(order), "its answer bears the only name it has"
                assert (await self.another(gateway).query_refund(order)).state in wanted
                assert (await gateway.booked(charge.number)).refunded == charge.amount.minor

    async def test_a_payment_stays_paid_whatever_was_given_back(
        self, gateway: GatewayUnderTest
    ) -> None:
        """PAID with the whole amount, after a part and after everything."""
        charge = await self.paid(gateway, minor=5_000)
        before = await self.merchant(gateway).query(charge)
        for part in [2_000, 3_000] if self.terms.refunds.partial else [5_000]:
            await self.refunded(gateway, self.refund_order(charge, part))
            after = await self.merchant(gateway).query(charge)
            assert (after.state, after.amount) == (ReceiptState.PAID, charge.amount)
            assert after.provider_trade_no == before.provider_trade_no
