"""An order explained over HTTP: the same facts as on the command line."""

from typing import Any

import pytest

from retender.entrypoints.views.explanation_view import ExplanationView
from retender.tests.entrypoints.shop import Json

pytestmark = pytest.mark.asyncio


async def explained(shop, order_no: str = "o-1", **query: str) -> Json:
    answer = await shop.http.get(f"/v1/orders/{order_no}/story", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kinds(attempt: Json) -> list[str]:
    return [line["kind"] for line in attempt["lines"]]


async def test_a_second_payment_is_explained_from_its_first_page_to_the_refund(shop):
    await shop.place()
    old = await shop.page(page_kind="qr")
    shop.clock.pass_by(minutes=5)
    await shop.page(page_kind="qr")
    await shop.pay_for_real(account="other")
    shop.clock.pass_by(minutes=1)
    late = await shop.pay()
    assert late.json()["code"] == "PAY_ORDER_STATE_ERROR"

    told = await explained(shop)
    first, second = told["attempts"]
    assert first["attempt"]["attempt_id"] == old["attempt_id"]
    assert {"attempt.made", "page.handed_out", "page.left"} <= set(kinds(first))
    (answer,) = (line for line in first["lines"] if line["kind"] == "provider.answer")
    assert answer["facts"]["answer"]["state"] == "not found"
    (why_new,) = (line for line in second["lines"] if line["kind"] == "page.not_reused")
    assert why_new["facts"]["earlier"][0] == {"idx": 1, "misfits": ["account"]}
    assert why_new["after_ms"] == 300_000
    (refusal,) = (line for line in told["lines"] if line["kind"] == "pay.refused")
    assert refusal["facts"]["problem"]["code"] == "PAY_ORDER_STATE_ERROR"
    assert (refusal["facts"]["account"], refusal["after_ms"]) == ("sandbox", 360_000)

    summary = told["summary"]
    assert summary["winner"] == second["attempt"]["attempt_id"]
    assert summary["evidence"]["kind"] == "provider.notice"
    assert summary["evidence"]["facts"]["answer"]["number"] == second["attempt"]["number"]
    assert summary["evidence"] in second["lines"]
    assert summary["kept"]["amount"] == "88.80"
    (end,) = summary["open"]
    assert end["attempt_id"] == old["attempt_id"], "a page that was never scanned is watched on"


async def test_what_is_still_open_says_when_it_is_looked_at(shop):
    await shop.place()
    await shop.page()
    told = await explained(shop)
    order, attempt = told["summary"]["open"]
    assert (order["of"], order["until"]) == ("order", told["order"]["pay_until"])
    assert attempt["attempt_id"] == told["attempts"][0]["attempt"]["attempt_id"]
    assert attempt["look_at"] == told["attempts"][0]["next_look_at"]
    assert attempt["until"] == told["attempts"][0]["watch_until"]
    assert told["summary"]["winner"] is None
    assert told["summary"]["evidence"] is None


async def test_every_line_of_the_story_is_there_once_and_in_order(shop):
    await shop.place()
    await shop.pay_for_real()
    told = await explained(shop)
    lines = told["lines"] + [line for a in told["attempts"] for line in a["lines"]]
    story = (await shop.story())["story"]
    assert sorted(line["seq"] for line in lines) == list(range(1, len(story) + 1))
    by_seq = {line["seq"]: line for line in lines}
    for seq, entry in enumerate(story, 1):
        assert (by_seq[seq]["what"], by_seq[seq]["why"]) == (entry["what"], entry["why"])
    assert ExplanationView.model_validate(told).order.order_no == "o-1"


async def test_an_order_is_explained_to_its_user_and_to_no_other(shop):
    await shop.place()
    assert (await explained(shop, user_id="user-7"))["order"]["user_id"] == "user-7"
    theirs = await shop.http.get("/v1/orders/o-1/story", params={"user_id": "user-8"})
    none = await shop.http.get("/v1/orders/o-2/story")
    for answer in (theirs, none):
        assert (answer.status_code, answer.json()["code"]) == (404, "PAY_ORDER_NOT_EXIST")


async def test_sentences_come_in_the_language_that_the_reader_prefers(shop):
    """And nothing else of the answer depends on it."""
    await shop.place()
    await shop.pay_for_real()
    for path in ("/v1/orders/o-1/story", "/v1/orders/o-1?expand=story"):
        english = await shop.http.get(path)
        chinese = await shop.http.get(path, headers={"Accept-Language": "zh-CN,en;q=0.5"})
        assert english.headers["Content-Language"] == "en"
        assert chinese.headers["Content-Language"] == "zh"
        assert chinese.headers["Vary"] == "Accept-Language"
        assert "订单 NEW -> PAID" in chinese.text
        assert "order NEW -> PAID" in english.text
        assert speechless(english.json()) == speechless(chinese.json())


def speechless(found: Any) -> Any:
    """Leave the sentences of all lines out."""
    if isinstance(found, list):
        return [speechless(each) for each in found]
    if isinstance(found, dict):
        return {k: speechless(each) for k, each in found.items() if k not in {"what", "why"}}
    return found


async def test_facts_are_amounts_and_times_as_everywhere(shop):
    await shop.place()
    await shop.pay_for_real()
    told = await explained(shop)
    (placed,) = (line for line in told["lines"] if line["kind"] == "order.placed")
    assert placed["facts"] == {
        "amount": told["order"]["amount"],
        "pay_until": told["order"]["pay_until"],
    }
    (paid,) = (line for line in told["lines"] if line["kind"] == "order.changed")
    assert (paid["facts"]["before"], paid["facts"]["after"]) == ("NEW", "PAID")
    cause = paid["facts"]["cause"]
    assert (cause["reason"], cause["source"]) == ("taken", "notice")
    assert cause["amount"] == told["summary"]["taken"]
    assert told["summary"]["evidence"]["seq"] < paid["seq"], "the cause stands first"


ANN = {"email": "ann@canary.example", "name": "Ann Canary", "phone": "+8613900139000"}


async def test_no_page_and_no_secret_is_told(shop):
    """A page is as good as a signature, and who the payer is there is nobody's business."""
    await shop.place()
    page = await shop.page(page_kind="qr", payer={"openid": "openid-canary-0"})
    await shop.page(client_type="wechat_h5", payer={"openid": "openid-canary"} | ANN)
    await shop.page(client_type="wechat_h5", payer={"openid": "openid-canary-2"})
    answer = await shop.http.get("/v1/orders/o-1/story")
    assert answer.status_code == 200
    assert "openid" in answer.text, "that it differs is told"
    assert "openid-canary" not in answer.text
    assert [each for each in ANN.values() if each in answer.text] == []
    assert page["page"]["content"] not in answer.text
