"""Notices: believed when proven, harmless when repeated, never dropped when they fit nothing."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.plugins.sandbox.wire import signed_headers
from retender.ports.payment_provider import RawNotice
from retender.tests.entrypoints.shop import SECRET, START

pytestmark = pytest.mark.asyncio


async def paid_notice(shop, amount="88.80") -> RawNotice:
    """Let a payer pay a page, and hold the notice back."""
    await shop.place(amount=amount)
    page = await shop.page()
    (attempt,) = (await shop.story())["attempts"]
    assert attempt["attempt_id"] == page["attempt_id"]
    gateway = shop.gateways["sandbox"]
    if not gateway.notices:
        gateway.ledger.pay(attempt["number"], "buyer")
    return gateway.notices.pop()


def rewritten(notice: RawNotice, **changes: object) -> RawNotice:
    """Change what it says, and sign it as the gateway would."""
    body = json.dumps(json.loads(notice.body) | changes)
    headers = signed_headers(SECRET, "notice", START, body)
    return replace(notice, body=body.encode(), headers=headers)


async def state(shop) -> str:
    return (await shop.story())["order"]["state"]


async def test_a_proven_notice_pays_the_order_and_is_answered_in_the_providers_words(shop):
    answer = await shop.take(await paid_notice(shop))
    assert (answer.status_code, answer.headers["Retender-Notice"]) == (200, "NOTICE_TAKEN")
    assert "json" not in answer.headers["content-type"]
    assert answer.content
    assert await state(shop) == "PAID"


async def test_the_same_notice_again_is_acknowledged_and_changes_nothing(shop):
    notice = await paid_notice(shop)
    first = await shop.take(notice)
    story = await shop.story()
    second = await shop.take(notice)
    assert second.headers["Retender-Notice"] == "NOTICE_REPEATED"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert await shop.story() == story


def unsigned(notice):
    return replace(notice, headers={"content-type": "application/json"})


def wrong_key(notice):
    body = notice.body.decode()
    return replace(notice, headers=signed_headers("another-secret-012", "notice", START, body))


def changed(notice):
    return replace(notice, body=notice.body.replace(b"8880", b"8881"))


def truncated(notice):
    return replace(notice, body=notice.body[:-10])


def cut_and_signed(notice):
    body = notice.body.decode()[:-10]
    headers = signed_headers(SECRET, "notice", START, body)
    return replace(notice, body=body.encode(), headers=headers)


def not_utf8(notice):
    return replace(notice, body=notice.body + b"\xff\xfe")


def stale(notice):
    body = notice.body.decode()
    at = START - timedelta(days=2)
    return replace(notice, headers=signed_headers(SECRET, "notice", at, body))


def empty(notice):
    return replace(notice, body=b"")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (unsigned, "NOTICE_UNSIGNED"),
        (wrong_key, "NOTICE_SIGNATURE_WRONG"),
        (changed, "NOTICE_SIGNATURE_WRONG"),
        (truncated, "NOTICE_SIGNATURE_WRONG"),
        (empty, "NOTICE_SIGNATURE_WRONG"),
        (cut_and_signed, "NOTICE_MALFORMED"),
        (not_utf8, "NOTICE_NOT_UTF8"),
        (stale, "NOTICE_STALE"),
    ],
)
async def test_what_is_not_proven_is_not_believed(shop, spoil, code):
    notice = await paid_notice(shop)
    before = await shop.story()
    answer = await shop.take(spoil(notice))
    assert answer.headers["Retender-Notice"] == code
    assert answer.status_code >= 400, "an honest provider sends it again"
    assert await shop.story() == before
    good = await shop.take(notice)
    assert good.headers["Retender-Notice"] == "NOTICE_TAKEN"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"merchant": "somebody-else"}, "EVIDENCE_FOREIGN"),
        ({"minor": 8879}, "EVIDENCE_AMOUNT_MISMATCH"),
        ({"number": "NEVERMADE01"}, "EVIDENCE_UNKNOWN_NUMBER"),
    ],
)
async def test_evidence_that_fits_nothing_is_kept_for_a_human(shop, changes, code):
    notice = await paid_notice(shop)
    said = json.loads(notice.body)
    known = {key: value for key, value in changes.items() if key in said}
    assert known == changes, f"the sandbox's notices hold {sorted(said)}"
    answer = await shop.take(rewritten(notice, **changes))
    assert answer.headers["Retender-Notice"] == code
    assert answer.status_code == 200, "sending it again would not help"
    assert await state(shop) == "NEW"
    (item,) = await shop.container.list_attention_history()()
    assert item.code == code


async def test_a_payment_of_too_little_pays_nothing(shop):
    answer = await shop.take(await paid_notice(shop, amount="90.09"))
    assert answer.headers["Retender-Notice"] == "EVIDENCE_AMOUNT_MISMATCH"
    assert await state(shop) == "NEW"


async def test_a_stranger_is_not_told_which_accounts_there_are(shop):
    answer = await shop.take(await paid_notice(shop), account="sandbx")
    assert (answer.status_code, answer.json()["code"]) == (422, "ACCOUNT_UNKNOWN")
    names = [account.name for account in shop.container.accounts().all()]
    assert names
    assert not [name for name in names if name in answer.text.replace("sandbx", "")]
    assert await state(shop) == "NEW"


@pytest.mark.parametrize("size", [65_537, 5 * 1024 * 1024])
async def test_a_notice_that_is_too_long_is_not_read(shop, size):
    answer = await shop.http.post("/v1/notices/sandbox", content=b"x" * size)
    assert answer.status_code == 413
    assert answer.headers["Retender-Notice"] == answer.json()["code"] == "NOTICE_TOO_LARGE"


@pytest.mark.parametrize("length", ["65537", "9" * 30])
async def test_of_a_body_that_says_it_is_too_long_not_a_byte_is_read(shop, length):
    read, sent = 0, []

    async def receive():
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/notices/sandbox",
        "raw_path": b"/v1/notices/sandbox",
        "query_string": b"",
        "headers": [(b"content-length", length.encode())],
    }
    await shop.http._transport.app(scope, receive, send)
    assert sent[0]["status"] == 413
    assert read == 0


async def test_a_notice_that_hides_its_length_is_cut_off(shop):
    taken = 0

    async def endless():
        nonlocal taken
        for _ in range(80):
            taken += 65_536
            yield b"x" * 65_536

    answer = await shop.http.post("/v1/notices/sandbox", content=endless())
    assert answer.status_code == 413
    assert answer.json()["code"] == "NOTICE_TOO_LARGE"
    assert answer.headers["Retender-Notice"] == "NOTICE_TOO_LARGE"


async def test_the_longest_notice_is_read(shop):
    answer = await shop.http.post("/v1/notices/sandbox", content=b"x" * 65_536)
    assert answer.headers["Retender-Notice"] == "NOTICE_UNSIGNED"


async def test_a_notice_reaches_the_provider_byte_for_byte(shop):
    """Signatures are over bytes; headers come in lower case, the query as it stood."""
    heard = []

    async def parse(raw):
        heard.append(raw)
        return await original(raw)

    provider = shop.container.accounts().get("sandbox").provider
    original = provider.parse_notice
    spy = type(
        "Spy", (), {"parse_notice": staticmethod(parse), "acknowledge": provider.acknowledge}
    )
    accounts = shop.container.accounts()
    accounts._accounts["sandbox"] = replace(accounts.get("sandbox"), provider=spy())
    body = bytes(range(256))
    await shop.http.post(
        "/v1/notices/sandbox?a=1&b=%E8%8C%B6", content=body, headers={"X-Sign": "A=b+/"}
    )
    (raw,) = heard
    assert raw.body == body
    assert raw.query == "a=1&b=%E8%8C%B6"
    assert raw.headers["x-sign"] == "A=b+/"
    assert raw.received_at == START
