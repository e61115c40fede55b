"""What the worker logs of a failed call names the order, the attempt and the account."""

import io
import json
import logging

import pytest
import pytest_asyncio
import structlog

from retender.adapters.clock import system_clock
from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import StoreBusy, StoreFull
from retender.domain.steps.inquire import Inquire
from retender.entrypoints.logs import configure_logging
from retender.entrypoints.settings import LogSettings
from retender.tests.entrypoints.shop import open_shop

pytestmark = pytest.mark.asyncio


class BadGateway:
    """Lets a shop's gateway answer, until it is away: then a proxy before it answers 502."""

    def __init__(self):
        self.is_away = False
        self.gateways = {}

    def before(self, account):
        async def answers_502(_scope, receive, send):
            await receive()
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        away = HttpxTransport.to_app(answers_502, clock=system_clock)

        async def way(request):
            return await (away if self.is_away else self.gateways[account])(request)

        return way


@pytest.fixture
def proxy():
    return BadGateway()


@pytest_asyncio.fixture
async def shop(shop_settings, proxy):
    async with open_shop(shop_settings, transports=proxy.before) as opened:
        proxy.gateways = opened.gateways
        yield opened


@pytest.fixture
def lines():
    """Everything that is logged from now on, as a worker's operator collects it."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    configure_logging(LogSettings(level="info", format="json"), stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def attempt_of(shop, order_no="o-1"):
    return (await shop.story(order_no))["attempts"][0]


async def test_a_gateways_502_is_logged_with_order_attempt_and_account(shop, proxy, lines):
    await shop.place()
    await shop.page()
    shop.clock.pass_by(seconds=16)
    proxy.is_away = True
    assert (await shop.container.worker().run_once()).attempts == 1
    (line,) = [each for each in lines() if "502" in each["event"]]
    number = (await attempt_of(shop))["number"]
    assert (line["order_no"], line["attempt_number"]) == ("o-1", number)
    assert line["account"] == "sandbox"


async def test_a_refunds_502_names_the_refund_too(shop, proxy, lines):
    await shop.place()
    first = await shop.page(page_kind="qr")
    await shop.pay_for_real(account="other")
    await shop.scan_and_pay(first)
    proxy.is_away = True
    assert (await shop.container.worker().run_once()).refunds == 1
    (line,) = [each for each in lines() if "502" in each["event"]]
    story = await shop.story()
    assert line["refund_no"] == story["refunds"][0]["refund_no"]
    assert line["attempt_number"] == story["attempts"][0]["number"]
    assert (line["order_no"], line["account"]) == ("o-1", "sandbox")


async def test_what_a_payer_pressed_is_named_as_well(shop, proxy, lines):
    await shop.place()
    proxy.is_away = True
    await shop.pay()
    (line,) = [each for each in lines() if "502" in each["event"]]
    assert (line["order_no"], line["account"]) == ("o-1", "sandbox")
    assert line["attempt_number"] == (await attempt_of(shop))["number"]


async def test_a_check_that_a_store_or_a_plugin_breaks_is_named(shop, mocker, lines):
    await shop.place()
    await shop.page()
    number = (await attempt_of(shop))["number"]
    for trouble in (StoreFull("no room"), RuntimeError("a bug in a plugin")):
        mocker.patch.object(Inquire, "ask", side_effect=trouble)
        shop.clock.pass_by(minutes=2)
        assert (await shop.container.worker().run_once()).failed == 1
        line = next(each for each in reversed(lines()) if "it comes again" in each["event"])
        for word in ("order o-1", f"attempt {number}", "account sandbox"):
            assert word in line["event"], line["event"]
        assert line["account"] == "sandbox"


async def test_an_order_that_cannot_be_ended_is_named(shop, mocker, lines):
    await shop.place()
    shop.clock.pass_by(hours=1)
    broken = mocker.patch("retender.domain.use_cases.expire_orders.retire_payable")
    broken.side_effect = StoreFull("no room")
    assert (await shop.container.worker().run_once()).failed == 1
    line = next(each for each in lines() if "it comes again" in each["event"])
    assert "order o-1" in line["event"]


async def test_an_event_that_the_shop_did_not_take_is_named(shop, mocker, lines):
    await shop.place()
    await shop.pay_for_real()
    mocker.patch.object(
        shop.container.announcer(), "_listeners", [mocker.AsyncMock(side_effect=OSError)]
    )
    await shop.container.worker().run_once()
    line = next(each for each in lines() if "not told" in each["event"])
    assert "order o-1" in line["event"]
    assert line["order_no"] == "o-1"


async def test_a_unit_that_is_done_again_is_named(shop, mocker, lines):
    await shop.place()
    await shop.page()
    shop.clock.pass_by(seconds=16)
    plan = mocker.patch("retender.domain.use_cases.check_attempt.next_check")
    plan.side_effect = [StoreBusy("locked"), shop.clock.now]
    await shop.container.worker().run_once()
    line = next(each for each in lines() if "is done again" in each["event"])
    assert (line["order_no"], line["account"]) == ("o-1", "sandbox")
