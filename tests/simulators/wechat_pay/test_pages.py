"""What a human sees of the simulated gateway: scan, pay, fail, leave, return."""

from urllib.parse import quote, urlencode, urlsplit

import pytest

from retender.tests.simulators.wechat_pay.merchant import Merchant

pytestmark = pytest.mark.asyncio

WAP = {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}


@pytest.fixture
def merchant(identity):
    return Merchant(identity)


def path_of(url):
    return url.removeprefix("http://wechat.example")


async def press(merchant, path, action, buyer="alice"):
    form = urlencode({"action": action, "buyer": buyer})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await merchant.http.post(path, content=form, headers=headers)


async def test_a_code_is_scanned_and_paid_in_a_browser(merchant):
    page = await merchant.prepay(description="Tea & <b>cake</b>")
    scan = "/scan?" + urlencode({"code": page})
    shown = await merchant.http.get(scan)
    assert "Tea &amp; &lt;b&gt;cake&lt;/b&gt;" in shown.text
    assert "88.88" in shown.text
    assert "BALANCE_NOT_ENOUGH" in (await press(merchant, scan, "not_enough_balance")).text
    assert "PAYER_MISMATCH" in (await press(merchant, scan, "scan", "bob")).text
    paid = await press(merchant, scan, "enter_password")
    assert "SUCCESS" in paid.text
    assert merchant.simulator.books()["ORDER00001"].captured_minor == 8888
    assert "enter_password" not in (await merchant.http.get(scan)).text


async def test_an_h5_payer_returns_to_the_shop(merchant):
    link = await merchant.prepay("h5", scene_info=WAP)
    back = "https://shop.example/thanks?order=1"
    path = f"{path_of(link)}&redirect_url={quote(back, '')}"
    left = await press(merchant, path, "leave")
    assert (left.status_code, left.headers["location"]) == (303, back)
    paid = await press(merchant, path, "enter_password")
    assert f'href="{back}"' in paid.text


async def test_a_way_back_that_is_no_web_address_is_not_shown(merchant):
    link = await merchant.prepay("h5", scene_info=WAP)
    path = f"{path_of(link)}&redirect_url={quote('javascript:alert(1)', '')}"
    paid = await press(merchant, path, "enter_password")
    assert "javascript" not in paid.text
    assert urlsplit(link).path == "/h5/cashier"


async def test_a_link_opened_from_nowhere_may_be_refused(merchant):
    link = path_of(await merchant.prepay("h5", scene_info=WAP))
    merchant.simulator.switches.require_h5_referer = True
    assert "NO_REFERER" in (await merchant.http.get(link)).text
    shop = {"referer": "https://shop.example/"}
    assert "88.88" in (await merchant.http.get(link, headers=shop)).text


async def test_what_is_no_page_says_so(merchant):
    assert "NO_SUCH_PAGE" in (await merchant.http.get("/scan?code=hello")).text
    page = await merchant.prepay()
    scan = "/scan?" + urlencode({"code": page})
    assert "NO_SUCH_ACTION" in (await press(merchant, scan, "rob")).text


async def test_all_orders_are_listed(merchant):
    assert "Nothing was ordered yet" in (await merchant.http.get("/")).text
    await merchant.paid()
    listed = (await merchant.http.get("/")).text
    assert "ORDER00001" in listed
    assert "SUCCESS" in listed


async def test_pages_load_nothing_from_outside(merchant):
    page = await merchant.prepay()
    html = (await merchant.http.get("/scan?" + urlencode({"code": page}))).text
    assert "src=" not in html
    assert "//" not in html.replace("weixin://", "")
