"""An address is said once: routes, links and notices cannot fall apart."""

import ast

import pytest

from retender.entrypoints import addresses
from retender.entrypoints.addresses import Addresses
from retender.entrypoints.http.app import create_app
from retender.tests.house.tree import ROOT, shown

SAID = {text for name, text in vars(addresses).items() if name.isupper()}
BEGINNINGS = ("/v1", addresses.PAGES)


@pytest.mark.asyncio
async def test_every_route_is_one_of_them_and_every_one_is_a_route(shop):
    app = create_app(shop.container)
    routed = {*app.openapi()["paths"], app.openapi_url}
    assert routed == SAID - {addresses.NOTICES, addresses.PAGES}


def test_nobody_writes_one_down_again():
    again = {
        f"{shown(path)}:{node.lineno}"
        for path in sorted((ROOT / "entrypoints").rglob("*.py"))
        if path.name != "addresses.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and str(node.value).startswith((*BEGINNINGS, *SAID))
    }
    assert again == set()


def test_the_world_is_told_them_behind_the_public_url():
    known = Addresses("https://pay.example.com/tea")
    assert known.page("a-1") == "https://pay.example.com/tea/pages/a-1" == f"{known.pages}a-1"
    assert known.notice("alipay") == "https://pay.example.com/tea/v1/notices/alipay"
    assert known.order("o-1") == "https://pay.example.com/tea/v1/orders/o-1"
    assert known.refund("r-1") == "https://pay.example.com/tea/v1/refunds/r-1"
    assert known.openapi == "https://pay.example.com/tea/openapi.json"
