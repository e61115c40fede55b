"""``/gateway.do``: one address for everything, told apart by ``method``."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from retender.plugins.alipay.charsets import CHARSETS
from retender.plugins.alipay.signing import sign
from retender.simulators.alipay import operations, terms
from retender.simulators.alipay.errors import GatewayError, Refused, invalid
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.operations import Operations
from retender.simulators.alipay.pages import CashierPages
from retender.simulators.alipay.requests import (
    Call,
    Doorkeeper,
    read_parameters,
)
from retender.simulators.alipay.terms import Terms, read_terms
from retender.simulators.kit.faults import FaultGuard, Faults

BROWSER_METHODS: Final = frozenset({terms.PAGE_PAY, terms.WAP_PAY})

# Our port's name for each, by which fault dials are set.
SERVER_METHODS: Final[Mapping[str, str]] = {
    terms.PRECREATE: "open",
    terms.CREATE: "create",
    operations.QUERY: "query",
    operations.CLOSE: "close",
    operations.CANCEL: "cancel",
    operations.REFUND: "refund",
    operations.REFUND_QUERY: "query_refund",
    operations.BILL: "fetch_bill",
}
METHODS: Final = frozenset(SERVER_METHODS) | BROWSER_METHODS | {terms.APP_PAY}

_UNKNOWN_ERROR = GatewayError(
    "20000", "Service Currently Unavailable", "isp.unknow-error", signed=True
)
_TOO_FAST = GatewayError("40005", "Call Limited", "isv.app-call-limited", signed=True)


class Gateway:
    """Takes requests in, lets the right part answer, and signs what it says."""

    def __init__(
        self,
        *,
        doorkeeper: Doorkeeper,
        operations: Operations,
        pages: CashierPages,
        keys: KeyRing,
        faults: Faults,
        seller_id: str,
    ) -> None:
        """Put the parts together."""
        self._door = doorkeeper
        self._operations = operations
        self._pages = pages
        self._keys = keys
        self._faults = faults
        self._seller_id = seller_id
        self._switches = doorkeeper.switches

    async def answer(self, request: Request) -> Response:
        """Answer one request; always with status 200, as the real one does."""
        method, charset = "", "utf-8"
        try:
            parameters = read_parameters(request.url.query, await request.body())
            method = parameters.get("method", "")
            charset = parameters.get("charset", "").lower()
            charset = charset if charset in CHARSETS else "utf-8"
            call = self._door.admit(parameters)
            if method in BROWSER_METHODS:
                return self._pages.opened(self.terms_of(call))
            if method not in SERVER_METHODS:
                raise invalid("method", "this one is for the app", signed=True)
        except (GatewayError, Refused) as trouble:
            if method in BROWSER_METHODS:
                return self._pages.error(trouble)
            return self._fail(method, charset, trouble)
        return await self._guarded(call, charset)

    def terms_of(self, call: Call) -> Terms:
        """Read a payment request that was let in."""
        return read_terms(
            call.parameters,
            call.content,
            now=self._now(),
            seller_id=self._seller_id,
            switches=self._switches,
        )

    async def _guarded(self, call: Call, charset: str) -> Response:
        async def handle() -> Response:
            try:
                fields = self._operations.answer(call, lambda: self.terms_of(call))
            except (GatewayError, Refused) as trouble:
                return self._fail(call.method, charset, trouble, _echo(call))
            return self._say(call.method, charset, {"code": "10000", "msg": "Success", **fields})

        def rate_limited(_: str) -> Response:
            return self._fail(call.method, charset, _TOO_FAST)

        def provider_error(_: str, code: str | None) -> Response:
            return self._fail(call.method, charset, _trouble(code))

        guard = FaultGuard(self._faults, rate_limited, provider_error)
        return await guard(SERVER_METHODS[call.method], handle, also=call.method)

    def _fail(
        self,
        method: str,
        charset: str,
        trouble: GatewayError | Refused,
        echo: Mapping[str, object] = MappingProxyType({}),
    ) -> Response:
        if isinstance(trouble, Refused):
            fields: dict[str, object] = {"code": "40004", "msg": "Business Failed", **echo}
            signed = True
        else:
            fields = {"code": trouble.code, "msg": trouble.msg}
            signed = trouble.signed and self._switches.gateway_errors_signed
        fields |= {"sub_code": trouble.sub_code, "sub_msg": trouble.message}
        return self._say(method, charset, fields, signed=signed)

    def _say(
        self, method: str, charset: str, fields: Mapping[str, object], *, signed: bool = True
    ) -> Response:
        declared = self._switches.answer_charset or charset
        charset = CHARSETS[declared]
        name = f"{method.replace('.', '_')}_response" if method else "error_response"
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).replace("/", r"\/")
        parts = [f'"{name}":{text}']
        if signed:
            if self._door.certified:
                parts.append(f'"alipay_cert_sn":"{self._keys.alipay.sn}"')
            parts.append(f'"sign":"{sign(text, self._keys.alipay.key, charset)}"')
        if self._switches.sign_comes_first:
            parts.reverse()
        body = "{" + ",".join(parts) + "}"
        # The real one declares HTML whatever it sends.
        return Response(
            body.encode(charset), headers={"content-type": f"text/html;charset={declared}"}
        )

    def _now(self) -> datetime:
        return self._door.clock.now()


def _echo(call: Call) -> dict[str, object]:
    """Return what a failed query repeats: the number, and zeros where amounts would stand."""
    if call.method != operations.QUERY:
        return {}
    number = call.content.get("out_trade_no")
    amounts = ("buyer_pay_amount", "invoice_amount", "point_amount", "receipt_amount")
    echo: dict[str, object] = dict.fromkeys(amounts, "0.00")
    return {**echo, "out_trade_no": number} if isinstance(number, str) else echo


def _trouble(code: str | None) -> GatewayError | Refused:
    """Return what a ``provider_error`` dial with this code answers."""
    if code is None or code == _UNKNOWN_ERROR.code:
        return _UNKNOWN_ERROR
    if code.isdecimal():
        return GatewayError(code, "As dialled", "isv.as-dialled", signed=True)
    if code.startswith(("isv.", "isp.", "aop.")):
        number = "40002" if code.startswith("isv.") else "20000"
        return GatewayError(number, "As dialled", code, signed=True)
    return Refused(code, "as dialled")
