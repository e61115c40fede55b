"""The README's plugin: loaded by the host like any other, and paid by a nod."""

import ast
import runpy
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device, negotiate
from retender.domain.model.errors import NoticeRejected, ProviderRefused
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind, RedirectPage
from retender.plugins.ask_only import AskOnly
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.host import PluginState, load_plugins
from retender.ports.payment_provider import (
    RawNotice,
    Receipt,
    ReceiptState,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)
from retender.tests.house.tree import ROOT

EXAMPLE = ROOT / "examples/pay_by_nod.py"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
CHARGE = Charge(
    number="NOD00001",
    order_no="1",
    amount=Money(8800, "CNY"),
    subject="A pot of tea",
    client_type="h5",
    device=Device.PHONE,
    page_kind=PageKind.REDIRECT,
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    notify_url="https://shop.example/v1/notices/nod",
)
REFUND = RefundOrder(
    number="RNOD00001",
    charge_number=CHARGE.number,
    provider_trade_no=None,
    paid=CHARGE.amount,
    amount=CHARGE.amount,
    reason="Sent back",
    notify_url=CHARGE.notify_url,
)


@pytest.fixture(scope="module")
def example():
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE)))


@pytest.fixture
def nods():
    """The numbers that somebody nodded for, at the till."""
    return set()


@pytest.fixture
def provider(example, nods):
    async def nodded(request):
        return PlainTextResponse("yes" if request.path_params["number"] in nods else "no")

    till = Starlette(routes=[Route("/{number}/nodded", nodded)])
    host = load_plugins(plugins={"nod": example})
    assert host.plugins[0].state is PluginState.LOADED
    context = ProviderContext(
        account="counter",
        settings={"till": "https://till.example"},
        transport=HttpxTransport.to_app(till, clock=lambda: NOW),
        clock=lambda: NOW,
        random_text=lambda length: "x" * length,
    )
    return host.build("nod", context)


@pytest.mark.asyncio
async def test_the_payer_is_sent_to_the_till_and_nods(provider, nods):
    assert (await provider.open(CHARGE)).page == RedirectPage(
        "https://till.example/NOD00001?fen=8800"
    )
    assert await provider.query(CHARGE) == Receipt(number="NOD00001", state=ReceiptState.OPEN)
    nods.add("NOD00001")
    paid = Receipt(number="NOD00001", state=ReceiptState.PAID, amount=CHARGE.amount)
    assert await provider.query(CHARGE) == paid
    assert await provider.close(CHARGE) == paid


@pytest.mark.asyncio
async def test_what_the_till_cannot_do_is_a_clear_no(provider):
    with pytest.raises(ProviderRefused, match=r"NO_REFUNDS give 88\.00 CNY back by hand"):
        await provider.refund(REFUND)
    absent = RefundReceipt(number="RNOD00001", state=RefundReceiptState.NOT_FOUND)
    assert await provider.query_refund(REFUND) == absent
    with pytest.raises(ProviderRefused, match="NO_BILLS"):
        await provider.fetch_bill(date(2026, 1, 15))
    with pytest.raises(NoticeRejected):
        await provider.parse_notice(RawNotice(headers={}, body=b"nod", received_at=NOW))
    assert provider.acknowledge(None).status == 404


def test_a_phone_and_a_pc_can_show_it(provider):
    for client_type in load_plugins().client_types:
        if client_type.code in {"pc", "h5"}:
            assert negotiate(client_type, provider.terms.pages).product == "nod"


def test_a_provider_that_cannot_be_asked_is_none():
    """What has no honest default must be written."""
    with pytest.raises(TypeError, match="abstract methods open, query, terms"):
        AskOnly()  # type: ignore[abstract]  # that is what is tested


def test_it_imports_the_plugin_s_face_and_nothing_else():
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [getattr(node, "module", None) for node in imports] == ["retender.plugin"]


def test_it_is_as_short_as_we_say():
    """About twenty lines that do something, beside the imports."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    body = lines[lines.index("RETENDER_PLUGIN_API = 1") :]
    assert len([line for line in body if line.strip()]) <= 28
