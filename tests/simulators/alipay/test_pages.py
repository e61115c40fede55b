"""A human can pay at the simulator with a browser, and what the shop sent stays text."""

import re
import zipfile
from datetime import timedelta
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.kit.payer import FilledForm
from retender.tests.simulators.alipay.merchant import BASE, Merchant

pytestmark = pytest.mark.asyncio


async def opened(merchant: Merchant, form: FilledForm) -> httpx.Response:
    return await merchant.http.post(form.action, data=dict(form.fields))


async def press(merchant: Merchant, page: httpx.Response, action: str) -> httpx.Response:
    [address] = re.findall(r'action="(/cashier/[^"]+)"', page.text)
    return await merchant.http.post(address, data={"action": action, "buyer": "bob"})


async def test_a_human_scans_hesitates_and_pays(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    form = merchant.page(return_url="http://shop.example/thanks?x=1")
    page = await opened(merchant, form)
    assert page.status_code == 200
    assert "88.88" in page.text
    assert "Tea 茶" in page.text
    page = await press(merchant, page, "scan")
    assert await merchant.state() == "WAIT_BUYER_PAY"
    page = await press(merchant, page, "not_enough_balance")
    assert "ACQ.BUYER_BALANCE_NOT_ENOUGH" in page.text
    page = await press(merchant, page, "enter_password")
    assert await merchant.state() == "TRADE_SUCCESS"
    [link] = re.findall(r'href="(http://shop[^"]+)"', page.text)
    query = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
    assert query["out_trade_no"] == ["T1"]
    assert query["total_amount"] == ["88.88"]
    assert query["sign"]
    simulator.switches.pc_return_parameters = False
    page = await press(merchant, await opened(merchant, merchant.page("page", "T2",
        return_url="http://shop.example/thanks")), "enter_password")  # fmt: skip
    assert 'href="http://shop.example/thanks"' in page.text


async def test_a_subject_is_text_on_the_page(merchant: Merchant) -> None:
    nasty = "<script>alert(1)<!-- \" ' + % 😀 茶"
    page = await opened(merchant, merchant.page(subject=nasty))
    # "/" is not allowed in a subject, so no closing tag can be smuggled either.
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "😀 茶" in page.text


async def test_leaving_a_phone_page_leads_where_the_shop_said(merchant: Merchant) -> None:
    form = merchant.page("wap", quit_url="http://shop.example/basket")
    page = await press(merchant, await opened(merchant, form), "leave")
    assert page.status_code == 303
    assert page.headers["location"] == "http://shop.example/basket"
    assert await merchant.state() == "ACQ.TRADE_NOT_EXIST"
    page = await press(merchant, await opened(merchant, merchant.page()), "leave")
    assert "Nothing was paid" in page.text


async def test_a_qr_code_and_an_order_string_open_in_a_browser_too(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    code = (await merchant.precreate())["qr_code"]
    await press(merchant, await merchant.http.get(code), "enter_password")
    order = merchant.order_string("T2")
    page = await merchant.http.get("/app", params={"order": order})
    await press(merchant, page, "enter_password")
    assert {number: book.captured_minor for number, book in simulator.books().items()} == {
        "T1": 8888,
        "T2": 8888,
    }
    listing = await merchant.http.get("/")
    assert listing.text.count("TRADE_SUCCESS") == 2
    assert "does not work" in (await merchant.http.get("/qr/unknown")).content.decode("gbk")
    bad = await merchant.http.get("/app", params={"order": order + "x"})
    assert "isv.invalid-signature" in bad.content.decode("gbk")


async def test_a_paid_page_cannot_be_paid_again(merchant: Merchant) -> None:
    first, second = [await opened(merchant, merchant.page()) for _ in range(2)]
    await press(merchant, first, "enter_password")
    page = await press(merchant, second, "enter_password")
    assert "ACQ.TRADE_HAS_SUCCESS" in page.text
    again = await opened(merchant, merchant.page())
    assert "ACQ.TRADE_HAS_SUCCESS" in again.content.decode("gbk")


async def test_a_closed_page_is_gone(merchant: Merchant) -> None:
    assert "closed" in (await merchant.http.get("/cashier/unknown")).text
    gone = await merchant.http.post("/cashier/unknown", data={"action": "pay"})
    assert "closed" in gone.text


async def test_a_bill_lists_yesterday_and_its_link_lives_half_a_minute(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    simulator.act("pay", merchant.held())
    await merchant.call("refund", refund_amount="20.00", out_request_no="R1")
    method = "alipay.data.dataservice.bill.downloadurl.query"

    async def ask(day: str, kind: str = "trade") -> dict[str, str]:
        return await merchant.call(method, bill_date=day, bill_type=kind)

    assert (await ask("2026-01-15"))["sub_code"] == "BILL_NOT_EXIST"
    simulator.clock.advance(timedelta(days=1))
    assert (await ask("2026-01-14"))["sub_code"] == "NO_BILL_DATA"
    assert (await ask("yesterday"))["sub_code"] == "INVAILID_ARGUMENTS"
    assert (await ask("2026-01-15", "poem"))["sub_code"] == "INVAILID_ARGUMENTS"
    link = (await ask("2026-01-15"))["bill_download_url"]
    assert link.startswith(f"{BASE}/bills/")
    packed = await merchant.http.get(link)
    with zipfile.ZipFile(BytesIO(packed.content)) as archive:
        [name] = archive.namelist()
        table = archive.read(name).decode("gbk")
    assert "T1\t,交易\t,Tea 茶\t" in table
    assert "-20.00\t,-20.00\t,R1\t" in table
    simulator.clock.advance(timedelta(seconds=30))
    assert (await merchant.http.get(link)).status_code == 404


async def test_the_control_api_drives_the_same_simulator(
    simulator: AlipaySimulator, merchant: Merchant
) -> None:
    page = {"kind": "form", **merchant.held()}
    body = {"action": "pay", "page": page, "buyer": "bob"}
    result = await merchant.http.post("/_simulator/act", json=body)
    assert result.json() == {"ok": True, "code": "OK", "message": "paid", "number": "T1"}
    await merchant.http.post("/_simulator/switches", json={"notify_closed": True})
    assert simulator.switches.notify_closed
    state = (await merchant.http.get("/_simulator/state")).json()
    assert state["trades"][0]["status"] == "TRADE_SUCCESS"
    assert "key" not in str(state).lower()
