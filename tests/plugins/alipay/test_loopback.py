"""The same story over real sockets: lost answers break, notices come by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain
from retender.domain.model.page import page_to_json
from retender.entrypoints.listening import LOOPBACK, address_of, listen
from retender.plugins.alipay.configuration import configure
from retender.plugins.alipay.plugin import PLUGIN
from retender.plugins.alipay.provider import Alipay
from retender.ports.payment_provider import RawNotice, ReceiptState
from retender.simulators.alipay.simulator import create_simulator
from retender.simulators.kit.delivery import MerchantUnreachable
from retender.simulators.kit.sending import HttpSender
from retender.tests.plugins.alipay.charges import NOON, QR, charge

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def served(make) -> AsyncIterator[str]:
    """Serve an app on a loopback port; ``make`` is told its address first."""
    listening = listen(LOOPBACK, 0)
    url = address_of(listening)
    server = uvicorn.Server(uvicorn.Config(make(url), log_config=None))
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it in no other way
        await asyncio.sleep(0.005)
    try:
        yield url
    finally:
        server.should_exit = True
        await task


async def test_pay_lose_ask_and_be_told(keys):
    sender = HttpSender()
    told: asyncio.Queue[RawNotice] = asyncio.Queue()
    simulators = []

    async def hear(request: Request) -> Response:
        raw = RawNotice(headers={}, body=await request.body(), received_at=NOON)
        answer = provider.acknowledge(None)
        told.put_nowait(raw)
        return PlainTextResponse(answer.body, status_code=answer.status)

    def gateway(url: str):
        simulators.append(create_simulator(url, clock=lambda: NOON, keys=keys, send=sender))
        return simulators[0].app

    def shop(_: str):
        return Starlette(routes=[Route("/notify", hear, methods=["POST"])])

    async with served(gateway) as url, served(shop) as shop_url:
        [simulator] = simulators
        transport = HttpxTransport(clock=lambda: NOON)
        defaults = {each.name: each.default for each in PLUGIN.settings if each.default}
        settings = {**defaults, **simulator.settings}
        provider = Alipay(configure(settings), transport, lambda: NOON)
        bill = charge(notify_url=f"{shop_url}/notify", **QR)
        page = (await provider.open(bill)).page
        simulator.faults.set("lost_after_effect", "query")
        with pytest.raises(ProviderUncertain):
            await provider.query(bill)
        assert (await provider.query(bill)).state is ReceiptState.NOT_FOUND
        async with httpx.AsyncClient() as hand:
            body = {"action": "pay", "page": page_to_json(page)}
            paid = await hand.post(f"{url}/_simulator/act", json=body)
        assert paid.json()["ok"]
        notice = await provider.parse_notice(await asyncio.wait_for(told.get(), timeout=5))
        assert notice.receipt == await provider.query(bill)
        await transport.aclose()
    await sender.aclose()
    assert [each.accepted for each in simulator.delivery.history] == [True]


async def test_a_gateway_that_is_down_was_surely_not_reached(keys):
    with listen(LOOPBACK, 0) as listening:
        url = address_of(listening)
    simulator = create_simulator(url, clock=lambda: NOON, keys=keys)
    defaults = {each.name: each.default for each in PLUGIN.settings if each.default}
    transport = HttpxTransport(clock=lambda: NOON)
    settings = {**defaults, **simulator.settings}
    provider = Alipay(configure(settings), transport, lambda: NOON)
    with pytest.raises(ProviderUnavailable):
        await provider.query(charge())
    await transport.aclose()
    sender = HttpSender()
    with pytest.raises(MerchantUnreachable):
        await sender(f"{url}/notify", {}, b"")
    await sender.aclose()
