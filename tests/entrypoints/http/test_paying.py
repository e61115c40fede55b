"""A shop's whole business over HTTP: place, pay, come back, pay another way, refund, look."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from retender.domain.model.payer import Payer
from retender.entrypoints.views.order_view import ShownOrderView
from retender.tests.entrypoints.shop import START, open_shop, order, request

pytestmark = pytest.mark.asyncio

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)
PC = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


# --- placing ----------------------------------------------------------------------------


async def test_placing_twice_makes_one_order(shop):
    first = await shop.http.post("/v1/orders", json=order())
    second = await shop.http.post("/v1/orders", json=order())
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["Location"] == "http://127.0.0.1:8000/v1/orders/o-1"
    assert first.json()["amount"] == {"amount": "88.80", "currency": "CNY", "minor": 8880}
    assert first.json()["pay_until"] == "2026-07-01T08:30:00Z"


async def test_the_shop_says_how_long_the_payer_has(shop):
    placed = await shop.place(pay_within_seconds=120)
    assert placed["pay_until"] == "2026-07-01T08:02:00Z"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"), [("88", "JPY", 88), ("1.234", "KWD", 1234), ("0.01", "CNY", 1)]
)
async def test_amounts_are_exact_in_every_currency(shop, amount, currency, minor):
    body = order() | {"amount": {"amount": amount, "currency": currency}}
    placed = (await shop.http.post("/v1/orders", json=body)).json()
    assert placed["amount"] == {"amount": amount, "currency": currency, "minor": minor}


@pytest.mark.parametrize(
    "subject", ["& + = % < > \" '", "茉莉花茶 两罐", "🍵 tea 👨‍👩‍👧", "a" * 120]
)
async def test_any_subject_survives_the_way_to_the_page(shop, subject):
    await shop.place(subject=subject)
    page = await shop.page()
    assert (await shop.story())["order"]["subject"] == subject
    html = await shop.http.get(page["page_url"].removeprefix("http://127.0.0.1:8000"))
    assert html.status_code == 200
    assert "<h1>" in html.text


# --- paying -----------------------------------------------------------------------------


async def test_coming_back_shows_the_same_page(shop):
    await shop.place()
    first, second = await shop.page(), await shop.page()
    assert second == first | {"reused": True}
    assert first["page_url"] == f"http://127.0.0.1:8000/pages/{first['attempt_id']}"


async def test_another_way_to_pay_is_a_second_attempt_beside_the_first(shop):
    await shop.place()
    await shop.page()
    await shop.page(account="other", client_type="h5")
    attempts = (await shop.story())["attempts"]
    assert [(a["idx"], a["account"], a["client_type"]) for a in attempts] == [
        (1, "sandbox", "pc"),
        (2, "other", "h5"),
    ]


@pytest.mark.parametrize(
    ("client_type", "page_kind", "more"),
    [
        ("pc", "form", {}),
        ("pc", "redirect", {"page_kind": "redirect"}),
        ("pc", "qr", {"page_kind": "qr"}),
        ("h5", "redirect", {}),
        ("app", "app_string", {}),
    ],
)
async def test_each_client_gets_a_page_that_it_can_show(shop, client_type, page_kind, more):
    await shop.place()
    page = await shop.page(client_type=client_type, **more)
    assert page["page"]["kind"] == page_kind
    html = await shop.http.get(f"/pages/{page['attempt_id']}")
    assert html.status_code == 200
    assert html.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("user_agent", "client_type"), [(PC, "pc"), (PHONE, "h5")])
async def test_the_browser_tells_the_client_type(shop, user_agent, client_type):
    await shop.place()
    body = request()
    del body["client_type"]
    headers = {"User-Agent": user_agent}
    paid = await shop.http.post("/v1/orders/o-1/pay", json=body, headers=headers)
    assert paid.json()["client_type"] == client_type
    listed = await shop.http.get("/v1/orders/o-1/methods?user_id=user-7", headers=headers)
    assert listed.json()["client_type"] == client_type


async def test_who_calls_is_the_shop_so_the_payers_address_is_what_is_said(shop):
    await shop.place("o-1")
    await shop.place("o-2")
    ours = await shop.page("o-1")
    said = await shop.page("o-2", payer={"client_ip": "203.0.113.9"})
    async with shop.container.unit_of_work()(read_only=True) as work:
        attempts = [await work.attempts.get(each["attempt_id"]) for each in (ours, said)]
    assert [a.charge.payer.client_ip for a in attempts if a] == [None, "203.0.113.9"]


async def test_all_that_a_payer_may_supply_reaches_the_charge(shop):
    ann = {
        "openid": "o1",
        "client_ip": "203.0.113.9",
        "return_url": "https://shop.example/",
        "email": "ann@example.com",
        "name": "Ann",
        "phone": "+8613800138000",
        "language": "zh-CN",
        "shipping_country": "CN",
    }
    await shop.place()
    page = await shop.page(payer=ann)
    async with shop.container.unit_of_work()(read_only=True) as work:
        attempt = await work.attempts.get(page["attempt_id"])
    assert attempt.charge.payer == Payer(**ann)


async def test_a_lost_answer_is_no_failure_and_the_next_press_gets_the_page(shop):
    await shop.place(amount="90.03")
    pending = await shop.pay()
    assert pending.status_code == 202
    assert pending.headers["Retry-After"] == str(pending.json()["retry_after_seconds"])
    assert pending.json()["status"] == "answer_pending"
    page = await shop.page()
    assert page["attempt_id"] == pending.json()["attempt_id"]


async def test_the_order_is_paid_once_when_the_notice_comes(shop):
    await shop.place()
    story = await shop.pay_for_real()
    assert story["order"]["state"] == "PAID"
    assert [a["winner"] for a in story["attempts"]] == [True]
    assert [e["kind"] for e in story["events"]] == ["order.paid"]
    assert story["events"][0]["data"]["amount"] == story["order"]["amount"], "told alike"
    assert ShownOrderView.model_validate(story).order.state == "PAID"


async def test_what_is_paid_twice_is_a_surplus_with_its_refund(shop):
    await shop.place()
    first = await shop.page(page_kind="qr")
    await shop.pay_for_real(account="other")
    await shop.scan_and_pay(first)
    story = await shop.story()
    assert story["order"]["state"] == "PAID"
    (surplus,) = story["surpluses"]
    assert (surplus["cause"], surplus["refund_state"]) == ("duplicate", "DUE")
    assert (await shop.http.get(f"/v1/refunds/{surplus['refund_no']}")).json()["state"] == "DUE"


async def test_the_cashier_lists_what_can_be_used_and_what_it_needs(shop):
    await shop.place()
    answer = await shop.http.get("/v1/orders/o-1/methods?user_id=user-7&client_type=pc")
    methods = answer.json()["methods"]
    assert [(m["account"], m["title"], m["page_kind"]) for m in methods] == [
        ("sandbox", "Sandbox", "form"),
        ("other", "Other", "form"),
    ]
    assert all(m["available"] and m["instalments"] == [3, 6, 12] for m in methods)


# --- closing and refunding ------------------------------------------------------------------


async def test_a_closed_order_takes_no_payment_and_closing_twice_is_harmless(shop):
    await shop.place()
    await shop.page()
    first = await shop.http.post("/v1/orders/o-1/close", json={"user_id": "user-7"})
    second = await shop.http.post("/v1/orders/o-1/close")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["state"] == second.json()["state"] == "CLOSED"
    assert (await shop.pay()).json()["code"] == "PAY_ORDER_STATE_ERROR"


@pytest.mark.parametrize(
    ("body", "word", "state"),
    [
        ({}, "refund", "CANCELLING"),
        ({"user_id": "user-7"}, "refund", "CANCELLING"),
        ({"late_payment": "accept"}, "accept", "EXPIRING"),
    ],
)
async def test_the_shop_says_what_becomes_of_money_that_comes_all_the_same(shop, body, word, state):
    """Its QR code was not scanned yet, so that nothing can be closed."""
    await shop.place()
    await shop.page(page_kind="qr")
    closed = (await shop.http.post("/v1/orders/o-1/close", json=body)).json()
    assert (closed["late_payment"], closed["state"]) == (word, state)


async def test_a_refund_is_made_once_under_its_number(shop):
    await shop.place()
    await shop.pay_for_real()
    body = {"refund_no": "r-1", "amount": {"amount": "8.80", "currency": "CNY"}}
    first = await shop.http.post("/v1/orders/o-1/refunds", json=body)
    second = await shop.http.post("/v1/orders/o-1/refunds", json=body)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.json()["state"] == "DONE"
    assert first.headers["Location"].endswith("/v1/refunds/r-1")
    assert (await shop.http.get("/v1/refunds/r-1")).json() == first.json()
    (trade,) = shop.gateways["sandbox"].ledger.all()
    assert trade.refunded_minor == 880


async def test_a_refund_that_takes_its_time_is_accepted(shop):
    await shop.place(amount="90.08")
    await shop.pay_for_real()
    answer = await shop.http.post("/v1/orders/o-1/refunds", json={"refund_no": "r-1"})
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["amount"]["amount"] == "90.08"
    shop.clock.pass_by(minutes=2)
    await shop.container.worker().run_once()
    assert (await shop.http.get("/v1/refunds/r-1")).json()["state"] == "DONE"


# --- pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happens", "status", "heading"),
    [
        ("nothing", 200, "Tea"),
        ("paid", 409, "This order is paid"),
        ("closed", 409, "This order is closed"),
        ("switched", 409, "There is a newer page"),
        ("too late", 409, "The time to pay is over"),
    ],
)
async def test_a_page_says_what_became_of_it(shop, happens, status, heading):
    await shop.place()
    page = await shop.page()
    match happens:
        case "paid":
            await shop.pay_for_real()
        case "closed":
            await shop.http.post("/v1/orders/o-1/close")
        case "switched":
            await shop.page(account="other")
        case "too late":
            shop.clock.pass_by(minutes=31)
    answer = await shop.http.get(f"/pages/{page['attempt_id']}")
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_page_that_never_was_is_told_apart_by_nobody(shop):
    answer = await shop.http.get("/pages/01ARYZ6S41TSV4RRFFQ69G5FAV")
    assert answer.status_code == 404
    assert "<h1>There is no such page</h1>" in answer.text


async def test_times_in_answers_are_utc(shop):
    placed = await shop.place()
    assert placed["created_at"] == START.isoformat().replace("+00:00", "Z")


async def test_of_a_gateway_whose_clock_is_off_the_payer_is_sent_to_another(shop_settings):
    async with open_shop(shop_settings) as shop:
        now, clock = shop.clock.now, shop.container.gateway_clocks().of("sandbox")
        for _ in range(2):
            clock.learn(format_datetime(now + timedelta(minutes=5), usegmt=True), asked_at=now)
        await shop.place()
        refused = await shop.pay()
        offered = (
            await shop.http.get("/v1/orders/o-1/methods?user_id=user-7&client_type=pc")
        ).json()
        await shop.page(account="other")
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (503, "PROVIDER_CLOCK_OFF")
    assert refused.headers["Retry-After"] == "60"
    assert problem["type"] == "urn:retender:problem:provider_clock_off"
    assert (problem["seconds_apart"], problem["seconds_allowed"]) == (300, 120)
    assert "pay another way" in problem["detail"]
    assert {m["account"]: m["why_not"] for m in offered["methods"]} == {
        "sandbox": "PROVIDER_CLOCK_OFF",
        "other": None,
    }
