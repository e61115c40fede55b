"""Alipay as a payment provider: our words into its methods, its answers into our receipts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import (
    AmountInvalid,
    NoticeRejected,
    ProviderUncertain,
)
from retender.domain.model.money import Money
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    Opened,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
)
from retender.plugins.alipay.beijing import beijing_text, from_beijing
from retender.plugins.alipay.bills import MalformedBill, read_bill
from retender.plugins.alipay.codes import (
    BILL_CODES,
    CLOSE_CODES,
    PAY_CODES,
    QUERY_CODES,
    REFUND_CODES,
    REFUND_QUERY_CODES,
    TRADE_STATES,
    Doubt,
)
from retender.plugins.alipay.configuration import Configuration
from retender.plugins.alipay.gateway_client import GatewayClient
from retender.plugins.alipay.notices import prove, read_notice
from retender.plugins.alipay.signing import Answer
from retender.plugins.alipay.terms import (
    APP_PAY,
    PAGE_PAY,
    PRECREATE,
    WAP_PAY,
    terms_of_account,
)
from retender.plugins.text_limit import TextLimit
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
from retender.ports.transport import Transport

QUERY: Final = "alipay.trade.query"
CLOSE: Final = "alipay.trade.close"
REFUND: Final = "alipay.trade.refund"
REFUND_QUERY: Final = "alipay.trade.fastpay.refund.query"
BILL: Final = "alipay.data.dataservice.bill.downloadurl.query"

LIMITS: Mapping[str, TextLimit] = {"subject": TextLimit(256), "refund_reason": TextLimit(256)}
"""What the gateway takes of texts, in characters; a longer one would be refused."""
_MERCHANT_ORDER_MAX = 32
_URL_MAX = 256

# Alipay refuses these in a subject. Their full-width twins read the same.
_FORBIDDEN = str.maketrans({"/": "\uff0f", "=": "\uff1d", "&": "\uff06"})


class Alipay:
    """
    One account at Alipay; see ``PaymentProvider``.

    Pages for browsers and apps are made here, without a call: they are signed
    requests that the payer's side carries to Alipay. So Alipay hears of a charge
    only when the payer acts on its page, and until then there is nothing to
    query or to close: the absolute ``time_expire`` alone bounds such a page.

    A subject is shown as given, but for ``/``, ``=`` and ``&``, which Alipay
    forbids: the payer reads their full-width twins.
    """

    def __init__(self, configuration: Configuration, transport: Transport, clock: Clock) -> None:
        """Send nothing yet."""
        self._configuration = configuration
        self._credentials = configuration.credentials
        self._client = GatewayClient(self._credentials, configuration.gateway, transport, clock)
        self._terms = terms_of_account(configuration.instalments)

    def __repr__(self) -> str:
        """Name the app, which is no secret."""
        return f"Alipay(app_id={self._credentials.app_id!r})"

    @property
    def terms(self) -> ProviderTerms:
        """What this account offers."""
        return self._terms

    @property
    def unknown(self) -> Mapping[str, int]:
        """How often each word came that stands in no table; for operators."""
        return self._client.unknown

    # --- asking for payment ---

    async def open(self, charge: Charge) -> Opened:
        """Sign a page; only a QR code takes a call."""
        return Opened(await self._page(charge))

    async def _page(self, charge: Charge) -> Page:
        method = self._terms.page_for(charge).product
        content = self._content(method, charge)
        notify_url = charge.notify_url
        if method == PRECREATE:
            answer = await self._client.ask(
                "open", method, content, PAY_CODES, notify_url=notify_url
            )
            _check_about(answer, "out_trade_no", charge.number)
            return QrPage(_required(answer, "qr_code"))
        return_url = charge.return_url if method in {PAGE_PAY, WAP_PAY} else None
        parameters = self._client.signed(
            method, content, notify_url=notify_url, return_url=return_url
        )
        if charge.page_kind is PageKind.APP_STRING:
            return AppStringPage(urlencode(parameters))
        if charge.page_kind is PageKind.REDIRECT:
            return RedirectPage(self._client.address(parameters))
        fields = (("biz_content", parameters.pop("biz_content")),)
        return FormPage(self._client.address(parameters), fields)

    def _content(self, method: str, charge: Charge) -> dict[str, object]:
        """Say what is to be paid; the same charge always says the same."""
        content: dict[str, object] = {
            "out_trade_no": charge.number,
            "product_code": self._product_code(method),
            "subject": LIMITS["subject"].cut(charge.subject.translate(_FORBIDDEN)),
            # Absolute: a relative one would count from whenever the payer acts.
            "time_expire": beijing_text(charge.expires_at),
            "total_amount": charge.amount.decimal(),
        }
        if len(charge.order_no) <= _MERCHANT_ORDER_MAX:
            content["merchant_order_no"] = charge.order_no
        if charge.instalments:
            content["extend_params"] = {
                "hb_fq_num": str(charge.instalments),
                "hb_fq_seller_percent": self._configuration.seller_percent,
            }
        back = charge.return_url
        if method == WAP_PAY and back and len(back) <= _URL_MAX:
            content["quit_url"] = back
        return content

    def _product_code(self, method: str) -> str:
        return {
            PAGE_PAY: "FAST_INSTANT_TRADE_PAY",
            WAP_PAY: "QUICK_WAP_WAY",
            APP_PAY: "QUICK_MSECURITY_PAY",
            PRECREATE: self._configuration.qr_product_code,
        }[method]

    # --- asking what became of it ---

    async def query(self, charge: Charge) -> Receipt:
        """Ask for the trade; without one nothing is known, least of all that it is dead."""
        content = {"out_trade_no": charge.number}
        answer = await self._client.look("query", QUERY, content, QUERY_CODES)
        if isinstance(answer, Doubt):
            return Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)
        _check_about(answer, "out_trade_no", charge.number)
        status = _required(answer, "trade_status")
        state = TRADE_STATES.get(status)
        if state is None:
            raise self._client.quarantined("trade_status", status)
        paid_at = _time(answer.get("send_pay_date"))
        given_back = state is ReceiptState.CLOSED and bool(answer.get("send_pay_date"))
        if given_back:
            # Paid once and fully given back: closed now, but it did take the money.
            state = ReceiptState.PAID
        paid = state is ReceiptState.PAID
        return Receipt(
            number=charge.number,
            state=state,
            amount=_amount(answer) if paid else None,
            provider_trade_no=answer.get("trade_no") or None,
            captured_at=paid_at if paid else None,
            refunded=_amount(answer) if given_back else None,
        )

    async def close(self, charge: Charge) -> Receipt:
        """Close the trade, if there is one; an answer that it is too late is looked into."""
        content = {"out_trade_no": charge.number}
        answer = await self._client.look("close", CLOSE, content, CLOSE_CODES)
        if answer is Doubt.NO_TRADE:
            return Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)
        if isinstance(answer, Doubt):
            return await self.query(charge)
        _check_about(answer, "out_trade_no", charge.number)
        return Receipt(
            number=charge.number,
            state=ReceiptState.CLOSED,
            provider_trade_no=answer.get("trade_no") or None,
        )

    # --- giving back ---

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """
        Give back; Alipay answers with the result.

        ``fund_change`` Y is the only yes. Anything else under a success (a repeat,
        for one) says no more than that the call was understood, so the refund
        itself is asked for.
        """
        content = {
            "out_trade_no": order.charge_number,
            "out_request_no": order.number,
            "refund_amount": order.amount.decimal(),
            "refund_reason": LIMITS["refund_reason"].cut(order.reason),
        }
        answer = await self._client.ask("refund", REFUND, content, REFUND_CODES)
        _check_about(answer, "out_trade_no", order.charge_number)
        if answer.get("fund_change") == "Y":
            return RefundReceipt(
                number=order.number, state=RefundReceiptState.DONE, amount=order.amount
            )
        receipt = await self.query_refund(order)
        if receipt.state is RefundReceiptState.DONE:
            return receipt
        raise ProviderUncertain("Alipay accepted the refund and tells of no result.")

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask for the refund; an answer that does not name it says that there is none."""
        content = {"out_trade_no": order.charge_number, "out_request_no": order.number}
        answer = await self._client.look("query_refund", REFUND_QUERY, content, REFUND_QUERY_CODES)
        if isinstance(answer, Doubt) or "refund_status" not in answer.fields:
            return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)
        _check_about(answer, "out_request_no", order.number)
        status = _required(answer, "refund_status")
        if status != "REFUND_SUCCESS":
            raise self._client.quarantined("refund_status", status)
        return RefundReceipt(
            number=order.number,
            state=RefundReceiptState.DONE,
            amount=_amount(answer, "refund_amount"),
        )

    # --- being told ---

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Prove and read a notice; Alipay signs no time, so a late one is as good as any."""
        fields = prove(raw.body, self._credentials)
        notice = read_notice(
            fields, app_id=self._credentials.app_id, seller_id=self._configuration.seller_id
        )
        if notice is None:
            raise self._client.quarantined("trade_status", fields["trade_status"])
        return notice

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say the seven characters that stop Alipay, or anything else."""
        if problem is None:
            return Acknowledgement(200, b"success")
        return Acknowledgement(400, b"failure")

    # --- keeping books ---

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Fetch a past day's bill; the link that Alipay gives works for half a minute."""
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        answer = await self._client.ask("fetch_bill", BILL, content, BILL_CODES)
        url = _required(answer, "bill_download_url")
        packed = await self._client.download("download_bill", url)
        try:
            return read_bill(packed)
        except MalformedBill as trouble:
            raise ProviderUncertain(f"Alipay's bill of {day}: {trouble}.") from trouble


def _required(answer: Answer, name: str) -> str:
    """Return a field without which the answer says nothing."""
    value = answer.get(name)
    if value is None:
        raise ProviderUncertain(f"Alipay's answer has no {name}.")
    return value


def _check_about(answer: Answer, name: str, expected: str) -> None:
    """Refuse to read a well-signed answer that is about something else."""
    if answer.get(name) != expected:
        raise ProviderUncertain(f"Alipay's answer is about another {name}.")


def _amount(answer: Answer, name: str = "total_amount") -> Money:
    try:
        return Money.parse(answer.get(name) or "", "CNY")
    except AmountInvalid as trouble:
        raise ProviderUncertain(f"Alipay's answer has no {name}.") from trouble


def _time(text: str | None) -> datetime | None:
    try:
        return from_beijing(text) if text else None
    except ValueError:
        return None
