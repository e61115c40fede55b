"""Behaviours of a provider: three errors, told apart by what is known of the money."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import (
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.page import Page
from retender.ports.payment_provider import (
    ClosePower,
    ReceiptState,
    RefundOrder,
    RefundReceiptState,
)
from retender.tests.contracts.provider.gateway import Fault, GatewayUnderTest, Operation
from retender.tests.contracts.provider.scene import (
    Offer,
    ProviderScene,
    assert_silent,
)
from retender.tests.contracts.telltales import logged, told

ASKING = [Operation.QUERY, Operation.CLOSE, Operation.REFUND, Operation.QUERY_REFUND]
# Of a close, some gateways say only that it is done.
ANSWERED_BY_NAME = [Operation.QUERY, Operation.REFUND, Operation.QUERY_REFUND]
SILENT_FAULTS = [
    Fault.LOST_BEFORE_EFFECT,
    Fault.LOST_AFTER_EFFECT,
    Fault.SERVER_ERROR,
    Fault.NOT_THE_GATEWAY,
    Fault.BAD_SIGNATURE,
    Fault.UNKNOWN_CODE,
]


@dataclass(frozen=True, slots=True)
class Story:
    """A charge and a refund of it, as far along as one operation needs them."""

    charge: Charge
    refund: RefundOrder
    call: Callable[[], Awaitable[object]]


class Trouble(ProviderScene):
    """What no usable answer came to is never no; what was surely not sent is never maybe."""

    async def _story(self, gateway: GatewayUnderTest, operation: Operation) -> Story:
        """Play up to where the operation is called."""
        provider = self.merchant(gateway)
        if operation in {Operation.REFUND, Operation.QUERY_REFUND}:
            charge = await self.paid(gateway)
            refund = self.refund_order(charge)
            if operation is Operation.REFUND:
                return Story(charge, refund, lambda: provider.refund(refund))
            await self.refunded(gateway, refund)
            return Story(charge, refund, lambda: provider.query_refund(refund))
        charge = self.charge(gateway)
        await gateway.begin(await self.merchant(gateway).open(charge))
        refund = self.refund_order(charge)
        if operation is Operation.QUERY:
            return Story(charge, refund, lambda: provider.query(charge))
        return Story(charge, refund, lambda: provider.close(charge))

    def _calls_gateway(self, operation: Operation) -> bool:
        # Where there is no close call, none can go wrong.
        none = self.standard_offer.terms.close is ClosePower.NONE
        return not (operation is Operation.CLOSE and none)

    async def _as_if_nothing_had_happened(
        self, gateway: GatewayUnderTest, story: Story, operation: Operation
    ) -> None:
        """Make the call again, now untroubled, and look at the books."""
        gateway.advance(self.terms.refunds.spacing)
        await story.call()
        booked = await gateway.booked(story.charge.number)
        if operation in {Operation.REFUND, Operation.QUERY_REFUND}:
            done = await self.refunded(gateway, story.refund)
            assert done.state is RefundReceiptState.DONE
            booked = await gateway.booked(story.charge.number)
            assert (booked.captured, booked.refunded) == (story.charge.amount.minor,) * 2
        else:
            assert (booked.captured, booked.refunded) == (0, 0)
            state = (await self.merchant(gateway).query(story.charge)).state
            closed = operation is Operation.CLOSE and self._calls_gateway(operation)
            assert state is (ReceiptState.CLOSED if closed else ReceiptState.OPEN)

    # --- the four calls about what is there ------------------------------------------

    @pytest.mark.parametrize("operation", ASKING)
    async def test_a_gateway_that_is_not_reached_is_unavailable(
        self, gateway: GatewayUnderTest, operation: Operation
    ) -> None:
        """Nothing was sent, and the error says so: the call may be made again."""
        story = await self._story(gateway, operation)
        if self._calls_gateway(operation):
            gateway.set_fault(Fault.UNREACHABLE, operation)
            with pytest.raises(ProviderUnavailable):
                await story.call()
        await self._as_if_nothing_had_happened(gateway, story, operation)

    @pytest.mark.parametrize("fault", SILENT_FAULTS)
    @pytest.mark.parametrize("operation", ASKING)
    async def test_without_a_usable_answer_nothing_is_certain(
        self, gateway: GatewayUnderTest, operation: Operation, fault: Fault
    ) -> None:
        """Lost, 5xx, wrongly signed or in words that nobody knows: find out, do not guess."""
        story = await self._story(gateway, operation)
        if self._calls_gateway(operation):
            gateway.set_fault(fault, operation)
            with pytest.raises(ProviderUncertain):
                await story.call()
        await self._as_if_nothing_had_happened(gateway, story, operation)

    @pytest.mark.parametrize("operation", ANSWERED_BY_NAME)
    async def test_an_answer_about_something_else_is_not_believed(
        self, gateway: GatewayUnderTest, operation: Operation
    ) -> None:
        """Well signed and of another charge: mixed up or replayed, it is no answer."""
        await (await self._story(gateway, operation)).call()
        story = await self._story(gateway, operation)
        gateway.set_fault(Fault.ANOTHERS_ANSWER, operation)
        with pytest.raises(ProviderUncertain):
            await story.call()
        await self._as_if_nothing_had_happened(gateway, story, operation)

    @pytest.mark.parametrize("operation", ASKING)
    async def test_asking_too_often_is_never_an_answer(
        self, gateway: GatewayUnderTest, operation: Operation
    ) -> None:
        """It is a "not now", or uncertain; neither a receipt nor a no for good."""
        story = await self._story(gateway, operation)
        if self._calls_gateway(operation):
            gateway.set_fault(Fault.RATE_LIMIT, operation)
            with pytest.raises(ProviderError) as trouble:
                await story.call()
            assert _may_be_asked_again(trouble.value)
        await self._as_if_nothing_had_happened(gateway, story, operation)

    # --- opening --------------------------------------------------------------------

    async def _open_in_trouble(
        self, gateway: GatewayUnderTest, charge: Charge, fault: Fault
    ) -> Page | ProviderError:
        gateway.set_fault(fault, Operation.OPEN)
        try:
            return await self.merchant(gateway).open(charge)
        except ProviderError as trouble:
            return trouble

    async def _pays_once(
        self, gateway: GatewayUnderTest, offer: Offer, charge: Charge, page: Page | None
    ) -> None:
        """Whatever happened, the charge can still be paid, and once."""
        if page is None or offer.terms.reopens:
            page = await self.merchant(gateway).open(charge)
        assert await gateway.pay(page)
        assert (await gateway.booked(charge.number)).captured == charge.amount.minor

    async def test_opening_without_reaching_the_gateway_is_unavailable(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """Unless the page is made here, without a call: then it must work."""
        charge = self.charge(gateway, offer)
        outcome = await self._open_in_trouble(gateway, charge, Fault.UNREACHABLE)
        assert isinstance(outcome, Page | ProviderUnavailable)
        page = None if isinstance(outcome, ProviderError) else outcome
        if page is None and self.may_ask(charge):
            assert (await self.merchant(gateway).query(charge)).state is ReceiptState.NOT_FOUND
        await self._pays_once(gateway, offer, charge, page)

    @pytest.mark.parametrize("fault", SILENT_FAULTS)
    async def test_opening_without_a_usable_answer_is_uncertain(
        self, gateway: GatewayUnderTest, offer: Offer, fault: Fault
    ) -> None:
        """Asking again under the same number makes it good."""
        charge = self.charge(gateway, offer)
        outcome = await self._open_in_trouble(gateway, charge, fault)
        assert isinstance(outcome, Page | ProviderUncertain)
        page = None if isinstance(outcome, ProviderError) else outcome
        await self._pays_once(gateway, offer, charge, page)

    async def test_opening_too_often_is_no_refusal_for_good(
        self, gateway: GatewayUnderTest, offer: Offer
    ) -> None:
        """The number is not spent by it."""
        charge = self.charge(gateway, offer)
        outcome = await self._open_in_trouble(gateway, charge, Fault.RATE_LIMIT)
        page = None if isinstance(outcome, ProviderError) else outcome
        assert page is not None or _may_be_asked_again(outcome)
        await self._pays_once(gateway, offer, charge, page)

    # --- what trouble tells ---------------------------------------------------------

    @pytest.mark.parametrize("operation", list(Operation))
    async def test_no_trouble_tells_a_secret(
        self,
        gateway: GatewayUnderTest,
        operation: Operation,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither words nor details nor traceback nor log, at any level."""
        caplog.set_level("DEBUG")
        for fault in sorted(set(Fault) - {Fault.ANOTHERS_ANSWER}):
            if operation is Operation.OPEN:
                outcome = await self._open_in_trouble(gateway, self.charge(gateway), fault)
                texts = told(outcome) if isinstance(outcome, ProviderError) else repr(outcome)
            elif self._calls_gateway(operation):
                story = await self._story(gateway, operation)
                gateway.set_fault(fault, operation)
                with pytest.raises(ProviderError) as trouble:
                    await story.call()
                texts = told(trouble.value)
            else:
                continue
            assert_silent(gateway, texts, logged(caplog))

    async def test_a_payment_without_trouble_tells_no_secret_either(
        self, gateway: GatewayUnderTest, caplog: pytest.LogCaptureFixture
    ) -> None:
        """From the page to the refund, whatever is logged."""
        caplog.set_level("DEBUG")
        charge = await self.paid(gateway)
        await self.refunded(gateway, self.refund_order(charge))
        await self.merchant(gateway).close(charge)
        for raw in await gateway.notices():
            await gateway.provider.parse_notice(raw)
        assert_silent(gateway, logged(caplog))

    async def test_a_day_that_has_no_bill_is_a_clear_no(self, gateway: GatewayUnderTest) -> None:
        """Today's books are not closed yet; without bills in the terms no day's ever are."""
        with pytest.raises(ProviderRefused) as refused:
            await gateway.provider.fetch_bill(gateway.now().date())
        assert refused.value.provider_code


def _may_be_asked_again(trouble: object) -> bool:
    """Tell whether this says that the same request may be made later."""
    if isinstance(trouble, ProviderRefused):
        return trouble.refusal is Refusal.NOT_NOW
    return isinstance(trouble, ProviderUncertain)
