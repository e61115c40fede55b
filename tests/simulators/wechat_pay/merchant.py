"""A merchant that writes its requests by hand, so that it can write them wrongly."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from retender.plugins.wechat_pay.signing import Proof, Signer
from retender.simulators.kit.faults import AnswerLost
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.simulator import create_simulator
from retender.simulators.wechat_pay.switches import WechatPaySwitches

TEN = datetime(2026, 1, 15, 2, tzinfo=UTC)
BASE_URL = "http://wechat.example"
ORDERS = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"


class Merchant:
    """Signs and sends; remembers the last answer."""

    def __init__(self, identity: Identity, switches: WechatPaySwitches | None = None) -> None:
        self.identity = identity
        self.time = TEN
        self.simulator = create_simulator(
            BASE_URL, clock=lambda: self.time, switches=switches, identity=identity
        )
        self.signer = Signer(
            mchid=identity.mchid,
            serial_no=identity.merchant_serial,
            private_key=identity.merchant_key,
        )
        transport = httpx.ASGITransport(self.simulator.app)
        self.http = httpx.AsyncClient(transport=transport, base_url=BASE_URL)

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)

    async def send(
        self,
        method: str,
        target: str,
        said: object = None,
        *,
        at: datetime | None = None,
        **headers: str | None,
    ) -> httpx.Response:
        """Send a right request, but for what is said otherwise; None leaves a header out."""
        body = (
            said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        )
        right: dict[str, str | None] = {
            "Accept": "application/json",
            "User-Agent": "merchant",
            "Authorization": self.signer.authorization(
                method, target, body, at=at or self.time, nonce="n" * 32
            ),
        }
        if body:
            right["Content-Type"] = "application/json"
        wrong = {name.replace("_", "-").title(): value for name, value in headers.items()}
        request = self.http.build_request(method, target, content=body)
        for name, value in {**right, **wrong}.items():
            if value is None:
                request.headers.pop(name, None)
            else:
                request.headers[name] = value
        return await self.http.send(request)

    async def refused(self, method: str, target: str, said: object = None) -> tuple[int, str]:
        """Send what must be refused; return status and code."""
        answer = await self.send(method, target, said)
        assert answer.status_code >= 400, answer.text
        assert "wechatpay-signature" not in answer.headers
        return answer.status_code, answer.json()["code"]

    def order(self, number: str = "ORDER00001", **changes: Any) -> dict[str, Any]:
        """Return a right prepay body, but for the changes; None leaves a field out."""
        body = {
            "appid": self.identity.appid,
            "mchid": self.identity.mchid,
            "description": "Tea",
            "out_trade_no": number,
            "notify_url": "https://shop.example/notify",
            "amount": {"total": 8888, "currency": "CNY"},
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def prepay(self, product: str = "native", **changes: Any) -> str:
        """Order, and return what the answer holds."""
        answer = await self.send("POST", f"{ORDERS}/{product}", self.order(**changes))
        assert answer.status_code == 200, answer.text
        [page] = answer.json().values()
        return page

    async def query(self, number: str = "ORDER00001") -> dict[str, Any]:
        """Ask after an order."""
        target = f"{ORDERS}/out-trade-no/{number}?mchid={self.identity.mchid}"
        answer = await self.send("GET", target)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def close(self, number: str = "ORDER00001") -> httpx.Response:
        """Close an order."""
        said = {"mchid": self.identity.mchid}
        return await self.send("POST", f"{ORDERS}/out-trade-no/{number}/close", said)

    async def paid(self, number: str = "ORDER00001", **changes: Any) -> None:
        """Order and pay."""
        page = await self.prepay(out_trade_no=number, **changes)
        assert self.simulator.act("pay", page).ok

    def refund_of(self, number: str = "ORDER00001", **changes: Any) -> dict[str, Any]:
        """Return a right refund body, but for the changes; None leaves a field out."""
        body = {
            "out_trade_no": number,
            "out_refund_no": "REFUND0001",
            "amount": {"refund": 2000, "total": 8888, "currency": "CNY"},
            "notify_url": "https://shop.example/notify",
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}


def proof_of(answer: httpx.Response) -> Proof:
    """Return the signature of an answer."""
    return Proof.of({name.lower(): value for name, value in answer.headers.items()})


__all__ = ["ORDERS", "REFUNDS", "TEN", "AnswerLost", "Merchant", "proof_of"]
