"""WeChatPay as a PaymentProvider: pure translation, nothing stored, nothing decided."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import quote

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import (
    NoticeProblem,
    NoticeRejected,
    ProviderError,
    ProviderUncertain,
    Refusal,
)
from retender.domain.model.page import (
    AppStringPage,
    JsapiPage,
    Opened,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
)
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.wechat_pay.bill import BadBill, read_bill
from retender.plugins.wechat_pay.codes import (
    BILL,
    CLOSE,
    PREPAY,
    PREPAY_REASONS,
    QUERY,
    REFUND,
    REFUND_QUERY,
)
from retender.plugins.wechat_pay.credentials import Credentials
from retender.plugins.wechat_pay.gateway_client import NONCE_LENGTH, Answer, GatewayClient, refused
from retender.plugins.wechat_pay.messages import (
    PRODUCTS,
    UnknownWord,
    Unreadable,
    prepay_body,
    read_refund,
    read_transaction,
    refund_body,
)
from retender.plugins.wechat_pay.signing import NotProven, Proof, decrypt
from retender.plugins.wechat_pay.terms import TERMS
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
from retender.ports.secret_proof import SecretProof, SecretState

NOTICE_MOST = 64 * 1024

_NO_CONTENT = 204
_NOT_FOUND = 404


class WechatPay:
    """
    WeChat Pay API v3 for a direct merchant; see ``PaymentProvider``.

    Errors of the gateway bear no signature. They are acted on all the same,
    each only where a lie could cost no money; ``codes`` says why.
    """

    def __init__(self, credentials: Credentials, context: ProviderContext) -> None:
        """Act as the merchant of these credentials; send nothing yet."""
        self._credentials = credentials
        self._context = context
        self._client = GatewayClient(credentials, context)

    @property
    def terms(self) -> ProviderTerms:
        """What this account offers."""
        return TERMS

    @property
    def quarantined(self) -> Mapping[str, int]:
        """How often each code that stands in no table was heard."""
        return self._client.quarantined

    async def open(self, charge: Charge) -> Opened:
        """Order, or order again with the very same words: either gives a fresh page."""
        product = PRODUCTS[self.terms.page_for(charge).kind]
        body = prepay_body(charge, self._credentials)
        answer = await self._client.ask("open", "POST", f"/v3/pay/transactions/{product}", body)
        if answer.is_success:
            return Opened(self._page(charge, answer))
        meaning = PREPAY_REASONS.get(answer.reason) or PREPAY.get(answer.code)
        self._client.judge("open", answer, meaning)
        raise refused(await self._why(charge), answer)

    async def _why(self, charge: Charge) -> Refusal:
        """Find out what a refusal that may mean several things means for this number."""
        try:
            receipt = await self.query(charge)
        except ProviderError:
            # The no was clear, only its reason is not: nothing was done.
            return Refusal.NOT_NOW
        return {
            ReceiptState.NOT_FOUND: Refusal.REJECTED,
            ReceiptState.OPEN: Refusal.NEW_NUMBER,
            ReceiptState.CLOSED: Refusal.NEW_NUMBER,
            ReceiptState.PAID: Refusal.ALREADY_PAID,
        }[receipt.state]

    def _page(self, charge: Charge, answer: Answer) -> Page:
        match charge.page_kind, answer.body:
            case PageKind.QR, {"code_url": str(code_url)}:
                return QrPage(code_url)
            case PageKind.REDIRECT, {"h5_url": str(h5_url)}:
                # Nothing but this one parameter may be added to the link.
                back = charge.return_url
                return RedirectPage(f"{h5_url}&redirect_url={quote(back, '')}" if back else h5_url)
            case PageKind.APP_STRING, {"prepay_id": str(prepay_id)}:
                parameters = self._credentials.signer.app_parameters(
                    self._credentials.mobile_app_id,
                    prepay_id,
                    at=self._context.clock(),
                    nonce=self._context.random_text(NONCE_LENGTH),
                )
                return AppStringPage(json.dumps(parameters, separators=(",", ":")))
            case PageKind.JSAPI, {"prepay_id": str(prepay_id)}:
                return JsapiPage(
                    self._credentials.signer.jsapi_parameters(
                        self._credentials.app_id,
                        prepay_id,
                        at=self._context.clock(),
                        nonce=self._context.random_text(NONCE_LENGTH),
                    )
                )
            case _:
                raise ProviderUncertain("The answer to open holds no page.")

    async def query(self, charge: Charge) -> Receipt:
        """Ask by our number; theirs works only once it is paid."""
        mch_id = self._credentials.signer.mchid
        target = f"{self._order(charge)}?mchid={mch_id}"
        answer = await self._client.ask("query", "GET", target)
        if not answer.is_success:
            # Of all doubts only ABSENT comes back for a query.
            self._client.judge("query", answer, QUERY.get(answer.code))
            return Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)
        try:
            receipt = read_transaction(answer.body, self._credentials)
        except Unreadable as trouble:
            raise self._unreadable("query", trouble) from trouble
        if receipt.number != charge.number:
            raise ProviderUncertain("The answer to query speaks of another number.")
        return receipt

    async def close(self, charge: Charge) -> Receipt:
        """Close; if that is refused, the order itself says what is true now."""
        said = {"mchid": self._credentials.signer.mchid}
        answer = await self._client.ask("close", "POST", f"{self._order(charge)}/close", said)
        if answer.status == _NO_CONTENT:
            return Receipt(number=charge.number, state=ReceiptState.CLOSED)
        if answer.status == _NOT_FOUND:
            return Receipt(number=charge.number, state=ReceiptState.NOT_FOUND)
        if answer.is_success:
            raise ProviderUncertain("The answer to close is no answer to close.")
        self._client.judge("close", answer, CLOSE.get(answer.code))
        return await self.query(charge)

    def _order(self, charge: Charge) -> str:
        return f"/v3/pay/transactions/out-trade-no/{quote(charge.number, '')}"

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Give money back; if we are told to slow down, it may be under way: look."""
        answer = await self._client.ask(
            "refund", "POST", "/v3/refund/domestic/refunds", refund_body(order)
        )
        if answer.is_success:
            return self._refund_receipt("refund", order, answer)
        self._client.judge("refund", answer, REFUND.get(answer.code))
        receipt = await self.query_refund(order)
        if receipt.state is RefundReceiptState.NOT_FOUND:
            raise refused(Refusal.NOT_NOW, answer)
        return receipt

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Ask what became of a refund."""
        target = f"/v3/refund/domestic/refunds/{quote(order.number, '')}"
        answer = await self._client.ask("query_refund", "GET", target)
        if answer.is_success:
            return self._refund_receipt("query_refund", order, answer)
        self._client.judge("query_refund", answer, REFUND_QUERY.get(answer.code))
        return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)

    def _refund_receipt(self, operation: str, order: RefundOrder, answer: Answer) -> RefundReceipt:
        try:
            receipt = read_refund(answer.body)
        except Unreadable as trouble:
            raise self._unreadable(operation, trouble) from trouble
        if receipt.number != order.number:
            raise ProviderUncertain(f"The answer to {operation} speaks of another number.")
        return receipt

    def _unreadable(self, operation: str, trouble: Unreadable) -> ProviderUncertain:
        if isinstance(trouble, UnknownWord):
            return self._client.quarantine(operation, trouble.word)
        return ProviderUncertain(f"The answer to {operation} cannot be used: {trouble}.")

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Prove who sent the message, open it, read it."""
        if len(raw.body) > NOTICE_MOST:
            raise NoticeRejected(NoticeProblem.TOO_LARGE, f"more than {NOTICE_MOST} bytes")
        try:
            raw.body.decode("utf-8")
        except UnicodeDecodeError as trouble:
            raise NoticeRejected(NoticeProblem.NOT_TEXT, "not UTF-8") from trouble
        try:
            proof = Proof.of(raw.headers)
            proof.check_window(raw.received_at)
            proof.check(raw.body, await self._client.keys.key_for(proof.serial))
            return self._notice(_json_object(raw.body))
        except NotProven as trouble:
            raise NoticeRejected(trouble.problem, f"{trouble}") from trouble
        except Unreadable as trouble:
            if isinstance(trouble, UnknownWord):
                self._client.quarantine("notice", trouble.word)
            raise NoticeRejected(NoticeProblem.MALFORMED, f"{trouble}") from trouble

    def _notice(self, said: Mapping[str, object]) -> Notice:
        match said:
            case {"id": str(event_key), "event_type": str(about), "resource": dict(sealed)} if (
                event_key
            ):
                plain = _json_object(decrypt(sealed, self._credentials.api_v3_key))
            case _:
                raise Unreadable("it has not the form of a notice")
        match sealed.get("original_type"):
            case "transaction":
                receipt = read_transaction(plain, self._credentials)
                return Notice(event_key=event_key, receipt=receipt, about=about)
            case "refund":
                if plain.get("mchid") != self._credentials.signer.mchid:
                    raise Unreadable("it is about another merchant's refund")
                refund = read_refund(plain, word="refund_status")
                return Notice(event_key=event_key, refund=refund, about=about)
            case _:
                # Genuine, and about something that we did not ask for.
                return Notice(event_key=event_key, about=about)

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Answer nothing for "received", a JSON object for "send again"."""
        if problem is None:
            return Acknowledgement(_NO_CONTENT)
        status = 400 if problem.problem is NoticeProblem.MALFORMED else 401
        body = json.dumps({"code": "FAIL", "message": problem.code})
        return Acknowledgement(status, body.encode(), "application/json")

    async def prove_secrets(self) -> Sequence[SecretProof]:
        """Open the platform's certificates, which are sealed with the same key as notices."""
        opened = await self._client.opens_certificates()
        state, why = _OPENED[opened]
        return [SecretProof("api_v3_key", state, why)]

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Ask for the day's bill (Beijing time), fetch it, check it, read it."""
        target = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
        answer = await self._client.ask("bill", "GET", target)
        if not answer.is_success:
            self._client.judge("bill", answer, BILL.get(answer.code))
        match answer.body:
            case {"hash_type": "SHA1", "hash_value": str(announced), "download_url": str(url)}:
                content = await self._client.fetch("bill_file", url)
            case _:
                raise ProviderUncertain("The answer to bill names no file.")
        try:
            return read_bill(content, announced)
        except BadBill as trouble:
            raise ProviderUncertain(f"The bill cannot be used: {trouble}.") from trouble


_OPENED: Mapping[bool | None, tuple[SecretState, str]] = {
    True: (SecretState.RIGHT, "it opens the platform's certificates"),
    False: (
        SecretState.WRONG,
        "it does not open the platform's certificates, so it will open no notice",
    ),
    None: (
        SecretState.NOT_PROVEN,
        "this merchant has no platform certificates; the first notice will show it",
    ),
}


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as trouble:
        raise Unreadable("it is no JSON") from trouble
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    return value
