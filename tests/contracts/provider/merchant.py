"""Merchant: calls a provider as the core does, with what it was told before."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import ProviderRefused, ProviderUnavailable
from retender.domain.model.page import Page
from retender.domain.model.refund import SURELY_ABSENT_AFTER
from retender.ports.payment_provider import (
    PaymentProvider,
    Receipt,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What a shop writes down, and every process of it knows.

    Attributes:
        references: the providers' own ids of charges, by our number.
        refund_ids: the providers' own ids of refunds, by our number.
        sent: when a refund was sent last that may have moved money, by our number.

    """

    references: dict[str, str] = field(default_factory=dict)
    refund_ids: dict[str, str] = field(default_factory=dict)
    sent: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merchant:
    """
    Keeps the ids that answers bore, and hands them back with every later call.

    So behaviours need not know whether a provider goes by our number or by an id of its own,
    nor whether a refund may be sent twice: where not, it is asked after, as the core does.
    """

    provider: PaymentProvider
    now: Callable[[], datetime]
    kept: Kept

    async def open(self, charge: Charge) -> Page:
        """Open the charge, keep its reference, and return its page."""
        opened = await self.provider.open(charge)
        if opened.reference is not None:
            self.kept.references[charge.number] = opened.reference
        return opened.page

    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of the charge."""
        return await self.provider.query(self._known(charge))

    async def close(self, charge: Charge) -> Receipt:
        """Close the charge."""
        return await self.provider.close(self._known(charge))

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """
        Give money back; where repeating is not harmless, again only what is surely absent.

        NOT_FOUND says that it was not sent again, since it may be on its way still.
        """
        sent_at = self.kept.sent.get(order.number)
        if sent_at is not None and not self.provider.terms.refunds.repeatable:
            receipt = await self.query_refund(order)
            absent = receipt.state is RefundReceiptState.NOT_FOUND
            if not absent or self.now() < sent_at + SURELY_ABSENT_AFTER:
                return receipt
        self.kept.sent[order.number] = self.now()
        try:
            return self._heard(await self.provider.refund(self._its(order)))
        except (ProviderRefused, ProviderUnavailable):
            self.kept.sent.pop(order.number, None)  # this call moved nothing
            raise

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund, by the provider's own id of it once that is known."""
        return self._heard(await self.provider.query_refund(self._its(order)))

    def _known(self, charge: Charge) -> Charge:
        return replace(charge, reference=self.kept.references.get(charge.number))

    def _its(self, order: RefundOrder) -> RefundOrder:
        return replace(
            order,
            reference=self.kept.references.get(order.charge_number),
            provider_refund_no=self.kept.refund_ids.get(order.number),
        )

    def _heard(self, receipt: RefundReceipt) -> RefundReceipt:
        if receipt.provider_refund_no is not None:
            self.kept.refund_ids[receipt.number] = receipt.provider_refund_no
        return receipt
