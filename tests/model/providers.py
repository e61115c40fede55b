"""Providers: gateways that make trades at once or wait for the payer, and what fails there."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.errors import (
    NoticeRejected,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.money import Money
from retender.domain.model.page import Opened, PageKind, QrPage
from retender.ports.payment_provider import (
    Acknowledgement,
    BillLine,
    Capture,
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
    RefundTerms,
)
from retender.tests.model.requests import Call, Suspend
from retender.tests.model.state import (
    HOSTED,
    PRICE,
    Books,
    Fate,
    Phase,
    Till,
    Trade,
    name_in_books,
)

EAGER, LAZY, LAZY_TOO = "eager", "lazy", "lazy_too"
"""The trade exists as soon as the page does (as at WeChat Pay), or once the payer acts (Alipay)."""
_AT_ONCE = (EAGER, HOSTED)

LOST = ProviderUncertain("no answer")
UNAVAILABLE = ProviderUnavailable("not reached")
REFUSED = ProviderRefused(Refusal.REJECTED, provider_code="NO")
MISFIT = "misfit"
"""Of a notice: it speaks of another amount."""
CONSOLE = "CONSOLE"
"""Begins the names of refunds that somebody made at the provider's own console."""
RANDOM = "RANDOM0001"
"""A refund number that a mutant makes up anew for each send: no provider has seen it before."""


_SAID_OF = {
    Fate.PENDING: RefundReceiptState.PENDING,
    Fate.DONE: RefundReceiptState.DONE,
    Fate.FAILED: RefundReceiptState.FAILED,
    Fate.REFUSED: RefundReceiptState.NOT_FOUND,
}


class ModelProvider:
    """Implements ``PaymentProvider``: each call is a request; the explorer decides what it does."""

    def __init__(self, name: str, *, names_trade: bool = False) -> None:
        """Publish the terms of an eager or a lazy gateway."""
        self.name = name
        page = PageTerms(
            kind=PageKind.QR,
            devices=frozenset({Device.SCREEN}),
            product=name,
            close=ClosePower.AUTHORITATIVE if name in _AT_ONCE else ClosePower.LAZY,
            reopens=name != HOSTED,
            orphan_payable=name != HOSTED,
        )
        self.terms = ProviderTerms(
            provider=name,
            title=name.title(),
            pages=(page,),
            currencies=frozenset({"CNY"}),
            asked_by_number=name != HOSTED,
            refunds=RefundTerms(repeatable=name != HOSTED, names_trade=names_trade),
            trade_no_is_capture=name == HOSTED,
        )

    async def open(self, charge: Charge) -> Opened:
        """Ask for a page."""
        opened: Opened = await Suspend(Call("open", self.name, charge))
        return opened

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
        """Read a notice: a number was paid, or a refund was done, or it failed."""
        number, _, fate = raw.body.decode().partition(":")
        if fate == MISFIT:
            other = Receipt(number=number, state=ReceiptState.PAID, amount=Money(1, "CNY"))
            return Notice(event_key=f"{number}:{fate}", receipt=other)
        if fate:
            state = _SAID_OF[Fate(fate)]
            of = number.removeprefix(CONSOLE) if number.startswith(CONSOLE) else None
            refund = RefundReceipt(number=number, state=state, amount=PRICE, charge_number=of)
            return Notice(event_key=f"{number}:{fate}", refund=refund)
        till = Till(number, self.name, Trade.PAID)
        paid = Receipt(
            number=number if till.reference is None else None,
            reference=till.reference,
            state=ReceiptState.PAID,
            amount=PRICE,
            provider_trade_no=till.trade_no,
        )
        return Notice(event_key=number, receipt=paid)

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say "received"."""
        return Acknowledgement(200 if problem is None else 400)

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Refuse: there are no bills in the model."""
        raise ProviderRefused(Refusal.REJECTED, provider_code="NO_BILL", provider_message=str(day))


class Faults(NamedTuple):
    """Which calls may go wrong, and how; see ``Rules``."""

    losses: frozenset[str]
    unavailable: frozenset[str]
    refusals: frozenset[str]
    slow_refunds: bool
    forgets: bool = False


class Outcome(NamedTuple):
    """What may become of a call: whose doing, in words, the books then, and the answer."""

    kind: str
    words: str
    books: Books
    reply: object
    late: Call | None = None
    """The request itself, if it is still on its way."""


def find(books: Books, number: str) -> Till | None:
    """Return the entry of a number."""
    return next((till for till in books if till.number == number), None)


def put(books: Books, till: Till) -> Books:
    """Return the books with this entry added or replaced."""
    return tuple(sorted((*(t for t in books if t.number != till.number), till)))


def outcomes(call: Call, books: Books, phase: Phase, faults: Faults) -> Iterator[Outcome]:
    """Yield all that may become of a call: it arrives, or its answer does not, or it does not."""
    honest = carry_out(call, books, phase)
    changes = honest.books != books
    yield honest
    if call.verb in faults.unavailable:
        yield Outcome("f", "not reached", books, UNAVAILABLE)
    if call.verb == "open" and call.verb in faults.refusals:
        # A repeat is refused too, whatever became of the first.
        yield Outcome("f", "refused", books, REFUSED)
    if call.verb == "refund" and changes:
        yield from _troubled_refund(call, books, faults)
    if faults.forgets and call.verb in {"query", "close"} and call.account == HOSTED:
        absent = Receipt(number=call.what.number, state=ReceiptState.NOT_FOUND)
        yield Outcome("f", "not found, although it is there", books, absent)
    if call.verb in faults.losses:
        yield Outcome("f", "lost", books, LOST)
        if call.verb == "open" and call.account == HOSTED:
            return  # its page was in that answer and nowhere else: it is as if it was never made
        if changes:
            yield Outcome("f", "done, answer lost", honest.books, LOST)
        again = call.verb == "refund" and call.account == HOSTED
        if call.verb in {"open", "close"} or again:
            yield Outcome("f", "given up, still on its way", books, LOST, call)


def _troubled_refund(call: Call, books: Books, faults: Faults) -> Iterator[Outcome]:
    """Yield what else may become of a refund that is new to its provider."""
    if faults.slow_refunds:
        accepted = _refunded(call, books, Fate.PENDING)
        yield accepted
        if call.verb in faults.losses:
            yield Outcome("f", "accepted, answer lost", accepted.books, LOST)
    if call.verb in faults.refusals:
        yield _refunded(call, books, Fate.REFUSED)


def carry_out(call: Call, books: Books, phase: Phase) -> Outcome:
    """Let the provider do what it is asked, and answer."""
    if isinstance(call.what, RefundOrder):
        return _refund(call, books, call.what)
    if call.verb == "open":
        return _open(call.account, books, find(books, call.what.number), call.what, phase)
    if call.account == HOSTED:
        assert call.what.reference, "asked by no id"
    till = find(books, name_in_books(call.what.number, call.what.reference))
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
    paid = till if till is not None and state is ReceiptState.PAID else None
    back = None if paid is None or paid.reference is None else paid.given_back
    receipt = Receipt(
        number=call.what.number,
        state=state,
        amount=None if paid is None else PRICE,
        provider_trade_no=None if paid is None else paid.trade_no,
        captures=() if paid is None else _captures(paid, books),
        refunded=None if back is None else Money(PRICE.minor * back, "CNY"),
    )
    return Outcome("s", str(state), books, receipt)


def _captures(paid: Till, books: Books) -> tuple[Capture, ...]:
    """List all captures of an order, where there may be several."""
    its = (till for till in books if till.reference == paid.reference and till.trade_no)
    return tuple(Capture(till.trade_no, PRICE) for till in its if till.trade_no is not None)


def _open(account: str, books: Books, till: Till | None, charge: Charge, phase: Phase) -> Outcome:
    page = Outcome("s", "page", books, Opened(QrPage(charge.number)))
    if till is None or account == HOSTED:
        if not takes_money(phase):
            return _no(books, Refusal.REJECTED, "EXPIRED")
        first = Till(charge.number, account, Trade.OPEN if account in _AT_ONCE else Trade.LATENT)
        made = first if till is None else till.again
        known = find(books, made.number)  # how many more there are is no matter
        opened = Opened(QrPage(made.number), made.reference)
        return page._replace(books=put(books, known or made), reply=opened)
    if account not in _AT_ONCE or till.state is Trade.OPEN:
        return page
    if till.state is Trade.PAID:
        return _no(books, Refusal.ALREADY_PAID, "ORDERPAID")
    return _no(books, Refusal.NEW_NUMBER, "ORDER_CLOSED")


def _no(books: Books, refusal: Refusal, code: str) -> Outcome:
    return Outcome("s", code, books, ProviderRefused(refusal, provider_code=code))


def _refund(call: Call, books: Books, order: RefundOrder) -> Outcome:
    till = find(books, _name_of(order))
    assert till is not None, "a refund is for money that came"
    fate = till.fate_of(order.number)
    if call.verb == "refund" and till.fate_of(f"{CONSOLE}{till.number}") is Fate.DONE:
        return Outcome("s", "refused, nothing is left", books, REFUSED)
    if call.verb == "refund" and fate in {None, Fate.DONE}:
        # Another number is another refund: this provider has no cap, so that none is relied on.
        again = call.account == HOSTED or order.number == RANDOM
        known = "AGAIN" * (fate is Fate.DONE) if again else ""
        books = put(books, till.with_fate(order.number + known, Fate.DONE))
        fate = Fate.DONE
    if call.verb == "refund" and fate is Fate.REFUSED:
        return Outcome("s", "refused again", books, REFUSED)
    state = RefundReceiptState.NOT_FOUND if fate is None else _SAID_OF[fate]
    if order.number == RANDOM and call.verb == "query_refund":
        state = RefundReceiptState.NOT_FOUND
    amount = None if state is RefundReceiptState.NOT_FOUND else order.amount
    receipt = RefundReceipt(number=order.number, state=state, amount=amount)
    return Outcome("s", str(state), books, receipt)


def _name_of(order: RefundOrder) -> str:
    return name_in_books(order.charge_number, order.reference, order.provider_trade_no)


def whereabouts(call: Call) -> str:
    """Return what a request is about: a refund's money may be one of several captures."""
    return _name_of(call.what) if isinstance(call.what, RefundOrder) else call.account


def _refunded(call: Call, books: Books, fate: Fate) -> Outcome:
    """Accept a refund that is done later, or refuse it for good."""
    till = find(books, _name_of(call.what))
    assert till is not None
    books = put(books, till.with_fate(call.what.number, fate))
    if fate is Fate.REFUSED:
        return Outcome("f", "refused for good", books, REFUSED)
    state = RefundReceiptState.PENDING
    receipt = RefundReceipt(number=call.what.number, state=state, amount=call.what.amount)
    return Outcome("s", str(state), books, receipt)


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
