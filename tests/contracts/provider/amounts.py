"""Behaviours of a provider: every amount is what it is, to the last minor unit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count, islice

import pytest

from retender.domain.model.errors import ProviderRefused
from retender.domain.model.money import Money, exponent_of
from retender.ports.payment_provider import (
    BillLine,
    ProviderTerms,
    ReceiptState,
    RefundReceiptState,
)
from retender.tests.contracts.provider.gateway import GatewayUnderTest
from retender.tests.contracts.provider.scene import ProviderScene

_A_DAY = timedelta(days=1)
_OF_EACH_SIZE = 2


def awkward_amounts(terms: ProviderTerms) -> Iterator[Money]:
    """
    Yield amounts, in each currency, that come out as others once they were a float.

    Such as 0.29, 1.13 and 19.99 of a currency with two decimals, 6 % of all there are: their
    float times a hundred, cut off, is one less. Where there are no decimals, none is; then
    an amount that is no round one is taken.
    """
    for currency in sorted(terms.currencies):
        bounds = terms.bounds(currency)
        for least in (bounds.smallest, max(bounds.smallest, 1900)):
            scale = 10 ** exponent_of(currency)
            found = (n for n in count(least) if scale == 1 or int(n / scale * scale) != n)
            yield from (Money(minor, currency) for minor in islice(found, _OF_EACH_SIZE))


class Amounts(ProviderScene):
    """Asked for, told, given back and billed: never a float's neighbour."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Play behaviours that take an ``awkward`` amount once for each."""
        super().pytest_generate_tests(metafunc)
        if "awkward" in metafunc.fixturenames:
            amounts = list(awkward_amounts(self.plugin.terms))
            metafunc.parametrize("awkward", amounts, ids=str)

    async def test_an_amount_is_the_same_everywhere(
        self, gateway: GatewayUnderTest, awkward: Money
    ) -> None:
        """In the gateway's book, a query, a notice, a refund, its query, and the bill."""
        merchant, paid_at = self.merchant(gateway), gateway.now()
        charge = replace(self.charge(gateway), amount=awkward)
        assert await gateway.pay(await merchant.open(charge))
        assert (await gateway.booked(charge.number)).captured == awkward.minor
        receipt = await merchant.query(charge)
        assert (receipt.state, receipt.amount) == (ReceiptState.PAID, awkward)
        notices = await self.paid_notices(gateway, charge.number)
        assert {n.receipt.amount for n in notices if n.receipt} <= {awkward}
        gateway.advance(self.terms.refunds.spacing)
        order = self.refund_order(charge)
        refund = await self.refunded(gateway, order)
        assert (refund.state, refund.amount or awkward) == (RefundReceiptState.DONE, awkward)
        again = await merchant.query_refund(order)
        assert (again.state, again.amount or awkward) == (RefundReceiptState.DONE, awkward)
        assert (await gateway.booked(charge.number)).refunded == awkward.minor
        if self.terms.bills:
            gateway.advance(2 * _A_DAY)
            days = {(paid_at + hours).date() for hours in (-_A_DAY / 2, _A_DAY * 0, _A_DAY / 2)}
            lines = [line for day in sorted(days) for line in await _bill(gateway, day)]
            names = {charge.number, self.references.get(charge.number)} - {None}
            its = [line.amount for line in lines if {line.number, line.reference} & names]
            assert its == [awkward] * 2, "the payment, and its refund"


async def _bill(gateway: GatewayUnderTest, day: date) -> tuple[BillLine, ...]:
    try:
        return await gateway.provider.fetch_bill(day)
    except ProviderRefused:
        return ()  # nothing was booked on that day of the provider's
