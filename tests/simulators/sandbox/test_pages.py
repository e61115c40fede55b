"""What a person, a driver and a stranger meet at the sandbox's simulator."""

import json
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from retender.domain.model.page import PageKind, page_to_json
from retender.tests.plugins.sandbox.counter import BASE_URL, Counter
from retender.tests.plugins.sandbox.test_outcomes import a_charge


@pytest.fixture
def counter():
    return Counter()


@pytest_asyncio.fixture
async def browser(counter):
    wire = httpx.ASGITransport(counter.simulator.app)
    async with httpx.AsyncClient(transport=wire, base_url=BASE_URL) as browser:
        yield browser


@pytest.mark.asyncio
async def test_a_person_pays_on_the_page(counter, browser):
    charge = a_charge(counter, 8800)
    page = (await counter.provider.open(charge)).page
    shown = await browser.post(page.action, data=dict(page.fields))
    assert "A pot of tea" in shown.text
    assert "88.00 CNY" in shown.text
    paid = await browser.post(
        page.action, data={**dict(page.fields), "action": "pay", "buyer": "bob"}
    )
    assert "PAID" in paid.text
    assert (await counter.booked(charge.number)).captured == 8800


@pytest.mark.asyncio
async def test_a_person_with_too_little_does_not_pay(counter, browser):
    charge = a_charge(counter, 8800)
    page = (await counter.provider.open(charge)).page
    tried = await browser.post(
        page.action, data={**dict(page.fields), "action": "not_enough_balance"}
    )
    assert "NOT_ENOUGH" in tried.text
    assert (await counter.booked(charge.number)).captured == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [PageKind.QR, PageKind.REDIRECT])
async def test_a_link_or_a_code_leads_to_the_same_page(counter, browser, kind):
    charge = a_charge(counter, 8800, kind)
    page = (await counter.provider.open(charge)).page
    body = page_to_json(page)
    shown = await browser.get(str(body.get("url") or body.get("content")))
    assert shown.status_code == 200
    assert charge.number in shown.text
    assert charge.number in (await browser.get("/")).text


@pytest.mark.asyncio
async def test_a_hostile_subject_is_only_text(counter, browser):
    charge = a_charge(counter, 8800)
    hostile = "<script>alert('tea')</script>"
    page = (await counter.provider.open(replace(charge, subject=hostile))).page
    shown = (await browser.post(page.action, data=dict(page.fields))).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path", ["/pay", "/pay?ticket=A.b", "/scan?ask=x&sign=y", "/scan", "/pay?ticket=%00"]
)
async def test_a_forged_page_is_refused_in_words(browser, path):
    answer = await browser.get(path)
    assert answer.status_code == 400
    assert "no page of ours" in answer.text or "no code of ours" in answer.text


@pytest.mark.asyncio
async def test_the_demo_drives_it_over_http(counter, browser):
    charge = a_charge(counter, 8800)
    page = page_to_json((await counter.provider.open(charge)).page)
    done = (await browser.post("/_simulator/act", json={"action": "pay", "page": page})).json()
    assert done["ok"] is True
    books = (await browser.get("/_simulator/books")).json()
    assert books[charge.number]["captured_minor"] == 8800
    state = (await browser.get("/_simulator/state")).json()
    assert [each["state"] for each in state["trades"]] == ["PAID"]
    assert counter.secrets[0] not in json.dumps(state)


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("operation", ["open", "query", "mint"])
async def test_a_stranger_gets_no_answer_from_the_gateway(browser, operation, body):
    answer = await browser.post(f"/v1/{operation}", content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"NOT_SIGNED", "BAD_REQUEST"}
