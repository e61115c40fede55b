"""The two stories of a second payment over HTTP, against the simulated gateways of real brands."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.page import page_from_text
from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.alipay.simulator import create_simulator as simulate_alipay
from retender.simulators.wechat_pay.simulator import WechatPaySimulator
from retender.simulators.wechat_pay.simulator import create_simulator as simulate_wechat
from retender.tests.entrypoints.shop import Clock, Json, Shop, open_shop, settings_in

pytestmark = pytest.mark.asyncio

PAYER = {"client_ip": "203.0.113.9", "return_url": "https://shop.example.com/thanks"}


class Town:
    """A shop, two gateways, and payers who walk between them."""

    def __init__(
        self, shop: Shop, gateways: Mapping[str, AlipaySimulator | WechatPaySimulator]
    ) -> None:
        self.shop = shop
        self.gateways = gateways
        self.answers: list[tuple[int, bytes, str]] = []

    async def page(self, account: str, client_type: str) -> Json:
        answer = await self.shop.page(account=account, client_type=client_type, payer=PAYER)
        assert answer["page"]["kind"] in {"qr", "form", "redirect"}
        html = await self.shop.http.get(urlsplit(answer["page_url"]).path)
        assert html.status_code == 200
        return answer

    async def pay(self, page: Json) -> None:
        """Pay as a payer would, and let the gateway tell us."""
        gateway = self.gateways[page["account"]]
        done = gateway.act("pay", page_from_text(json.dumps(page["page"])))
        assert done.ok, done
        await gateway.delivery.deliver_due(self._deliver)

    async def _deliver(self, url: str, headers: Mapping[str, str], body: bytes):
        answer = await self.shop.http.post(urlsplit(url).path, content=body, headers=dict(headers))
        code = answer.headers["Retender-Notice"]
        self.answers.append((answer.status_code, answer.content, code))
        return answer.status_code, answer.content


@pytest_asyncio.fixture
async def town(shop_folder):
    clock = Clock()
    gateways: dict[str, AlipaySimulator | WechatPaySimulator] = {
        "alipay": simulate_alipay("http://127.0.0.1:8001", clock=clock),
        "wechat_pay": simulate_wechat("http://127.0.0.1:8002", clock=clock),
    }
    accounts = {name: {"provider": name, **each.settings} for name, each in gateways.items()}
    # WeChat Pay sends notices to https only; nothing here goes over a network.
    settings = settings_in(shop_folder, accounts=accounts, public_url="https://pay.example.com")
    async with AsyncExitStack() as exits:
        wires = {
            name: await exits.enter_async_context(HttpxTransport.to_app(each.app, clock=clock))
            for name, each in gateways.items()
        }
        parts = {"clock": clock, "transports": wires.__getitem__}
        shop = await exits.enter_async_context(open_shop(settings, **parts))
        yield Town(Shop(shop.http, shop.container, clock, {}), gateways)


async def test_the_payer_leaves_comes_back_another_way_and_pays_once(town):
    await town.shop.place()
    await town.page("wechat_pay", "pc")
    town.shop.clock.pass_by(minutes=5)
    second = await town.page("alipay", "h5")
    await town.pay(second)

    story = await town.shop.story()
    assert story["order"]["state"] == "PAID"
    first, last = story["attempts"]
    assert (first["account"], first["client_type"], first["state"]) == (
        "wechat_pay",
        "pc",
        "CLOSED",
    )
    assert (last["account"], last["client_type"], last["winner"]) == ("alipay", "h5", True)
    assert [event["kind"] for event in story["events"]] == ["order.paid"]
    assert story["surpluses"] == []
    assert (200, b"success", "NOTICE_TAKEN") in town.answers


async def test_what_is_paid_twice_goes_back_by_itself(town):
    """The first page was opened and never scanned, so nothing could be closed."""
    await town.shop.place()
    first = await town.page("alipay", "pc")
    town.shop.clock.pass_by(minutes=2)
    await town.pay(await town.page("wechat_pay", "pc"))
    assert (await town.shop.story())["order"]["state"] == "PAID"

    await town.pay(first)
    for _ in range(3):
        town.shop.clock.pass_by(minutes=2)
        await town.shop.container.worker().run_once()

    story = await town.shop.story()
    assert [(a["account"], a["state"]) for a in story["attempts"]] == [
        ("alipay", "REFUNDED"),
        ("wechat_pay", "SUCCEEDED"),
    ]
    books = {name: gateway.books() for name, gateway in town.gateways.items()}
    kept = {
        a["account"]: books[a["account"]][a["number"]].captured_minor
        - books[a["account"]][a["number"]].refunded_minor
        for a in story["attempts"]
    }
    assert kept == {"alipay": 0, "wechat_pay": 8880}
    assert {event["kind"] for event in story["events"]} == {
        "order.paid",
        "surplus.found",
        "surplus.refunded",
    }


@pytest.mark.parametrize("account", ["alipay", "wechat_pay"])
async def test_a_forged_notice_of_a_brand_pays_nothing(town, account):
    await town.shop.place()
    await town.page(account, "pc")
    answer = await town.shop.http.post(f"/v1/notices/{account}", content=b"trade_status=PAID")
    assert answer.status_code in {200, 400, 401}
    assert answer.headers["Retender-Notice"].startswith("NOTICE_")
    assert answer.content != b"success"
    assert (await town.shop.story())["order"]["state"] == "NEW"


async def test_a_page_that_wants_the_payers_address_gets_the_payers_own(town):
    """Nobody's, or the shop's server's, binds it to a machine that pays nothing."""
    await town.shop.place()
    for payer in ({}, {"client_ip": "here"}, {"client_ip": "999.1.1.1"}, {"client_ip": "0.0.0.1"}):
        answer = await town.shop.pay(account="wechat_pay", client_type="h5", payer=payer)
        assert (answer.status_code, answer.json()["code"]) == (422, "PAYER_INPUT_MISSING"), payer
        assert answer.json()["missing"] == ["client_ip"]


async def test_a_payer_from_another_network_gets_another_page_of_wechat_pay(town):
    await town.shop.place()
    first, again, moved = [
        await town.shop.page(account="wechat_pay", client_type="h5", payer={"client_ip": address})
        for address in ("203.0.113.7", "203.0.113.7", "127.0.0.1")
    ]
    assert first["attempt_id"] == again["attempt_id"] != moved["attempt_id"]
