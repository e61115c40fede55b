"""Money that is taken once more under one number is seen, summed up, and a human decides."""

import json

import pytest

from retender.domain.model.incident import IncidentCode
from retender.domain.model.money import Money
from retender.domain.use_cases.verdict import Verdict
from retender.ports.payment_provider import RawNotice

pytestmark = pytest.mark.asyncio


@pytest.fixture
def shop(shop):
    """Let the gateway's trade numbers identify captures."""
    shop.wechat.trade_no_is_capture = True
    return shop


async def paid(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


def notice_of(shop, number, trade_no, key):
    body = {"key": key, "number": number, "sign": "good", "trade_no": trade_no}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def test_another_trade_number_is_another_capture_and_a_humans(shop):
    number = await paid(shop)
    for key in ("k1", "k2"):  # told twice, kept once
        taken = await shop.hear("wechat", notice_of(shop, number, "T-OTHER", key))
        assert taken.order_no == "A1"
    story = await shop.story()
    (capture,) = story.captures
    assert (capture.provider_trade_no, capture.amount) == ("T-OTHER", Money(8880, "CNY"))
    (incident,) = story.incidents
    assert incident.code is IncidentCode.FURTHER_CAPTURE
    assert incident.data["provider_trade_no"] == "T-OTHER"
    assert incident.data["first_trade_no"] == f"T{number}"
    verdict = Verdict.of(story)
    assert (verdict.taken, verdict.kept) == (Money(17760, "CNY"), Money(17760, "CNY"))
    assert story.refunds == [], "no refund of the kept payment by itself"


async def test_a_provider_that_names_one_capture_by_two_ids_took_no_more(shop):
    shop.wechat.trade_no_is_capture = False
    number = await paid(shop)
    await shop.hear("wechat", notice_of(shop, number, "CHARGE-1", "k1"))
    story = await shop.story()
    assert (list(story.captures), list(story.incidents)) == ([], [])
    assert Verdict.of(story).taken == Money(8880, "CNY")


async def test_the_first_trade_number_that_is_heard_is_the_captures_own(shop):
    """The first notice bore none: the second one names the same capture, not another."""
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    await shop.hear("wechat", notice_of(shop, number, None, "k1"))
    assert (await shop.attempt()).provider_trade_no is None
    await shop.hear("wechat", notice_of(shop, number, "T-1", "k2"))
    assert (await shop.attempt()).provider_trade_no == "T-1"
    assert list((await shop.story()).captures) == []
    await shop.hear("wechat", notice_of(shop, number, "T-2", "k3"))
    assert len((await shop.story()).captures) == 1


async def test_evidence_without_a_trade_number_says_nothing_new(shop):
    number = await paid(shop)
    await shop.hear("wechat", notice_of(shop, number, None, "k1"))
    assert list((await shop.story()).captures) == []
