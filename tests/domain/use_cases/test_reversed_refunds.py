"""A refund that fails after it was done: asked after, out of the sums, and a human's."""

import json

import pytest
import pytest_asyncio

from retender.domain.model.attention import AttentionCode, Resolution
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.order_summary import OrderSummary
from retender.domain.model.refund import RefundCause
from retender.ports.payment_provider import RawNotice

pytestmark = pytest.mark.asyncio


def cny(minor):
    return Money(minor, "CNY")


@pytest_asyncio.fixture
async def number(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


async def paid_twice(shop):
    """Have a surplus at WeChat, and return its number."""
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat", "pc")).attempt.number
    late = shop.wechat.pay(second)
    await shop.hear("alipay", shop.alipay.pay(first))
    await shop.hear("wechat", late)
    return second


def told(shop, **body):
    body = {"key": "late word", "sign": "good", "state": "failed", **body}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def kinds(shop):
    await shop.announce_events()
    return [event.kind for event in shop.told if event.kind is not EventKind.ORDER_PAID]


async def refunds(shop):
    return [(r.cause, r.state, r.amount.minor) for r in (await shop.story()).refunds]


async def open_attention_items(shop):
    return [item.code for item in await shop.list_attention_history() if item.is_open]


@pytest.mark.usefixtures("number")
async def test_it_leaves_the_sums_with_an_event_and_a_human(shop):
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    shop.wechat.reversed.add(refund.number)
    await shop.hear("wechat", told(shop, refund=refund.number))
    assert await refunds(shop) == [(RefundCause.SHOP, "DOUBTED", 500)]
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.SHOP, "STUCK", 500)]
    assert await open_attention_items(shop) == [AttentionCode.REFUND_STUCK]
    assert await kinds(shop) == [EventKind.REFUND_DONE, EventKind.REFUND_REVERSED]
    assert OrderSummary.of(await shop.story()).given_back == cny(0)


@pytest.mark.usefixtures("number")
async def test_an_old_word_that_comes_late_changes_nothing(shop):
    """The provider's people mended it since: asking tells, and the shop hears nothing twice."""
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", told(shop, refund=refund.number))
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]
    assert await open_attention_items(shop) == []
    assert await kinds(shop) == [EventKind.REFUND_DONE]


async def test_what_it_was_to_give_back_may_go_back_again(shop, number):
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.wechat.reversed.add(refund.number)
    await shop.hear("wechat", told(shop, refund=refund.number))
    await shop.work_once()
    shop.wechat.trades[number].refunds.clear()  # nothing went back under it
    again = await shop.refund_payment(order_no="A1", refund_no="R2")
    assert (again.state, again.amount) == ("DONE", cny(8880))


@pytest.mark.usefixtures("number")
async def test_while_it_is_doubted_nothing_else_goes_back(shop):
    """It may have gone back all the same: its amount is not free yet."""
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(8000))
    await shop.hear("wechat", told(shop, refund=refund.number))
    left = await shop.refund_payment(order_no="A1", refund_no="R2")
    assert left.amount == cny(880)


async def test_one_that_its_provider_forgot_since_is_a_humans_and_not_sent_again(shop, number):
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", told(shop, refund=refund.number))
    shop.wechat.trades[number].refunds.clear()
    calls = len(shop.wechat.calls)
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.SHOP, "STUCK", 500)]
    assert [call.split()[0] for call in shop.wechat.calls[calls:]] == ["query_refund"]


async def test_a_surplus_is_not_refunded_any_more(shop):
    await paid_twice(shop)
    await shop.work_once()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDED"]
    (refund,) = (await shop.story()).refunds
    shop.wechat.reversed.add(refund.number)
    await shop.hear("wechat", told(shop, refund=refund.number))
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDING"]
    await shop.work_once()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUND_STUCK"]


@pytest.mark.usefixtures("number")
async def test_done_again_by_hand_is_told_again(shop):
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    shop.wechat.reversed.add(refund.number)
    await shop.hear("wechat", told(shop, refund=refund.number))
    await shop.work_once()
    (item,) = await shop.list_attention_history()
    await shop.resolve_attention(
        attention_id=item.attention_id, resolution=Resolution.RETRY, reason="mended", by="ops"
    )
    shop.wechat.reversed.clear()
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]
    done, reversed_ = EventKind.REFUND_DONE, EventKind.REFUND_REVERSED
    assert await kinds(shop) == [done, reversed_, done]


async def test_one_of_another_hand_is_a_humans_at_once(shop, number):
    """Nobody can be asked under a number that is not ours."""
    body = {"refund": "CONSOLE-1", "minor": 1200, "number": number}
    await shop.hear("wechat", told(shop, **body, key="k1", state="done"))
    await shop.hear("wechat", told(shop, **body))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "STUCK", 1200)]
    assert await open_attention_items(shop) == [AttentionCode.REFUND_STUCK]
    assert await kinds(shop) == [EventKind.REFUND_EXTERNAL, EventKind.REFUND_REVERSED]
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert (refund.state, refund.amount) == ("DONE", cny(8880)), "it is in no sum any more"
    assert not any(call.startswith("query_refund") for call in shop.wechat.calls)


async def test_a_total_of_before_is_untrue_since(shop, number):
    """It held what failed: believed still, it would be another hand's refund."""
    shop.wechat.tells_totals = True
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    shop.wechat.reversed.add(refund.number)
    await shop.hear("wechat", told(shop, refund=refund.number))
    await shop.work_once()
    assert await refunds(shop) == [(RefundCause.SHOP, "STUCK", 500)]


async def test_a_total_with_another_hands_refund_in_it_is_untrue_since(shop, number):
    shop.wechat.tells_totals = True
    shop.wechat.by_hand[number] = 1200
    body = {"refund": "CONSOLE-1", "minor": 1200, "number": number}
    await shop.hear("wechat", told(shop, **body, key="k1", state="done"))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.hear("wechat", told(shop, **body))
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    assert sorted(await refunds(shop)) == [
        (RefundCause.EXTERNAL, "STUCK", 1200),
        (RefundCause.SHOP, "DONE", 500),
    ]


async def test_a_total_that_is_told_while_ours_is_under_way_counts_once_it_is_done(shop, number):
    """The total was heard too early to say whose it is; no other message need come."""
    shop.wechat.tells_totals = True
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.SHOP, "SENT", 500)]
    shop.wechat.pending_refunds = False
    await shop.settle_down(hours=1)
    assert sorted(await refunds(shop)) == [
        (RefundCause.EXTERNAL, "DONE", 1000),
        (RefundCause.SHOP, "DONE", 500),
    ]


async def test_ours_is_overtaken_by_what_the_books_know(shop):
    """The provider tells no totals; the console's refund was heard of before ours was sent."""
    second = await paid_twice(shop)
    shop.wechat.by_hand[second] = 8880
    body = {"refund": "CONSOLE-1", "minor": 8880, "number": second, "state": "done"}
    await shop.hear("wechat", told(shop, **body))
    await shop.work_once()
    assert sorted(await refunds(shop)) == [
        (RefundCause.DUPLICATE, "OVERTAKEN", 8880),
        (RefundCause.EXTERNAL, "DONE", 8880),
    ]
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDED"]
    assert await open_attention_items(shop) == []


async def test_a_surplus_of_which_a_part_went_back_is_not_overtaken(shop):
    """The rest is the payer's: ours is refused as it stands, and a human gives it back."""
    second = await paid_twice(shop)
    shop.wechat.by_hand[second] = 1000
    body = {"refund": "CONSOLE-1", "minor": 1000, "number": second, "state": "done"}
    await shop.hear("wechat", told(shop, **body))
    await shop.work_once()
    assert sorted(await refunds(shop)) == [
        (RefundCause.DUPLICATE, "STUCK", 8880),
        (RefundCause.EXTERNAL, "DONE", 1000),
    ]
    assert await open_attention_items(shop) == [AttentionCode.REFUND_STUCK]
    shop.wechat.by_hand[second] = 8880
    await shop.hear("wechat", told(shop, **{**body, "key": "k2", "refund": "C2", "minor": 7880}))
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDED"]


async def test_money_that_moved_under_an_overtaken_number_is_a_humans(shop, number):
    shop.wechat.tells_totals = True
    shop.wechat.by_hand[number] = 8880
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.state == "OVERTAKEN"
    await shop.hear("wechat", told(shop, refund=refund.number, state="done"))
    assert await open_attention_items(shop) == [AttentionCode.AMOUNT_MISMATCH]
