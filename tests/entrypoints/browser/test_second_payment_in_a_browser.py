"""
The payer's side in a real browser: Chromium, the pages, the simulated cashiers, real sockets.

Set ``SCREENSHOTS_TO`` to a folder to keep what the browser showed.
"""

import io
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from rich.console import Console

from retender.entrypoints.cli.demo.clock import SkippingClock
from retender.entrypoints.cli.demo.narrator import Narrator
from retender.entrypoints.cli.demo.stage import Stage, set_stage

pytestmark = pytest.mark.asyncio

SUBJECT = "茉莉花茶 & a <b>teapot</b> \"'=+%"
CHROMIUM = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)


@pytest_asyncio.fixture
async def stage(tmp_path) -> AsyncIterator[Stage]:
    """Start simulators, server and worker."""
    clock = SkippingClock()
    async with set_stage(Narrator(Console(file=io.StringIO()), clock), clock, tmp_path) as stage:
        yield stage


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the machine's own Chromium."""
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM HERE: no page was opened in a real browser")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        await browser.close()


async def picture(page: Page, name: str) -> None:
    """Keep what the browser shows, if somebody wants to look."""
    if folder := os.environ.get("SCREENSHOTS_TO"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def watched(browser: Browser, *, phone: bool = False) -> tuple[Page, list[str]]:
    """Open a window, and note what the browser complains of: scripts, policies, not statuses."""
    size = (390, 800) if phone else (900, 800)
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
    complaints: list[str] = []

    def note(text: str) -> None:
        if not text.startswith("Failed to load resource"):
            complaints.append(text)

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    return page, complaints


async def test_leaving_a_qr_code_and_paying_with_the_other_wallet_on_the_phone(stage, browser):
    """The good day: WeChat's code on the PC, Alipay's cashier on the phone, paid once."""
    await stage.shop.place("B1", SUBJECT, "128.00")
    pc, pc_complaints = await watched(browser)
    first = await stage.shop.pay("B1", "wechat", "pc")
    await pc.goto(first["page_url"])
    await expect(pc.locator("svg")).to_be_visible()
    await expect(pc.get_by_text(SUBJECT)).to_be_visible()
    await picture(pc, "pc-wechat-qr")

    phone, phone_complaints = await watched(browser, phone=True)
    second = await stage.shop.pay("B1", "alipay", "h5")
    await phone.goto(second["page_url"])
    await phone.get_by_role("button", name="Enter password and pay").click()
    await picture(phone, "phone-alipay-paid")

    story = await stage.shop.story_when("B1", lambda story: story["order"]["state"] == "PAID")
    assert story["order"]["state"] == "PAID"
    assert [attempt["state"] for attempt in story["attempts"]] == ["CLOSED", "SUCCEEDED"]
    # The first window learns by itself that nothing more is due.
    await expect(pc.get_by_text("This order is paid")).to_be_visible(timeout=15_000)
    await picture(pc, "pc-order-is-paid")
    assert pc_complaints == []
    assert phone_complaints == []


async def test_a_form_posts_itself_and_what_is_paid_twice_goes_back(stage, browser):
    """The bad day: Alipay's cashier stays open in a tab, WeChat is paid, then the tab too."""
    await stage.shop.place("B2", SUBJECT, "128.00")
    tab, complaints = await watched(browser)
    first = await stage.shop.pay("B2", "alipay", "pc")
    assert first["page"]["kind"] == "form"
    await tab.goto(first["page_url"])
    pay = tab.get_by_role("button", name="Enter password and pay")
    await expect(pay).to_be_visible()
    await expect(tab.get_by_text("128.00")).to_be_visible()
    await picture(tab, "pc-alipay-cashier")

    phone, phone_complaints = await watched(browser, phone=True)
    second = await stage.shop.pay("B2", "wechat", "h5")
    await phone.goto(second["page_url"])
    await phone.get_by_role("button", name="Enter password and pay").click()
    await stage.shop.story_when("B2", lambda story: story["order"]["state"] == "PAID")
    await picture(phone, "phone-wechat-paid")

    await pay.click()
    story = await stage.shop.story_when(
        "B2", lambda story: story["attempts"][0]["state"] == "REFUNDED"
    )
    assert [attempt["state"] for attempt in story["attempts"]] == ["REFUNDED", "SUCCEEDED"]
    assert complaints == []
    assert phone_complaints == []
