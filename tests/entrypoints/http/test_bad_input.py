"""What cannot be meant: each mistake has its own clear error, and changes nothing."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from retender.entrypoints.http.openapi import ProblemView
from retender.tests.entrypoints.shop import Json, Shop, open_shop, order, request, settings_in

pytestmark = pytest.mark.asyncio

ORDERS, PAY, REFUNDS = "/v1/orders", "/v1/orders/o-1/pay", "/v1/orders/o-1/refunds"
METHODS, CLOSE = "/v1/orders/o-1/methods", "/v1/orders/o-1/close"


class Row(NamedTuple):
    """One mistake: what is sent, where, after what, and how it is answered."""

    mistake: str
    path: str
    body: Any
    status: int
    code: str
    before: str = "open"
    method: str = "POST"


def amount(text: object, currency: object = "CNY") -> Json:
    return order("o-2") | {"amount": {"amount": text, "currency": currency}}


def subject(text: object) -> Json:
    return order("o-2", subject=text)


def refund(text: object = "8.80", currency: str = "CNY", **more: object) -> Json:
    return {"refund_no": "r-2", "amount": {"amount": text, "currency": currency}, **more}


def without(body: Json, name: str) -> Json:
    return {key: value for key, value in body.items() if key != name}


PLACING = [
    Row("negative amount", ORDERS, amount("-1.00"), 422, "AMOUNT_INVALID"),
    Row("zero", ORDERS, amount("0.00"), 422, "AMOUNT_INVALID"),
    Row("huge amount", ORDERS, amount("99999999999.99"), 422, "AMOUNT_INVALID"),
    Row("endless amount", ORDERS, amount("9" * 10_000), 422, "AMOUNT_INVALID"),
    Row("fraction of a fen", ORDERS, amount("88.888"), 422, "AMOUNT_INVALID"),
    Row("fraction of a yen", ORDERS, amount("88.8", "JPY"), 422, "AMOUNT_INVALID"),
    Row("amount with exponent", ORDERS, amount("1e3"), 422, "AMOUNT_INVALID"),
    Row("amount with a space", ORDERS, amount(" 1"), 422, "AMOUNT_INVALID"),
    Row("amount with a comma", ORDERS, amount("1,00"), 422, "AMOUNT_INVALID"),
    Row("amount in other digits", ORDERS, amount("\u0663"), 422, "AMOUNT_INVALID"),
    Row("empty amount", ORDERS, amount(""), 422, "AMOUNT_INVALID"),
    Row("amount as a JSON number", ORDERS, amount(88.8), 422, "AMOUNT_INVALID"),
    Row("amount as a whole JSON number", ORDERS, amount(88), 422, "AMOUNT_INVALID"),
    Row("amount as true", ORDERS, amount(text=True), 422, "AMOUNT_INVALID"),
    Row("no amount", ORDERS, amount(None), 422, "AMOUNT_INVALID"),
    Row(
        "amount without currency", ORDERS, order("o-2") | {"amount": "88.80"}, 422, "INPUT_INVALID"
    ),
    Row("unknown currency", ORDERS, amount("1", "XXX"), 422, "CURRENCY_UNKNOWN"),
    Row("small letters", ORDERS, amount("1", "cny"), 422, "CURRENCY_UNKNOWN"),
    Row("currency as a number", ORDERS, amount("1", 156), 422, "CURRENCY_UNKNOWN"),
    Row("no subject", ORDERS, subject("  "), 422, "TEXT_INVALID"),
    Row("over-long subject", ORDERS, subject("x" * 121), 422, "TEXT_INVALID"),
    Row("line break in subject", ORDERS, subject("a\nb"), 422, "TEXT_INVALID"),
    Row("NUL in subject", ORDERS, subject("a\0b"), 422, "TEXT_INVALID"),
    Row("direction override", ORDERS, subject("a\u202eb"), 422, "TEXT_INVALID"),
    Row("subject as a number", ORDERS, subject(7), 422, "INPUT_INVALID"),
    Row("space in order number", ORDERS, order("o 2"), 422, "NUMBER_INVALID"),
    Row("path in order number", ORDERS, order("../o"), 422, "NUMBER_INVALID"),
    Row("over-long order number", ORDERS, order("x" * 65), 422, "NUMBER_INVALID"),
    Row("other letters in order number", ORDERS, order("é"), 422, "NUMBER_INVALID"),
    Row("space in user", ORDERS, order("o-2", user_id="u 7"), 422, "NUMBER_INVALID"),
    Row("line break in key", ORDERS, order("o-2", key="a\nb"), 422, "NUMBER_INVALID"),
    Row("no time to pay", ORDERS, order("o-2", pay_within_seconds=5), 422, "INPUT_INVALID"),
    Row("endless time", ORDERS, order("o-2", pay_within_seconds=10**9), 422, "INPUT_INVALID"),
    Row("absurd time", ORDERS, order("o-2", pay_within_seconds=10**40), 422, "INPUT_INVALID"),
    Row("unknown member", ORDERS, order("o-2", colour="red"), 422, "INPUT_INVALID"),
    Row("missing member", ORDERS, without(order("o-2"), "user_id"), 422, "INPUT_INVALID"),
    Row("other amount, same number", ORDERS, order(amount="1.00"), 409, "IDEMPOTENCY_CONFLICT"),
    Row("other user, same number", ORDERS, order(user_id="u"), 409, "IDEMPOTENCY_CONFLICT"),
    Row("second under one key", ORDERS, order("o-2", key="cart"), 409, "OPEN_ORDER_EXISTS", "cart"),
]

PAYING = [
    Row("unknown order", "/v1/orders/nope/pay", request(), 404, "PAY_ORDER_NOT_EXIST"),
    Row("strange order", "/v1/orders/a%0Ab/pay", request(), 404, "PAY_ORDER_NOT_EXIST"),
    Row("another user's order", PAY, request(user_id="user-8"), 404, "PAY_ORDER_NOT_EXIST"),
    Row("unknown account", PAY, request(account="sandbx"), 422, "ACCOUNT_UNKNOWN"),
    Row("unknown client type", PAY, request(client_type="tv"), 422, "CLIENT_TYPE_UNKNOWN"),
    Row("nobody we know", PAY, without(request(), "client_type"), 422, "INPUT_INVALID"),
    Row("unknown page kind", PAY, request(page_kind="fax"), 422, "PAGE_KIND_UNKNOWN"),
    Row("QR on the phone", PAY, request(client_type="h5", page_kind="qr"), 422, "NO_COMMON_PAGE"),
    Row("five rates", PAY, request(instalments=5), 422, "NOT_OFFERED"),
    Row("absurd rates", PAY, request(instalments=-(10**40)), 422, "NOT_OFFERED"),
    Row("rates as text", PAY, request(instalments="3"), 422, "INPUT_INVALID"),
    Row("currency not taken", PAY, request(), 422, "NOT_OFFERED", "in pounds"),
    Row("no openid", PAY, request(client_type="wechat_h5"), 422, "PAYER_INPUT_MISSING"),
    Row("address of no form", PAY, request(payer={"client_ip": "a b"}), 422, "INPUT_INVALID"),
    Row(
        "return to a script",
        PAY,
        request(payer={"return_url": "javascript:x"}),
        422,
        "INPUT_INVALID",
    ),
    Row("no e-mail", PAY, request(payer={"email": "ann"}), 422, "PAYER_INPUT_INVALID"),
    Row("local number", PAY, request(payer={"phone": "13800138000"}), 422, "PAYER_INPUT_INVALID"),
    Row("no language", PAY, request(payer={"language": "zh_CN"}), 422, "PAYER_INPUT_INVALID"),
    Row("no country", PAY, request(payer={"shipping_country": "c1"}), 422, "PAYER_INPUT_INVALID"),
    Row("blank name", PAY, request(payer={"name": " "}), 422, "PAYER_INPUT_INVALID"),
    Row("unknown member of payer", PAY, request(payer={"card": "1"}), 422, "INPUT_INVALID"),
    Row("paid order", PAY, request(), 409, "PAY_ORDER_STATE_ERROR", "paid"),
    Row("closed order", PAY, request(), 409, "PAY_ORDER_STATE_ERROR", "closed"),
    Row("too late", PAY, request(), 409, "PAY_ORDER_PAY_TIMEOUT", "late"),
]

TOLD = {
    *("five rates", "absurd rates", "currency not taken", "no openid"),
    *("paid order", "closed order", "too late"),
}
"""Mistakes in paying an order that is there: its story has a line of each."""

ASKED = {"refund of nothing"}
"""Mistakes that may be the provider's news: it is asked first, and the story has its answer."""

LOOKING = [
    Row("unknown order shown", "/v1/orders/nope", None, 404, "PAY_ORDER_NOT_EXIST", method="GET"),
    Row(
        "another user's order shown",
        "/v1/orders/o-1?user_id=user-8",
        None,
        404,
        "PAY_ORDER_NOT_EXIST",
        method="GET",
    ),
    Row(
        "unknown order explained",
        "/v1/orders/nope/story",
        None,
        404,
        "PAY_ORDER_NOT_EXIST",
        method="GET",
    ),
    Row(
        "another user's order explained",
        "/v1/orders/o-1/story?user_id=user-8",
        None,
        404,
        "PAY_ORDER_NOT_EXIST",
        method="GET",
    ),
    Row("no user", METHODS, None, 422, "INPUT_INVALID", method="GET"),
    Row(
        "methods for nobody we know",
        f"{METHODS}?user_id=user-7",
        None,
        422,
        "INPUT_INVALID",
        method="GET",
    ),
    Row(
        "methods for an unknown client",
        f"{METHODS}?user_id=user-7&client_type=tv",
        None,
        422,
        "CLIENT_TYPE_UNKNOWN",
        method="GET",
    ),
    Row(
        "methods of another user's order",
        f"{METHODS}?user_id=user-8&client_type=pc",
        None,
        404,
        "PAY_ORDER_NOT_EXIST",
        method="GET",
    ),
    Row("unknown refund", "/v1/refunds/nope", None, 404, "REFUND_NOT_EXIST", method="GET"),
    Row("unknown route", "/v2/orders", None, 404, "ROUTE_UNKNOWN", method="GET"),
    Row("wrong method", "/v1/orders/o-1", None, 405, "METHOD_NOT_ALLOWED", method="DELETE"),
]

ENDING = [
    Row("close unknown order", "/v1/orders/nope/close", {}, 404, "PAY_ORDER_NOT_EXIST"),
    Row("close another's", CLOSE, {"user_id": "user-8"}, 404, "PAY_ORDER_NOT_EXIST"),
    Row(
        "close with another word",
        CLOSE,
        {"late_payment": "accept"},
        409,
        "IDEMPOTENCY_CONFLICT",
        "closed",
    ),
    Row("close with no word", CLOSE, {"late_payment": "keep"}, 422, "INPUT_INVALID"),
    Row("close a paid order", CLOSE, {}, 409, "PAY_ORDER_STATE_ERROR", "paid"),
    Row("refund of nothing", REFUNDS, refund(), 409, "PAY_ORDER_STATE_ERROR"),
    Row("refund of no order", "/v1/orders/no/refunds", refund(), 404, "PAY_ORDER_NOT_EXIST"),
    Row("refund above paid", REFUNDS, refund("88.81"), 409, "REFUND_EXCEEDS_PAID", "paid"),
    Row("refund above left", REFUNDS, refund("80.01"), 409, "REFUND_EXCEEDS_PAID", "refunded"),
    Row("refund of zero", REFUNDS, refund("0"), 422, "AMOUNT_INVALID", "paid"),
    Row("negative refund", REFUNDS, refund("-1"), 422, "AMOUNT_INVALID", "paid"),
    Row("refund as number", REFUNDS, refund(8.8), 422, "AMOUNT_INVALID", "paid"),
    Row("refund in euro", REFUNDS, refund("1", "EUR"), 422, "AMOUNT_INVALID", "paid"),
    Row("refund in roubels", REFUNDS, refund("1", "RBL"), 422, "CURRENCY_UNKNOWN", "paid"),
    Row("refund number", REFUNDS, refund(refund_no="r 2"), 422, "NUMBER_INVALID", "paid"),
    Row("refund reason", REFUNDS, refund(reason="a\x1bb"), 422, "TEXT_INVALID", "paid"),
    Row(
        "same number, other amount",
        REFUNDS,
        refund("1.00", refund_no="r-1"),
        409,
        "IDEMPOTENCY_CONFLICT",
        "refunded",
    ),
    Row(
        "same number, other order",
        "/v1/orders/o-9/refunds",
        {"refund_no": "r-1"},
        409,
        "IDEMPOTENCY_CONFLICT",
        "refunded",
    ),
]

BODIES = [
    Row("no JSON", ORDERS, b"{", 400, "BODY_UNREADABLE"),
    Row("no UTF-8", ORDERS, b'{"subject": "\xff\xfe"}', 400, "BODY_UNREADABLE"),
    Row("nested too deep", ORDERS, b"[" * 100_000, 400, "BODY_UNREADABLE"),
    Row("endless number", ORDERS, b'{"a":' + b"9" * 5000 + b"}", 400, "BODY_UNREADABLE"),
    Row("half a letter", ORDERS, b'{"subject": "\\ud800"}', 422, "INPUT_INVALID"),
    Row("nothing", ORDERS, b"", 422, "INPUT_INVALID"),
    Row("a list", ORDERS, b"[]", 422, "INPUT_INVALID"),
    Row("a text", ORDERS, b'"order"', 422, "INPUT_INVALID"),
    Row("too long", ORDERS, b'{"subject": "' + b"x" * 262_144 + b'"}', 413, "BODY_TOO_LARGE"),
]

ROWS = [*PLACING, *PAYING, *LOOKING, *ENDING, *BODIES]


async def after(before: str, shop: Shop) -> None:
    """Bring order o-1 to where the mistake is made."""
    more: Json = {"key": "cart"} if before == "cart" else {}
    if before == "in pounds":
        body = order() | {"amount": {"amount": "88.80", "currency": "GBP"}}
        assert (await shop.http.post(ORDERS, json=body)).status_code == 201
        return
    await shop.place(**more)
    match before:
        case "open":
            await shop.page()
        case "paid":
            await shop.pay_for_real()
        case "refunded":
            await shop.place("o-9")
            await shop.pay_for_real("o-9")
            await shop.pay_for_real()
            answer = await shop.http.post(REFUNDS, json=refund(refund_no="r-1"))
            assert answer.json()["state"] == "DONE"
        case "closed":
            await shop.http.post(CLOSE)
        case "late":
            shop.clock.pass_by(minutes=30)


def state_of(settings) -> dict[str, list[tuple[object, ...]]]:
    """Everything that the database holds."""
    path = settings.database_url.get_secret_value().partition("///")[2]
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: database.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()  # noqa: S608
            for (name,) in tables
            if not name.startswith("sqlite_")
        }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mistake)
async def test_a_mistake_has_its_own_error_and_changes_nothing(shop, shop_settings, row):
    await after(row.before, shop)
    there = state_of(shop_settings)
    assert sum(map(len, there.values())) > 1

    more = {"content": row.body} if isinstance(row.body, bytes) else {"json": row.body}
    answer = await shop.http.request(
        row.method,
        row.path,
        headers={"Content-Type": "application/json"},
        **({} if row.body is None else more),
    )

    assert (answer.status_code, answer.json()["code"]) == (row.status, row.code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = ProblemView.model_validate(answer.json())
    assert problem.correlation_id == answer.headers["Correlation-Id"]
    assert problem.status == row.status
    assert len(answer.text) < 2000, "what was sent is not sent back at length"
    now = state_of(shop_settings)
    told = now.pop("story")[len(there.pop("story")) :]
    assert now == there
    # It is no state: who asks why the order was not paid finds the reason there.
    assert len(told) == (row.mistake in TOLD | ASKED), told
    assert row.mistake in ASKED or all(row.code in str(line) for line in told)


async def test_no_two_mistakes_share_a_sentence_without_need():
    names = [row.mistake for row in ROWS]
    assert len(set(names)) == len(names)


async def test_another_users_order_looks_like_none(shop):
    """Whoever guesses numbers learns nothing."""
    await shop.place("o-1")
    theirs = await shop.pay("o-1", user_id="user-8")
    none = await shop.pay("o-2", user_id="user-8")
    volatile = {"correlation_id"}
    assert {k: v for k, v in theirs.json().items() if k not in volatile} == {
        k: v.replace("o-2", "o-1") if isinstance(v, str) else v
        for k, v in none.json().items()
        if k not in volatile
    }


async def test_a_wrong_method_lists_the_right_ones(shop):
    answer = await shop.http.delete("/v1/orders")
    assert answer.headers["Allow"] == "POST"


async def test_a_body_without_an_announced_length_is_bounded_too(shop, shop_settings):
    there = state_of(shop_settings)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65_536
            yield b"x" * 65_536

    answer = await shop.http.post(ORDERS, content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert state_of(shop_settings) == there


async def test_a_providers_no_comes_with_its_own_words(shop):
    await shop.place(amount="90.02")
    answer = await shop.pay()
    assert (answer.status_code, answer.json()["code"]) == (402, "PAY_ORDER_FAIL")
    assert answer.json()["provider_code"]
    assert (await shop.story())["order"]["state"] == "NEW"


async def test_a_provider_that_is_away_may_be_tried_again(shop):
    await shop.place(amount="90.04")
    answer = await shop.pay()
    assert (answer.status_code, answer.json()["code"]) == (503, "PROVIDER_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_strict_shop_says_how_long_to_wait(shop_folder):
    strict = settings_in(shop_folder, pay={"switch_policy": "strict"})
    async with open_shop(strict) as shop:
        await shop.place()
        await shop.page(page_kind="qr")  # closing a code that nobody scanned proves nothing
        answer = await shop.pay(account="other")
        assert (answer.status_code, answer.json()["code"]) == (409, "PAY_ORDER_SWITCH_REFUSED")
        assert answer.headers["Retry-After"] == str(answer.json()["remaining_seconds"])


async def test_a_bug_of_ours_tells_no_stranger_anything(shop, caplog, monkeypatch):
    async def broken(**_: object) -> None:
        raise RuntimeError("/etc/passwd hunter2")

    dependencies = shop.http._transport.app.state.dependencies
    monkeypatch.setattr(dependencies, "show_refund", broken)
    answer = await shop.http.get("/v1/refunds/r-1")
    assert answer.status_code == 500
    assert answer.json()["code"] == "INTERNAL_ERROR"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["correlation_id"] in answer.headers["Correlation-Id"]
    assert "hunter2" in caplog.text, "but the log tells us"
