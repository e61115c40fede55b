"""The gateway's front: paths, faults, proof of the caller, signed answers, bare errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retender.simulators.kit.faults import FaultGuard, Faults
from retender.simulators.wechat_pay.operations import Call, Operations, to_bytes
from retender.simulators.wechat_pay.prepay_form import Product
from retender.simulators.wechat_pay.refusals import STATUS, Refused
from retender.simulators.wechat_pay.wire import PlatformPen, read_request

_Operation: TypeAlias = Callable[[Call], "Mapping[str, object] | bytes | None"]
_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_UNKNOWN_CODE_STATUS = 400


@dataclass(slots=True)
class Gateway:
    """
    Serves the merchant.

    The names under which faults are dialled: ``open``, ``query``, ``close``,
    ``refund``, ``query_refund``, ``abnormal_refund``, ``certificates``,
    ``bill`` and ``bill_file``.
    """

    operations: Operations
    pen: PlatformPen
    faults: Faults

    def routes(self) -> list[Route]:
        """Return the routes of the merchant's API."""
        do = self.operations
        orders = "/v3/pay/transactions"
        refunds = "/v3/refund/domestic/refunds"
        table: list[tuple[str, str, str, _Operation]] = [
            *(("POST", f"{orders}/{product.path}", "open", do.prepay) for product in Product),
            ("GET", orders + "/out-trade-no/{number}", "query", do.query),
            ("GET", orders + "/id/{transaction_id}", "query", do.query),
            ("POST", orders + "/out-trade-no/{number}/close", "close", do.close),
            ("POST", refunds, "refund", do.refund),
            ("GET", refunds + "/{refund_number}", "query_refund", do.query_refund),
            (
                "POST",
                refunds + "/{refund_id}/apply-abnormal-refund",
                "abnormal_refund",
                do.abnormal_refund,
            ),
            ("GET", "/v3/certificates", "certificates", do.certificates),
            ("GET", "/v3/bill/tradebill", "bill", do.trade_bill),
            ("GET", "/v3/bill/fundflowbill", "bill", do.flow_bill),
            ("GET", "/v3/billdownload/file", "bill_file", do.bill_file),
        ]
        return [
            Route(path, self._endpoint(name, operation), methods=[method])
            for method, path, name, operation in table
        ]

    def _endpoint(self, name: str, operation: _Operation) -> _Endpoint:
        guard = FaultGuard(self.faults, self._too_fast, self._broken)
        agent_first = name not in {"open", "query", "close"}

        async def answer(request: Request) -> Response:
            async def handle() -> Response:
                return await self._handle(request, operation, agent_first=agent_first)

            return await guard(name, handle)

        return answer

    async def _handle(
        self, request: Request, operation: _Operation, *, agent_first: bool
    ) -> Response:
        do = self.operations
        try:
            now = do.now()
            asked = await read_request(request, do.identity, now, agent_first=agent_first)
            path = {**request.path_params, "product": request.url.path.rsplit("/", 1)[-1]}
            call = Call(path, dict(request.query_params), asked.body)
            with do.lock:
                said = operation(call)
        except Refused as refused:
            return self.pen.refuse(refused)
        if isinstance(said, bytes):
            return Response(said, media_type="application/octet-stream")
        return self.pen.answer(asked, 204 if said is None else 200, to_bytes(said), now)

    def _too_fast(self, _operation: str) -> Response:
        code = self.pen.switches.rate_limit_code
        return self.pen.refuse(Refused(code, "频率超限", status=429))

    def _broken(self, _operation: str, code: str | None) -> Response:
        code = code or "SYSTEM_ERROR"
        status = STATUS.get(code, _UNKNOWN_CODE_STATUS)
        return self.pen.refuse(Refused(code, "on demand", status=status))
