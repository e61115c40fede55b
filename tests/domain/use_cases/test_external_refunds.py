"""Money that another hand gave back, such as the merchant's console, is in the books."""

import json

import pytest
import pytest_asyncio

from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.order_summary import OrderSummary
from retender.domain.model.refund import RefundCause
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.ports.payment_provider import RawNotice

pytestmark = pytest.mark.asyncio


def cny(minor):
    return Money(minor, "CNY")


@pytest_asyncio.fixture
async def number(shop):
    """Let an order be paid at a gateway that tells totals."""
    shop.wechat.tells_totals = True
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


def told(shop, **body):
    body = {"key": "k1", "sign": "good", **body}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def refunds(shop):
    return [(r.cause, r.state, r.amount.minor) for r in (await shop.story()).refunds]


async def test_a_total_above_ours_is_written_down_and_told(shop, number):
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.announce_events()
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1000)]
    assert EventKind.REFUND_EXTERNAL in [event.kind for event in shop.told]
    summary = OrderSummary.of(await shop.story())
    assert (summary.given_back, summary.kept, summary.open_ends) == (cny(1000), cny(7880), ())


async def test_the_same_total_again_adds_nothing_and_more_adds_the_rest(shop, number):
    for n, total in enumerate((1000, 1000, 1500)):
        shop.wechat.by_hand[number] = total
        await shop.hear("wechat", shop.wechat.notice(number, f"again-{n}"))
    assert sorted(minor for *_, minor in await refunds(shop)) == [500, 1000]


async def test_all_that_is_left_is_less_what_others_gave_back(shop, number):
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    with pytest.raises(RefundExceedsPaid):
        await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(8000))
    refund = await shop.refund_payment(order_no="A1", refund_no="R2")
    assert (refund.state, refund.amount) == ("DONE", cny(7880))
    assert shop.wechat.kept() == {number: 0}


async def test_ours_that_are_done_are_no_strangers(shop, number):
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]


async def test_while_one_of_ours_is_under_way_nothing_is_drawn(shop, number):
    """Its answer was lost: the total may be ours or another hand's."""
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.SHOP, "SENT", 500)]


async def test_a_refund_that_names_only_the_trade_is_written_down(shop, number):
    """As WeChat Pay tells of the console's: by the console's own number."""
    body = {"refund": "CONSOLE-1/x", "minor": 1200, "number": number}
    taken = await shop.hear("wechat", told(shop, **body))
    assert (taken.code, taken.order_no) == ("NOTICE_TAKEN", "A1")
    await shop.hear("wechat", told(shop, **{**body, "key": "k2"}))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)]


async def test_what_a_total_holds_already_is_not_counted_once_more(shop, number):
    """Such a provider tells totals, and of each refund by its own number: in any order."""
    shop.wechat.by_hand[number] = 2400
    body = {"minor": 1200, "number": number}
    await shop.hear("wechat", told(shop, **body, refund="CONSOLE-1"))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.hear("wechat", told(shop, **body, refund="CONSOLE-2", key="k2"))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)] * 2
    assert await shop.list_attention_history() == []


async def test_a_refund_may_be_heard_of_before_the_payment_that_it_gives_back(shop):
    """Its notice came first: what it says is kept, and the payment comes to it."""
    await shop.place()
    number = (await shop.page()).attempt.number
    paid = shop.wechat.pay(number)
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=1200, number=number))
    await shop.hear("wechat", paid)
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)]
    summary = OrderSummary.of(await shop.story())
    assert (summary.taken, summary.given_back) == (cny(8880), cny(1200))


async def test_what_is_not_done_gave_nothing_back(shop, number):
    body = {"refund": "CONSOLE-1", "minor": 1200, "number": number, "state": "failed"}
    await shop.hear("wechat", told(shop, **body))
    assert await refunds(shop) == []


async def test_more_than_was_captured_is_a_humans(shop, number):
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=8881, number=number))
    assert await refunds(shop) == []
    (item,) = await shop.list_attention_history()
    assert (item.code, item.order_no) == ("EVIDENCE_AMOUNT_MISMATCH", "A1")


async def test_a_refund_that_another_hand_overtook_is_not_stuck(shop, number):
    """All went back in the console; ours is refused, and asking for the trade says why."""
    shop.wechat.by_hand[number] = 8880
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.state == "OVERTAKEN"
    assert sorted(await refunds(shop)) == [
        (RefundCause.EXTERNAL, "DONE", 8880),
        (RefundCause.SHOP, "OVERTAKEN", 8880),
    ]
    assert await shop.list_attention_history() == []
    summary = OrderSummary.of(await shop.story())
    assert (summary.given_back, summary.going_back, summary.open_ends) == (cny(8880), cny(0), ())
    await shop.announce_events()
    assert EventKind.REFUND_OVERTAKEN in [event.kind for event in shop.told]


async def test_a_surplus_that_another_hand_gave_back_is_refunded(shop):
    """It was stuck; what the console gave back settles it, and nobody has to look any more."""
    shop.wechat.tells_totals = True
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat", "pc")).attempt.number
    late = shop.wechat.pay(second)
    await shop.hear("alipay", shop.alipay.pay(first))
    await shop.hear("wechat", late)
    shop.wechat.failing_refunds = True
    await shop.work_once()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUND_STUCK"]
    shop.wechat.by_hand[second] = 8880
    await shop.hear("wechat", shop.wechat.notice(second, "given back"))
    await shop.escalate()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDED"]
    assert [i for i in await shop.list_attention_history() if i.is_open] == []


async def test_a_notice_of_a_charge_and_a_refund_is_heard_as_both(shop, number):
    """Ours was sent and its answer is pending; the notice says that it is done."""
    shop.wechat.pending_refunds = True
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", told(shop, refund=refund.number, number=number, both=True))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]


async def test_a_refund_half_that_bears_the_charges_number_is_no_refund_of_ours(shop, number):
    """Recorded notices do so where the refund had no number of its own."""
    await shop.hear("wechat", told(shop, refund=number, number=number, both=True))
    assert await refunds(shop) == []
    assert await shop.list_attention_history() == []


async def test_a_total_that_was_told_while_ours_was_under_way_counts_once_ours_is_refused(shop):
    """The gateway refuses ours because of it, and tells nobody again."""
    shop.wechat.tells_totals = True
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat")).attempt.number
    await shop.hear("alipay", shop.alipay.pay(first))
    notice = shop.wechat.pay(second)
    shop.wechat.by_hand[second] = 1000
    await shop.hear("wechat", notice)
    assert await refunds(shop) == [(RefundCause.DUPLICATE, "DUE", 8880)]
    shop.wechat.fail("query", *[ProviderUncertain("down")] * 99)
    await shop.work_once()
    found = set(await refunds(shop))
    assert found == {(RefundCause.DUPLICATE, "STUCK", 8880), (RefundCause.EXTERNAL, "DONE", 1000)}
