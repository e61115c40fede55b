"""Merchant: calls a provider as the core does, with the references that it once gave."""

from dataclasses import dataclass, field, replace

from retender.domain.model.attempt import Charge
from retender.domain.model.page import Page
from retender.ports.payment_provider import (
    PaymentProvider,
    Receipt,
    RefundOrder,
    RefundReceipt,
)


@dataclass(frozen=True, slots=True)
class Merchant:
    """
    Keeps what ``open`` returned beside the page, and hands it back with every later call.

    So behaviours need not know whether a provider goes by our number or by an id of its own.
    """

    provider: PaymentProvider
    references: dict[str, str] = field(default_factory=dict)

    async def open(self, charge: Charge) -> Page:
        """Open the charge, keep its reference, and return its page."""
        opened = await self.provider.open(charge)
        if opened.reference is not None:
            self.references[charge.number] = opened.reference
        return opened.page

    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of the charge."""
        return await self.provider.query(self._known(charge))

    async def close(self, charge: Charge) -> Receipt:
        """Close the charge."""
        return await self.provider.close(self._known(charge))

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Give money back."""
        return await self.provider.refund(self._its(order))

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund."""
        return await self.provider.query_refund(self._its(order))

    def _known(self, charge: Charge) -> Charge:
        return replace(charge, reference=self.references.get(charge.number))

    def _its(self, order: RefundOrder) -> RefundOrder:
        return replace(order, reference=self.references.get(order.charge_number))
