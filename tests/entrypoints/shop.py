"""A shop on the real container: SQLite file, sandbox gateways in this process, a clock we move."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from retender.entrypoints.container import Container, open_container
from retender.entrypoints.http.app import create_app
from retender.entrypoints.settings import Settings
from retender.plugins.host import PluginHost, load_plugins
from retender.plugins.sandbox.gateway import SandboxGateway
from retender.ports.payment_provider import RawNotice
from retender.tests.domain.shop import at_once

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
SECRET = "only-for-tests-0123456789"
PAGE_KEY = "0f" * 32
CANARY = "canary-canary-canary"

Json = dict[str, Any]


class Clock:
    """Stands still until told to move."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass(slots=True)
class Shop:
    """A shop's programmer, the payers, and the gateways behind them."""

    http: httpx.AsyncClient
    container: Container
    clock: Clock
    gateways: Mapping[str, SandboxGateway]

    async def place(self, order_no: str = "o-1", amount: str = "88.80", **more: object) -> Json:
        """Place an order, and insist that it worked."""
        answer = await self.http.post("/v1/orders", json=order(order_no, amount, **more))
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def pay(self, order_no: str = "o-1", **more: object) -> httpx.Response:
        """Ask for a page."""
        return await self.http.post(f"/v1/orders/{order_no}/pay", json=request(**more))

    async def page(self, order_no: str = "o-1", **more: object) -> Json:
        """Ask for a page, and insist on one."""
        answer = await self.pay(order_no, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def story(self, order_no: str = "o-1") -> Json:
        """Look at everything."""
        query = {"expand": "refunds,surpluses,events,story"}
        answer = await self.http.get(f"/v1/orders/{order_no}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def take(self, notice: RawNotice, account: str = "sandbox") -> httpx.Response:
        """Deliver a notice as the gateway would."""
        return await self.http.post(
            f"/v1/notices/{account}", content=notice.body, headers=dict(notice.headers)
        )

    async def pay_for_real(self, order_no: str = "o-1", account: str = "sandbox") -> Json:
        """Get a page, pay it, deliver the notice; return the order's story."""
        page = await self.page(order_no, account=account)
        (attempt,) = [
            a
            for a in (await self.story(order_no))["attempts"]
            if a["attempt_id"] == page["attempt_id"]
        ]
        gateway = self.gateways[account]
        gateway.ledger.pay(attempt["number"], "buyer")
        answer = await self.take(gateway.notices.pop(), account)
        assert answer.headers["Retender-Notice"] == "NOTICE_TAKEN", answer.text
        return await self.story(order_no)

    async def scan_and_pay(self, page: Json, account: str = "sandbox") -> None:
        """Pay a QR page as a payer who scans it, and deliver the notice."""
        gateway = self.gateways[account]
        query = parse_qs(urlsplit(page["page"]["content"]).query)
        ask = gateway.scanned(query["ask"][0], query["sign"][0])
        gateway.ledger.pay(ask.number, "buyer")
        await self.take(gateway.notices.pop(), account)


async def until(true: Callable[[], bool]) -> None:
    """Let others run until something is true."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - it stands in for a test's patience
            await asyncio.sleep(0.001)


def order(order_no: str = "o-1", amount: object = "88.80", **more: object) -> Json:
    """What a shop sends to place an order."""
    return {
        "order_no": order_no,
        "user_id": "user-7",
        "subject": "Tea",
        "amount": {"amount": amount, "currency": "CNY"},
        **more,
    }


def request(**more: object) -> Json:
    """What a shop sends to get a page."""
    return {"user_id": "user-7", "account": "sandbox", "client_type": "pc", **more}


def settings_in(folder: Path, **more: object) -> Settings:
    """Settings of a shop with two sandbox accounts."""
    account = {"provider": "sandbox", "secret": SECRET, "gateway": "http://sandbox.test"}
    values: Json = {
        "database_url": f"sqlite+aiosqlite:///{folder}/shop.db",
        "page_key": PAGE_KEY,
        "accounts": {"sandbox": account, "other": {**account, "title": "Other"}},
        **more,
    }
    return Settings.model_validate(values)


@cache
def _plugins() -> PluginHost:
    """Load the plugins once for all tests; they hold no state."""
    return load_plugins()


@asynccontextmanager
async def open_shop(settings: Settings, **parts: object) -> AsyncIterator[Shop]:
    """Open a shop on the settings; parts of the container may be replaced."""
    clock = Clock()
    gateways = {
        name: SandboxGateway(secret=SECRET, clock=clock, base_url="http://sandbox.test")
        for name in settings.accounts
    }
    parts = {
        "clock": clock,
        "transports": gateways.__getitem__,
        "plugins": _plugins(),
        "afterwards": at_once,
        **parts,
    }
    async with open_container(settings, upgrade=False, **parts) as container:
        wire = httpx.ASGITransport(create_app(container), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=wire, base_url="http://shop.test") as http:
            yield Shop(http, container, clock, gateways)
