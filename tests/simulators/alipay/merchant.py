"""A merchant who signs by hand, with no line of our provider, to judge the simulator by."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import httpx

from retender.plugins.alipay.beijing import beijing_text
from retender.plugins.alipay.signing import is_signed, read_answer, request_text, sign
from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.kit.delivery import Delivery
from retender.simulators.kit.payer import FilledForm

NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)  # noon in Beijing
BASE = "http://alipay.simulator"
PRODUCTS = {
    "alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY",
    "alipay.trade.wap.pay": "QUICK_WAP_WAY",
    "alipay.trade.app.pay": "QUICK_MSECURITY_PAY",
    "alipay.trade.precreate": "QR_CODE_OFFLINE",
}


class Merchant:
    """Signs requests by hand, hears notices, and believes nothing that is not signed."""

    def __init__(self, simulator: AlipaySimulator) -> None:
        self.simulator = simulator
        self.key = simulator.keys.app.key
        transport = httpx.ASGITransport(simulator.app)
        self.http = httpx.AsyncClient(transport=transport, base_url=BASE)
        self.heard: list[dict[str, str]] = []
        self.answer = b"success"

    def parameters(self, method: str, content: Mapping[str, Any], **more: str) -> dict[str, str]:
        parameters = {
            "app_id": "2026000000000001",
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": beijing_text(self.simulator.clock.now()),
            "version": "1.0",
            "notify_url": "http://shop.example/notify",
            "biz_content": json.dumps(content, ensure_ascii=False),
            **more,
        }
        parameters["sign"] = sign(request_text(parameters), self.key, parameters["charset"])
        return {name: value for name, value in parameters.items() if value}

    async def call(self, verb: str, number: str = "T1", **content: Any) -> dict[str, Any]:
        method = verb if verb.startswith("alipay.") else f"alipay.trade.{verb}"
        return await self.post(self.parameters(method, {"out_trade_no": number, **content}))

    async def post(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        answer = await self.http.post("/gateway.do", data=dict(parameters))
        read = read_answer(answer.text, parameters.get("method", ""))
        if read.sign is not None:
            key = self.simulator.keys.alipay.key.public_key()
            assert is_signed(read.text, read.sign, key, parameters["charset"])
        return {**read.fields, "signed": read.sign is not None}

    def terms(self, method: str, number: str = "T1", **content: Any) -> dict[str, Any]:
        return {
            "out_trade_no": number,
            "total_amount": "88.88",
            "subject": "Tea 茶",
            "product_code": PRODUCTS[method],
            **content,
        }

    def page(self, product: str = "page", number: str = "T1", **content: Any) -> FilledForm:
        """Return a form as a browser would be handed it; ``return_url`` goes outside."""
        method = f"alipay.trade.{product}.pay"
        outside = {"return_url": content.pop("return_url", "")}
        parameters = self.parameters(method, self.terms(method, number, **content), **outside)
        fields = {"biz_content": parameters.pop("biz_content")}
        return FilledForm(f"{BASE}/gateway.do?{urlencode(parameters)}", fields)

    def held(self, *args: Any, **content: Any) -> dict[str, object]:
        form = self.page(*args, **content)
        return {"action": form.action, "fields": dict(form.fields)}

    def order_string(self, number: str = "T1", **content: Any) -> str:
        method = "alipay.trade.app.pay"
        parameters = self.parameters(method, self.terms(method, number, **content))
        return "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items())

    async def precreate(self, number: str = "T1", **content: Any) -> dict[str, Any]:
        method = "alipay.trade.precreate"
        return await self.post(self.parameters(method, self.terms(method, number, **content)))

    async def state(self, number: str = "T1") -> str:
        """Return the trade's state, or the error's code."""
        answer = await self.call("query", number)
        return str(answer.get("trade_status") or answer["sub_code"])

    async def listen(self) -> list[Delivery]:
        """Take in what is due."""
        return await self.simulator.delivery.deliver_due(self._hear)

    async def _hear(self, _: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        assert headers["content-type"].startswith("application/x-www-form-urlencoded")
        self.heard.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        return 200, self.answer
