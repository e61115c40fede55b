"""Money that is taken once more under one number is seen, summed up, and a human decides."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.attention import AttentionCode
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.money import Money
from retender.domain.model.order_summary import OrderSummary
from retender.domain.model.refund import RefundCause, further_refund_number
from retender.ports.payment_provider import RawNotice, ReceiptState, RefundTerms

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
    (item,) = story.attention
    assert item.code is AttentionCode.FURTHER_CAPTURE
    assert item.data["provider_trade_no"] == "T-OTHER"
    assert item.data["first_trade_no"] == f"T{number}"
    summary = OrderSummary.of(story)
    assert (summary.taken, summary.kept) == (Money(17760, "CNY"), Money(17760, "CNY"))
    assert story.refunds == [], "no refund of the kept payment by itself"


async def test_a_provider_that_names_one_capture_by_two_ids_took_no_more(shop):
    shop.wechat.trade_no_is_capture = False
    number = await paid(shop)
    await shop.hear("wechat", notice_of(shop, number, "CHARGE-1", "k1"))
    story = await shop.story()
    assert (list(story.captures), list(story.attention)) == ([], [])
    assert OrderSummary.of(story).taken == Money(8880, "CNY")


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


@pytest.fixture
def naming(shop):
    """Let a refund say which trade's money goes back, too."""
    shop.wechat.refund_terms = RefundTerms(names_trade=True)
    return shop


async def refunds(shop):
    return [(r.cause, r.state, r.trade_no) for r in (await shop.story()).refunds]


async def test_a_further_capture_goes_back_by_itself_once_a_query_lists_both(naming):
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    assert await refunds(shop) == [(RefundCause.FURTHER, "DUE", "T-OTHER")]
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.FURTHER, "DONE", "T-OTHER")]
    assert shop.wechat.refunded_trades == ["T-OTHER"]
    assert shop.wechat.kept() == {number: 8880}
    summary = OrderSummary.of(await shop.story())
    assert (summary.taken, summary.kept) == (Money(17760, "CNY"), Money(8880, "CNY"))
    assert await shop.list_attention_history() == []
    await shop.announce_events()
    kinds = [event.kind for event in shop.told]
    assert kinds == ["order.paid", "surplus.found", "surplus.refunded"]
    assert {event.data["amount"]["amount"] for event in shop.told} == {"88.80"}


async def test_a_query_that_lists_only_one_of_the_two_is_a_humans(naming):
    """The plugin named one capture by two ids after all: the payment must not go back."""
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = []  # it lists the payment, and nothing else
    await shop.hear("wechat", notice_of(shop, number, "CHARGE-1", "k1"))
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.FURTHER, "STUCK", "CHARGE-1")]
    assert shop.wechat.refunded_trades == []
    (item,) = await shop.list_attention_history()
    assert (item.code, item.data["trade_no"]) == (AttentionCode.REFUND_STUCK, "CHARGE-1")
    assert f"T{number} and CHARGE-1" in item.data["problem"]


async def test_if_its_refunds_number_is_taken_a_human_gives_it_back(naming):
    """The shop happened to call a refund so: under that number another sum goes back."""
    shop = naming
    number = await paid(shop)
    taken = further_refund_number("wechat", "T-OTHER")
    await shop.refund_payment(order_no="A1", refund_no=taken, amount=Money(100, "CNY"))
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", None)]
    (item,) = await shop.list_attention_history()
    assert item.code is AttentionCode.FURTHER_CAPTURE
    await shop.announce_events()
    assert "surplus.found" not in [event.kind for event in shop.told]


async def test_what_the_query_that_finds_the_payment_lists_beside_it_goes_back_at_once(naming):
    shop = naming
    await shop.place()
    attempt = (await shop.page()).attempt
    shop.wechat.pay(attempt.number)
    shop.wechat.further[attempt.number] = ["T-OTHER"]
    await shop.check_attempt(attempt_id=attempt.attempt_id)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert await refunds(shop) == [(RefundCause.FURTHER, "DUE", "T-OTHER")]


async def test_without_an_answer_it_waits_and_is_not_sent(naming):
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    shop.wechat.fail("query", ProviderUncertain("lost"))
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.FURTHER, "DUE", "T-OTHER")]
    await shop.settle_down(hours=1)
    assert await refunds(shop) == [(RefundCause.FURTHER, "DONE", "T-OTHER")]


async def test_a_query_that_lists_two_tells_of_the_second_by_itself(naming):
    """No notice of it ever came; the payment itself was found by a query."""
    shop = naming
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.settle_down(hours=1)
    assert await refunds(shop) == [(RefundCause.FURTHER, "DONE", "T-OTHER")]
    assert shop.wechat.kept() == {number: 8880}


async def test_the_shop_refunds_the_payment_and_not_the_further_capture(naming):
    """What goes back of the one is not taken from the other."""
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    await shop.work_once()
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert (refund.state, refund.amount) == ("DONE", Money(8880, "CNY"))
    assert shop.wechat.refunded_trades == ["T-OTHER", f"T{number}"]
    assert shop.wechat.kept() == {number: 0}


async def test_all_that_a_query_lists_are_found_whatever_their_order(naming):
    """The payment stands among them, and the names are in no order."""
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["Z-2", "A-1", "Z-1"]
    await shop.hear("wechat", notice_of(shop, number, "Z-1", "k1"))
    found = {capture.provider_trade_no for capture in (await shop.story()).captures}
    assert found == {"Z-2", "A-1", "Z-1"}
    await shop.work_once()
    done = {(RefundCause.FURTHER, "DONE", no) for no in ("A-1", "Z-1", "Z-2")}
    assert set(await refunds(shop)) == done


async def test_each_of_two_further_captures_calls_a_human(shop):
    number = await paid(shop)
    await shop.hear("wechat", notice_of(shop, number, "T-2", "k1"))
    await shop.hear("wechat", notice_of(shop, number, "T-3", "k2"))
    items = (await shop.story()).attention
    assert [item.data["provider_trade_no"] for item in items] == ["T-2", "T-3"]
    assert {len(item.attention_id) for item in items} == {32}


async def test_the_first_that_is_listed_is_the_payment_if_no_trade_number_was_known(naming):
    shop = naming
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    await shop.hear("wechat", notice_of(shop, number, None, "k1"))
    shop.wechat.further[number] = ["T-2"]
    await shop.hear("wechat", notice_of(shop, number, None, "k2"))
    assert (await shop.attempt()).provider_trade_no == f"T{number}"
    assert [capture.provider_trade_no for capture in (await shop.story()).captures] == ["T-2"]


@pytest.mark.parametrize("what", ["another's", "not paid"])
async def test_an_answer_about_something_else_lets_nothing_go_back(naming, mocker, what):
    """It lists both trades, and is no proof all the same."""
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    told = shop.wechat._receipt(number)
    if what == "another's":
        told = replace(told, foreign="app id")
    else:
        told = replace(told, state=ReceiptState.OPEN)
    mocker.patch.object(shop.wechat, "_receipt", return_value=told)
    await shop.work_once()
    assert shop.wechat.refunded_trades == []


async def test_while_nobody_answers_the_worker_gives_its_lease_back_and_comes_later(naming):
    shop = naming
    number = await paid(shop)
    shop.wechat.further[number] = ["T-OTHER"]
    await shop.hear("wechat", notice_of(shop, number, "T-OTHER", "k1"))
    shop.clock.pass_by(minutes=5)
    shop.wechat.fail("query", ProviderUncertain("lost"))
    await shop.work_once()
    (refund,) = (await shop.story()).refunds
    assert refund.leased_until is None
    assert refund.next_try_at is not None
    assert refund.next_try_at > shop.clock.now + timedelta(minutes=4)
