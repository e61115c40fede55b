"""Sandboxes of another kind, made of the real one: for what it is too well-behaved to show."""

from dataclasses import replace
from typing import Any, cast

from retender.domain.model.errors import ProviderUncertain
from retender.plugins.hookspecs import ProviderPlugin
from retender.plugins.sandbox.ledger import Refund
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.terms import TERMS
from retender.ports.payment_provider import (
    PaymentProvider,
    ProviderTerms,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.plugins.sandbox.counter import Counter


def plugin_of(terms: ProviderTerms) -> ProviderPlugin:
    """Return the sandbox's plugin with other terms."""
    return replace(PLUGIN, terms=terms)


class Other:
    """Passes everything on to a real provider of the sandbox, and says other terms."""

    def __init__(self, inner: PaymentProvider, terms: ProviderTerms) -> None:
        self.inner, self.terms = inner, terms

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class OtherCounter(Counter):
    """A gateway under test whose provider is of another kind."""

    kind: type[Other] = Other

    def __init__(self, terms: ProviderTerms) -> None:
        self.terms = terms
        super().__init__()

    def another_provider(self) -> PaymentProvider:
        other = self.kind(super().another_provider(), self.terms)
        return cast("PaymentProvider", other)


# --- refunds ---------------------------------------------------------------------------

REPEATABLE = TERMS
ONCE_ONLY = replace(TERMS, refunds=replace(TERMS.refunds, repeatable=False))


class EachSendCounter(OtherCounter):
    """A gateway that gives back as often as it is told to, whatever the number."""

    def __init__(self, terms: ProviderTerms) -> None:
        super().__init__(terms)
        ledger = self.gateway.ledger
        refund = ledger.refund

        def each(number: str, refund_number: str, minor: int) -> Refund:
            known = ledger.find(number).refunds
            its = f"{refund_number}/{len(known)}" if refund_number in known else refund_number
            return replace(refund(number, its, minor), number=refund_number)

        vars(ledger)["refund"] = each


class Forgetful(Other):
    """Says of every refund that it was never accepted."""

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)


class ForgetfulCounter(EachSendCounter):
    """Such a gateway, behind a provider that does not find what an answer was lost of."""

    kind = Forgetful


class ById(Other):
    """Asks after refunds by the gateway's own id alone, and keeps no table of them."""

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        return _named(await self.inner.refund(order))

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        if order.provider_refund_no is None:
            return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)
        if order.provider_refund_no != f"re-{order.number}":
            raise ProviderUncertain("The gateway knows no refund by that id.")
        return _named(await self.inner.query_refund(order))


class ByIdCounter(OtherCounter):
    """Gives each refund an id."""

    kind = ById


def _named(receipt: RefundReceipt) -> RefundReceipt:
    return replace(receipt, provider_refund_no=f"re-{receipt.number}")
