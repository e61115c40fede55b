"""Sandboxes of another kind, made of the real one: for what it is too well-behaved to show."""

from dataclasses import replace
from typing import Any, cast

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.page import Opened, Page
from retender.plugins.hookspecs import ProviderPlugin
from retender.plugins.sandbox.ledger import Refund, TradeState
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.terms import TERMS
from retender.ports.payment_provider import (
    Notice,
    PaymentProvider,
    ProviderTerms,
    RawNotice,
    Receipt,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.contracts.payment_provider import ALICE
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
BY_ID = replace(TERMS, refunds=replace(TERMS.refunds, asked_by_number=False))
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
        assert order.provider_refund_no is not None, "the core never asks without the id"
        if order.provider_refund_no != f"re-{order.number}":
            raise ProviderUncertain("The gateway knows no refund by that id.")
        return _named(await self.inner.query_refund(order))


class ByIdCounter(OtherCounter):
    """Gives each refund an id."""

    kind = ById


def _named(receipt: RefundReceipt) -> RefundReceipt:
    return replace(receipt, provider_refund_no=f"re-{receipt.number}")


# --- names -----------------------------------------------------------------------------

OWN_IDS = replace(
    TERMS,
    asked_by_number=False,
    pages=tuple(replace(page, orphan_payable=False) for page in TERMS.pages),
)
CAPTURES = replace(TERMS, trade_no_is_capture=True)
NAMED_TRADES = replace(TERMS, refunds=replace(TERMS.refunds, names_trade=True))


class OwnIds(Other):
    """Goes by ids of its own for charges, and never names our number again."""

    def its(self, number: str) -> str:
        return f"theirs-{number}"

    async def open(self, charge: Charge) -> Opened:
        return replace(await self.inner.open(charge), reference=self.its(charge.number))

    async def query(self, charge: Charge) -> Receipt:
        return self._named(await self.inner.query(self._asked(charge)))

    async def close(self, charge: Charge) -> Receipt:
        return self._named(await self.inner.close(self._asked(charge)))

    async def parse_notice(self, raw: RawNotice) -> Notice:
        notice = await self.inner.parse_notice(raw)
        return replace(notice, receipt=notice.receipt and self._named(notice.receipt))

    def _asked(self, charge: Charge) -> Charge:
        assert charge.reference is not None, "the core never asks without a reference"
        return charge

    def _named(self, receipt: Receipt) -> Receipt:
        assert receipt.number is not None
        return replace(receipt, number=None, reference=self.its(receipt.number))


class OwnIdsCounter(OtherCounter):
    """Gives each charge an id."""

    kind = OwnIds


class InAppCounter(OwnIdsCounter):
    """Shows what is open in the payer's app, too, who pays all of it."""

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        paid = await super().pay(page, buyer=buyer)
        for trade in self.gateway.ledger.all():
            if trade.state is TradeState.OPEN:
                self.gateway.ledger.pay(trade.ask.number, buyer)
        return paid


class OneForAll(OwnIds):
    """Gives all charges the same id."""

    def its(self, number: str) -> str:
        return f"theirs-{len(number)}"


class OneForAllCounter(OtherCounter):
    """Cannot tell charges apart."""

    kind = OneForAll


class Confused(OwnIds):
    """Tells of our number beside an id that ``open`` never gave."""

    def _named(self, receipt: Receipt) -> Receipt:
        return replace(receipt, reference="theirs-0")


class ConfusedCounter(OtherCounter):
    """What it says would be kept, where an answer was lost, as another charge's id."""

    kind = Confused


class TwoTradeNos(Other):
    """Calls one capture by another number in a notice than in an answer."""

    async def parse_notice(self, raw: RawNotice) -> Notice:
        notice = await self.inner.parse_notice(raw)
        its = notice.receipt
        its = its and replace(its, provider_trade_no=f"charge-{its.provider_trade_no}")
        return replace(notice, receipt=its)


class TwoTradeNosCounter(OtherCounter):
    """Has an intent and a charge, as some gateways have."""

    kind = TwoTradeNos


class ByTrade(Other):
    """Gives back of the trade that it is told, and of no other."""

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        named = order.provider_trade_no or order.charge_number
        its = replace(order, charge_number=named.removeprefix("SBX"))
        return await self.inner.refund(its)


class ByTradeCounter(OtherCounter):
    """Keeps the promise that refunds name trades."""

    kind = ByTrade
