"""Sandbox: translates between our words and the sandbox gateway's; keeps nothing."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.money import Money
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    Opened,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
)
from retender.plugins.sandbox.asks import Ask, ask_to_json, packed, text_in, whole_in
from retender.plugins.sandbox.codes import MEANING, OK, REFUND_UNKNOWN, TRADE_UNKNOWN
from retender.plugins.sandbox.outcomes import Outcome, outcome_of
from retender.plugins.sandbox.terms import QR_VALIDITY, TERMS
from retender.plugins.sandbox.wire import (
    MERCHANT_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    decoded,
    encoded,
    instant,
    proves,
    signature_of,
    signed_headers,
)
from retender.ports.clock import Clock
from retender.ports.payment_provider import (
    Acknowledgement,
    BillLine,
    Notice,
    ProviderTerms,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.ports.transport import Request, Response, Transport

log = logging.getLogger(__name__)

NOTICE_WINDOW: Final = timedelta(minutes=5)
HEARD: Final = Acknowledgement(200, b"ok")
AGAIN: Final = Acknowledgement(400, b"again")

_STATES = {
    "OPEN": ReceiptState.OPEN,
    "PAID": ReceiptState.PAID,
    "CLOSED": ReceiptState.CLOSED,
}
_REFUND_STATES = {
    "PENDING": RefundReceiptState.PENDING,
    "DONE": RefundReceiptState.DONE,
    "FAILED": RefundReceiptState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """
    A provider that moves no money, whose amounts choose the outcome.

    Attributes:
        base_url: where the gateway is.
        merchant: who we are there.
        secret: signs what both sides say.
        transport: the way there, or a ``SandboxGateway`` in this process.
        clock: what time it is.

    """

    base_url: str
    merchant: str
    secret: str = field(repr=False)
    transport: Transport = field(repr=False)
    clock: Clock = field(repr=False)

    @property
    def terms(self) -> ProviderTerms:
        """What it offers."""
        return TERMS

    async def open(self, charge: Charge) -> Opened:
        """Make the trade and dress its ticket as the wanted page; a QR code needs no call."""
        ask = _ask(charge)
        if charge.page_kind is PageKind.QR:
            letters = packed(ask, self.clock() + QR_VALIDITY)
            sign = signature_of(self.secret, "scan", letters)
            return Opened(QrPage(f"{self.base_url}/scan?ask={quote(letters)}&sign={sign}"))
        if outcome_of(ask.minor) is Outcome.UNAVAILABLE:
            raise ProviderUnavailable("The sandbox is not reached with such an amount.")
        said = await self._ask("open", ask_to_json(ask))
        return Opened(self._page(charge.page_kind, _or_uncertain(said, "ticket")))

    def _page(self, kind: PageKind, ticket: str) -> Page:
        address = f"{self.base_url}/pay"
        match kind:
            case PageKind.FORM:
                return FormPage(address, (("ticket", ticket),))
            case PageKind.APP_STRING:
                return AppStringPage(f"sandbox://pay?ticket={ticket}")
            case PageKind.JSAPI:
                return JsapiPage((("ticket", ticket), ("merchant", self.merchant)))
            case _:
                return RedirectPage(f"{address}?ticket={ticket}")

    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of the charge."""
        return await self._trade("query", charge)

    async def close(self, charge: Charge) -> Receipt:
        """Ask that the charge take no money any more."""
        return await self._trade("close", charge)

    async def _trade(self, operation: str, charge: Charge) -> Receipt:
        try:
            said = await self._ask(operation, {"number": charge.number})
        except ProviderRefused as no:
            if no.provider_code != TRADE_UNKNOWN:
                raise
            return Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)
        try:
            return _receipt(said, self.merchant, self.merchant)
        except (KeyError, ValueError):
            raise _unreadable(operation) from None

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Give money back."""
        message = {
            "number": order.charge_number,
            "refund_number": order.number,
            "minor": order.amount.minor,
            "reason": order.reason,
        }
        return self._refund_receipt("refund", order, await self._ask("refund", message))

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund."""
        message = {"number": order.charge_number, "refund_number": order.number}
        try:
            said = await self._ask("query_refund", message)
        except ProviderRefused as no:
            if no.provider_code not in {TRADE_UNKNOWN, REFUND_UNKNOWN}:
                raise
            return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)
        return self._refund_receipt("query_refund", order, said)

    def _refund_receipt(
        self, operation: str, order: RefundOrder, said: Mapping[str, object]
    ) -> RefundReceipt:
        try:
            return _refund(said, order.amount.currency)
        except (KeyError, ValueError):
            raise _unreadable(operation) from None

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Prove the sender by the signature over time and body, then read it."""
        body = self._proven(raw)
        try:
            said = decoded(body)
            merchant = text_in(said, "merchant")
            refund = _refund(said, None) if "refund_number" in said else None
            receipt = None if refund else _receipt(said, self.merchant, merchant)
            event = text_in(said, "event")
        except (KeyError, ValueError):
            raise NoticeRejected(
                NoticeProblem.MALFORMED, "The notice is signed, and makes no sense."
            ) from None
        return Notice(
            event_key=event, receipt=receipt, refund=refund, about=event.rpartition(".")[2]
        )

    def _proven(self, raw: RawNotice) -> str:
        try:
            body = raw.body.decode()
        except UnicodeDecodeError:
            raise NoticeRejected(NoticeProblem.NOT_TEXT, "The notice is not UTF-8.") from None
        if not raw.headers.get(SIGNATURE_HEADER):
            raise NoticeRejected(NoticeProblem.UNSIGNED, "The notice bears no signature.")
        if not proves(self.secret, "notice", raw.headers, body):
            raise NoticeRejected(
                NoticeProblem.SIGNATURE_WRONG, "The notice is not signed with our secret."
            )
        try:
            signed_at = instant(raw.headers[TIME_HEADER])
        except ValueError:
            raise NoticeRejected(NoticeProblem.MALFORMED, "The notice bears no time.") from None
        if abs(raw.received_at - signed_at) > NOTICE_WINDOW:
            raise NoticeRejected(NoticeProblem.STALE, "The notice was signed at another time.")
        return body

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say "ok", or "again"."""
        return HEARD if problem is None else AGAIN

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Say that there are no bills."""
        raise ProviderRefused(
            Refusal.REJECTED, provider_code="NO_BILLS", provider_message=f"not of {day} either"
        )

    # --- the one way out ----------------------------------------------------------------

    async def _ask(self, operation: str, message: Mapping[str, object]) -> Mapping[str, object]:
        """Sign, send, prove the answer, read it, and turn its code into what it means."""
        body = encoded(message)
        headers = signed_headers(self.secret, f"ask {operation}", self.clock(), body)
        answer = await self.transport(
            Request(
                operation=operation,
                method="POST",
                url=f"{self.base_url}/v1/{operation}",
                headers={**headers, MERCHANT_HEADER: self.merchant},
                body=body.encode(),
            )
        )
        said = self._believed(operation, answer)
        code = said.get("code")
        if code == OK:
            if said.get("number") != message["number"]:
                raise _unreadable(operation)
            return said
        refusal = MEANING.get(code) if isinstance(code, str) else None
        if refusal is None or not isinstance(code, str):
            log.warning("the sandbox answered %s with a code that stands in no table", operation)
            raise ProviderUncertain(
                "The sandbox answered with an unknown code.", operation=operation
            )
        raise ProviderRefused(
            refusal, provider_code=code, provider_message=str(said.get("message", ""))
        )

    def _believed(self, operation: str, answer: Response) -> Mapping[str, object]:
        try:
            body = answer.body.decode()
            if proves(self.secret, f"answer {operation}", answer.headers, body):
                return decoded(body)
        except ValueError:
            raise _unreadable(operation) from None
        raise _unreadable(operation)


def _ask(charge: Charge) -> Ask:
    return Ask(
        number=charge.number,
        minor=charge.amount.minor,
        currency=charge.amount.currency,
        subject=charge.subject,
        product=TERMS.page_for(charge).product,
        openid=charge.payer.openid or "",
        instalments=charge.instalments or 1,
        expires_at=charge.expires_at,
        notify_url=charge.notify_url,
    )


def _receipt(said: Mapping[str, object], ours: str, merchant: str) -> Receipt:
    state = _STATES[text_in(said, "state")]
    paid = state is ReceiptState.PAID
    return Receipt(
        number=text_in(said, "number"),
        state=state,
        amount=Money(whole_in(said, "minor"), text_in(said, "currency")) if paid else None,
        provider_trade_no=text_in(said, "trade_no"),
        captured_at=instant(text_in(said, "captured_at")) if paid else None,
        foreign=None if merchant == ours else "another merchant",
    )


def _refund(said: Mapping[str, object], currency: str | None) -> RefundReceipt:
    state = _REFUND_STATES[text_in(said, "state")]
    failed = state is RefundReceiptState.FAILED
    return RefundReceipt(
        number=text_in(said, "refund_number"),
        state=state,
        amount=Money(whole_in(said, "minor"), currency) if currency else None,
        problem="refunds of such an amount fail" if failed else None,
    )


def _or_uncertain(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise _unreadable("open")
    return value


def _unreadable(operation: str) -> ProviderUncertain:
    return ProviderUncertain(
        "The sandbox's answer is not signed by it, or makes no sense.", operation=operation
    )
