"""Providers: two gateways, one that makes trades at once and one that waits for the payer."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.errors import NoticeRejected, ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.page import Page, PageKind, QrPage
from retender.ports.payment_provider import (
    Acknowledgement,
    BillLine,
    ClosePower,
    Notice,
    PageTerms,
    ProviderTerms,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.model.handlers import Call, Suspend
from retender.tests.model.state import PRICE, Books, Phase, Till, Trade

EAGER, LAZY, LAZY_TOO = "eager", "lazy", "lazy_too"
"""The trade exists as soon as the page does (as at WeChat Pay), or once the payer acts (Alipay)."""

LOST = ProviderUncertain("no answer")
RANDOM = "RANDOM0001"
"""A refund number that a mutant makes up anew for each send: no provider has seen it before."""


class ModelProvider:
    """Implements ``PaymentProvider``: each call is a wish; the explorer decides what it does."""

    def __init__(self, name: str) -> None:
        """Publish the terms of an eager or a lazy gateway."""
        self.name = name
        page = PageTerms(
            kind=PageKind.QR,
            devices=frozenset({Device.SCREEN}),
            product=name,
            close=ClosePower.AUTHORITATIVE if name == EAGER else ClosePower.LAZY,
        )
        self.terms = ProviderTerms(
            provider=name, title=name.title(), pages=(page,), currencies=frozenset({"CNY"})
        )

    async def open(self, charge: Charge) -> Page:
        """Ask for a page."""
        page: Page = await Suspend(Call("open", self.name, charge))
        return page

    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of it."""
        receipt: Receipt = await Suspend(Call("query", self.name, charge))
        return receipt

    async def close(self, charge: Charge) -> Receipt:
        """Ask that it take no money any more."""
        receipt: Receipt = await Suspend(Call("close", self.name, charge))
        return receipt

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Give money back."""
        receipt: RefundReceipt = await Suspend(Call("refund", self.name, order))
        return receipt

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund."""
        receipt: RefundReceipt = await Suspend(Call("query_refund", self.name, order))
        return receipt

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Read a notice; in the model every notice says that a number was paid."""
        number = raw.body.decode()
        paid = Receipt(number=number, state=ReceiptState.PAID, amount=PRICE)
        return Notice(event_key=number, receipt=paid)

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say "received"."""
        return Acknowledgement(200 if problem is None else 400)

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Refuse: there are no bills in the model."""
        raise ProviderRefused(Refusal.REJECTED, provider_code="NO_BILL", provider_message=str(day))


class Effect(NamedTuple):
    """What a call may lead to: the provider's books then, and what it answers."""

    books: Books
    reply: object


def find(books: Books, number: str) -> Till | None:
    """Return the entry of a number."""
    return next((till for till in books if till.number == number), None)


def put(books: Books, till: Till) -> Books:
    """Return the books with this entry added or replaced."""
    return tuple(sorted((*(t for t in books if t.number != till.number), till)))


def carry_out(call: Call, books: Books, phase: Phase) -> Effect:
    """Let the provider do what it is asked, and answer."""
    if isinstance(call.what, RefundOrder):
        return _refund(call, books, call.what)
    till = find(books, call.what.number)
    if call.verb == "open":
        return _open(call.account, books, till, call.what, phase)
    if call.verb == "close" and till is not None and till.state is Trade.OPEN:
        till = till._replace(state=Trade.CLOSED)
        books = put(books, till)
    states = {
        Trade.LATENT: ReceiptState.NOT_FOUND,
        Trade.OPEN: ReceiptState.OPEN,
        Trade.PAID: ReceiptState.PAID,
        Trade.CLOSED: ReceiptState.CLOSED,
    }
    state = ReceiptState.NOT_FOUND if till is None else states[till.state]
    amount = PRICE if state is ReceiptState.PAID else None
    return Effect(books, Receipt(number=call.what.number, state=state, amount=amount))


def _open(account: str, books: Books, till: Till | None, charge: Charge, phase: Phase) -> Effect:
    page = QrPage(charge.number)
    if till is None:
        if takes_money(phase):
            new = Trade.OPEN if account == EAGER else Trade.LATENT
            return Effect(put(books, Till(charge.number, account, new)), page)
        return Effect(books, ProviderRefused(Refusal.REJECTED, provider_code="EXPIRED"))
    if account != EAGER or till.state is Trade.OPEN:
        return Effect(books, page)
    if till.state is Trade.PAID:
        return Effect(books, ProviderRefused(Refusal.ALREADY_PAID, provider_code="ORDERPAID"))
    return Effect(books, ProviderRefused(Refusal.NEW_NUMBER, provider_code="ORDER_CLOSED"))


def _refund(call: Call, books: Books, order: RefundOrder) -> Effect:
    till = find(books, order.charge_number)
    assert till is not None, "a refund is for money that came"
    if call.verb == "refund" and (order.number == RANDOM or order.number not in till.refunds):
        till = till._replace(refunds=(*till.refunds, order.number)[:2])
        books = put(books, till)
    done = order.number in till.refunds and order.number != RANDOM
    done |= call.verb == "refund"
    state = RefundReceiptState.DONE if done else RefundReceiptState.NOT_FOUND
    amount = order.amount if done else None
    return Effect(books, RefundReceipt(number=order.number, state=state, amount=amount))


def takes_money(phase: Phase) -> bool:
    """
    Tell whether a page may still be paid, on some provider's clock.

    Providers end a page at the upstream instant of *their* clock, which may be
    late by as much as the watch allows for.
    """
    return phase < Phase.PAST_WATCH


def is_payable(till: Till, phase: Phase) -> bool:
    """Tell whether a payer can pay this number now."""
    return till.state in {Trade.LATENT, Trade.OPEN} and takes_money(phase)


def what_payers_do(books: Books, phase: Phase, *, late: bool) -> Iterator[tuple[str, str, Books]]:
    """Yield what may happen at the providers by itself: (kind, words, books after)."""
    for till in books:
        if is_payable(till, phase) or (late and is_payable(till, Phase.PAST_UPSTREAM)):
            if till.state is Trade.LATENT:
                scanned = till._replace(state=Trade.OPEN)
                yield "u", f"the payer scans {till.number}", put(books, scanned)
            else:
                in_time = phase is Phase.IN_TIME
                paid = till._replace(state=Trade.PAID, in_time=in_time, noticed=True)
                yield "u", f"the payer PAYS {till.number} at {till.account}", put(books, paid)
        if till.noticed:
            lost = till._replace(noticed=False)
            yield "f", f"notices of {till.number} are lost for good", put(books, lost)
