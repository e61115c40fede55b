"""A payment provider of our own for the core's tests: every turn of events can be dialled."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderError,
    ProviderRefused,
    Refusal,
)
from retender.domain.model.money import Money
from retender.domain.model.page import Opened, PageKind, QrPage, RedirectPage
from retender.ports.payment_provider import (
    Acknowledgement,
    AmountBounds,
    BillLine,
    Capture,
    ClosePower,
    Notice,
    PageTerms,
    PayerNeed,
    ProviderTerms,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
    RefundTerms,
)

Hook = Callable[[], Awaitable[None]]


@dataclass
class Trade:
    """What the gateway holds under one number."""

    charge: Charge
    state: ReceiptState
    refunds: dict[str, Money] = field(default_factory=dict)


@dataclass
class Gateway:
    """
    An honest gateway, unless told otherwise.

    ``eager`` ones make the trade with the page (as WeChat Pay does), lazy ones
    when the payer acts (as Alipay's pages do); then "not found" proves nothing.
    ``own_ids`` ones are asked by an id of their own, which stands in the answer to ``open``
    and, if ``names_number`` is off, is all that they ever name again. ``own_refund_ids`` ones
    do so of refunds: whoever had an answer to one asks by its id.
    """

    name: str
    clock: Callable[[], datetime]
    no_transaction: Callable[[], bool]
    power: ClosePower = ClosePower.AUTHORITATIVE
    reopens: bool = True
    needs: frozenset[PayerNeed] = frozenset()
    bound_to: frozenset[PayerNeed] = frozenset({PayerNeed.OPENID})
    validity: timedelta | None = timedelta(hours=2)
    refund_terms: RefundTerms = field(default_factory=RefundTerms)
    shortest: timedelta = timedelta(minutes=1)
    instalments: tuple[int, ...] = (3, 6)
    amounts: dict[str, AmountBounds] = field(
        default_factory=lambda: {"CNY": AmountBounds(largest=10_000_000)}
    )
    trades: dict[str, Trade] = field(default_factory=dict)
    pages: dict[str, Charge] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    trouble: dict[str, list[ProviderError]] = field(default_factory=dict)
    trouble_after: dict[str, list[ProviderError]] = field(default_factory=dict)
    meanwhile: dict[str, list[Hook]] = field(default_factory=dict)
    pending_refunds: bool = False
    failing_refunds: bool = False
    own_ids: bool = False
    own_refund_ids: bool = False
    asked_refunds: list[str | None] = field(default_factory=list)
    names_number: bool = True
    orphan_payable: bool = True
    made_here: bool = False
    forgets: bool = False
    tells_totals: bool = False
    trade_no_is_capture: bool = False
    by_hand: dict[str, int] = field(default_factory=dict)
    further: dict[str, list[str]] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    refunded_trades: list[str | None] = field(default_factory=list)
    foreign: str | None = None
    amount_lie: Money | None = None
    refund_lie: Money | None = None

    @property
    def terms(self) -> ProviderTerms:
        def page(kind: PageKind, *devices: Device) -> PageTerms:
            return PageTerms(
                kind=kind,
                devices=frozenset(devices),
                product=f"{self.name}.{kind}",
                needs=self.needs,
                bound_to=self.bound_to,
                validity=self.validity,
                reopens=self.reopens,
                close=self.power,
                orphan_payable=self.orphan_payable,
                made_here=self.made_here,
            )

        return ProviderTerms(
            provider=self.name,
            title=self.name.title(),
            pages=(page(PageKind.QR, Device.SCREEN), page(PageKind.REDIRECT, Device.PHONE)),
            currencies=frozenset(self.amounts),
            amounts=self.amounts,
            expiry=ExpiryTerms(shortest=self.shortest),
            refunds=self.refund_terms,
            instalments=self.instalments,
            asked_by_number=not self.own_ids,
            trade_no_is_capture=self.trade_no_is_capture,
        )

    # --- what a test dials -----------------------------------------------------------

    def fail(self, verb: str, *errors: ProviderError, after_effect: bool = False) -> None:
        """Answer the next calls of a verb with these errors, before or after doing it."""
        (self.trouble_after if after_effect else self.trouble).setdefault(verb, []).extend(errors)

    def during(self, verb: str, hook: Hook) -> None:
        """Let something happen while the next call of this verb is on its way."""
        self.meanwhile.setdefault(verb, []).append(hook)

    def pay(self, number: str) -> RawNotice:
        """Let the payer pay on the page of this number, and return the notice of it."""
        charge = self.pages[number]
        assert self.clock() < charge.expires_at, "the provider refuses: expired"
        trade = self.trades.setdefault(number, Trade(charge, ReceiptState.OPEN))
        assert trade.state is ReceiptState.OPEN, f"the provider refuses: {trade.state}"
        trade.state = ReceiptState.PAID
        return self.notice(number)

    def begin(self, number: str) -> None:
        """Let the payer scan or log in without paying: from now on a trade exists."""
        self.trades.setdefault(number, Trade(self.pages[number], ReceiptState.OPEN))

    def is_payable(self, number: str) -> bool:
        """Whether a payer could pay this number now."""
        trade = self.trades.get(number)
        open_now = number in self.pages if trade is None else trade.state is ReceiptState.OPEN
        return open_now and self.clock() < self.pages[number].expires_at

    def notice(self, number: str, key: str | None = None) -> RawNotice:
        """Sign a notice about this number."""
        body = {"key": key or f"paid-{number}", "number": number, "sign": "good"}
        return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=self.clock())

    def kept(self) -> dict[str, int]:
        """Return what was taken and not given back, by number."""
        return {
            number: trade.charge.amount.minor
            - sum(r.minor for r in trade.refunds.values())
            - self.by_hand.get(number, 0)
            + trade.charge.amount.minor * len(self.further.get(number, ()))
            for number, trade in self.trades.items()
            if trade.state is ReceiptState.PAID
        }

    # --- the port --------------------------------------------------------------------

    async def _arrive(self, verb: str, what: str) -> None:
        assert self.no_transaction(), f"a transaction is open across {verb}"
        self.calls.append(f"{verb} {what}")
        for hook in self.meanwhile.pop(verb, []):
            await hook()
        if self.trouble.get(verb):
            raise self.trouble[verb].pop(0)

    def _leave(self, verb: str) -> None:
        if self.trouble_after.get(verb):
            raise self.trouble_after[verb].pop(0)

    def reference_of(self, number: str) -> str | None:
        return f"theirs-{number}" if self.own_ids else None

    def _know(self, charge: Charge) -> None:
        assert charge.reference == self.reference_of(charge.number), "asked by another id"

    async def open(self, charge: Charge) -> Opened:
        await self._arrive("open", charge.number)
        charge = replace(charge, reference=None)
        earlier = self.pages.setdefault(charge.number, charge)
        assert earlier == charge, "a number was sent again with other parameters"
        if self.power is ClosePower.AUTHORITATIVE:
            self.trades.setdefault(charge.number, Trade(charge, ReceiptState.OPEN))
        self._leave("open")
        count = sum(call == f"open {charge.number}" for call in self.calls)
        content = f"{self.name}:{charge.number}:{count}"
        page = QrPage(content) if charge.page_kind is PageKind.QR else RedirectPage(content)
        return Opened(page, self.reference_of(charge.number))

    async def query(self, charge: Charge) -> Receipt:
        await self._arrive("query", charge.number)
        self._know(charge)
        receipt = self._receipt(charge.number)
        self._leave("query")
        return receipt

    async def close(self, charge: Charge) -> Receipt:
        await self._arrive("close", charge.number)
        self._know(charge)
        trade = self.trades.get(charge.number)
        if trade is not None and trade.state is ReceiptState.OPEN:
            trade.state = ReceiptState.CLOSED
        receipt = self._receipt(charge.number)
        self._leave("close")
        return receipt

    def _receipt(self, number: str) -> Receipt:
        trade = None if self.forgets else self.trades.get(number)
        state = ReceiptState.NOT_FOUND if trade is None else trade.state
        paid = trade is not None and state is ReceiptState.PAID
        return Receipt(
            number=number if self.names_number else None,
            reference=self.reference_of(number),
            state=state,
            amount=(self.amount_lie or trade.charge.amount) if paid and trade else None,
            provider_trade_no=f"T{number}" if trade is not None else None,
            foreign=self.foreign,
            refunded=self._total(trade) if paid and trade and self.tells_totals else None,
            captures=self._captures(trade) if paid and trade else (),
        )

    def _captures(self, trade: Trade) -> tuple[Capture, ...]:
        """List every capture, if a test said what was taken once more."""
        number = trade.charge.number
        if number not in self.further:
            return ()
        return tuple(
            Capture(no, trade.charge.amount) for no in (f"T{number}", *self.further[number])
        )

    def _total(self, trade: Trade) -> Money:
        ours = sum(refund.minor for refund in trade.refunds.values())
        return Money(ours + self.by_hand.get(trade.charge.number, 0), "CNY")

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        await self._arrive("refund", order.number)
        left = self.trades[order.charge_number].charge.amount.minor
        left *= 1 + len(self.further.get(order.charge_number, ()))
        left -= self.by_hand.get(order.charge_number, 0)
        if self.failing_refunds or order.amount.minor > left:
            raise ProviderRefused(Refusal.REJECTED, provider_code="NO_REFUNDS")
        trade = self.trades[order.charge_number]
        already = sum(r.minor for n, r in trade.refunds.items() if n != order.number)
        assert already + order.amount.minor <= left, "refunded too much"
        assert trade.refunds.setdefault(order.number, order.amount) == order.amount
        self.refunded_trades.append(order.provider_trade_no)
        self._leave("refund")
        return self._refund_receipt(order)

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        await self._arrive("query_refund", order.number)
        self.asked_refunds.append(order.provider_refund_no)
        assert order.provider_refund_no or self.refund_terms.asked_by_number, "asked by no name"
        receipt = self._refund_receipt(order)
        self._leave("query_refund")
        return receipt

    def _refund_receipt(self, order: RefundOrder) -> RefundReceipt:
        amount = self.trades[order.charge_number].refunds.get(order.number)
        if amount is None:
            return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)
        state = RefundReceiptState.PENDING if self.pending_refunds else RefundReceiptState.DONE
        if order.number in self.reversed:
            state = RefundReceiptState.FAILED
        its = f"refund-{order.number}" if self.own_refund_ids else None
        return RefundReceipt(
            number=order.number,
            state=state,
            amount=self.refund_lie or amount,
            provider_refund_no=its,
        )

    async def parse_notice(self, raw: RawNotice) -> Notice:
        body = json.loads(raw.body)
        if body.get("sign") != "good":
            raise NoticeRejected(NoticeProblem.SIGNATURE_WRONG, "The signature is wrong.")
        if "refund" in body:
            receipt = RefundReceipt(
                number=body["refund"],
                state=RefundReceiptState(body.get("state", "done")),
                amount=Money(body["minor"], "CNY") if "minor" in body else None,
                charge_number=body.get("number"),
                provider_refund_no=f"refund-{body['refund']}" if self.own_refund_ids else None,
            )
            if body.get("both"):
                told = self._receipt(body["number"])
                return Notice(event_key=body["key"], receipt=told, refund=receipt, about="both")
            return Notice(event_key=body["key"], refund=receipt, about="refund")
        if body["number"] not in self.trades:
            unknown = Receipt(
                number=body["number"], state=ReceiptState.PAID, amount=Money(1, "CNY")
            )
            return Notice(event_key=body["key"], receipt=unknown)
        told = self._receipt(body["number"])
        if "trade_no" in body:
            told = replace(told, provider_trade_no=body["trade_no"])
        return Notice(event_key=body["key"], receipt=told, about="paid")

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        return Acknowledgement(200, b"ok") if problem is None else Acknowledgement(400, b"no")

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        raise ProviderRefused(Refusal.REJECTED, provider_code="NO_BILL", provider_message=str(day))
