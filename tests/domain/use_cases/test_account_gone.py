"""What belongs to an account that is configured no more: a human is called at once."""

from datetime import timedelta

import pytest

from retender.domain.model.attention import About, Resolution
from retender.domain.model.errors import UnknownName
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund, RefundCause, next_try_unasked
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.tests.domain.shop import START, Shop

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)


async def surplus(shop: Shop) -> Refund:
    """Have the order paid twice, and take the second account away before it gives back."""
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt.number
    new = (await shop.page("wechat", "pc")).attempt.number
    await shop.hear("wechat", shop.wechat.pay(new))
    await shop.hear("alipay", shop.alipay.pay(old))
    return (await shop.story()).refunds[0]


async def sent(shop: Shop) -> Refund:
    """Have it sent, with an answer that is not yet known."""
    await surplus(shop)
    shop.alipay.pending_refunds = True
    await shop.work_once()
    return (await shop.story()).refunds[0]


async def waiting(shop: Shop):
    return list((await shop.list_attention()).items)


@pytest.mark.parametrize(("make", "state"), [(surplus, "DUE"), (sent, "SENT")])
async def test_a_refund_of_it_calls_a_human_at_once_and_once(shop, make, state):
    refund = await make(shop)
    shop.accounts.by_name.pop("alipay")
    await shop.settle_down(hours=30, every=600)
    item, late = await waiting(shop)
    assert (item.code, item.about) == ("ACCOUNT_GONE", About.REFUND)
    assert late.code == "REFUND_TOO_LONG"
    assert (item.subject, item.order_no) == (refund.refund_no, "A1")
    assert item.at - START < timedelta(minutes=15), "not after a day"
    assert "alipay is configured no more" in item.source
    assert item.data["state"] == state
    (after,) = (await shop.story()).refunds
    assert (after.state, after.tries) == (state, refund.tries), "no try was made"


@pytest.mark.parametrize("make", [surplus, sent])
async def test_it_is_looked_at_with_growing_pauses_not_at_every_lease(shop, make):
    await make(shop)
    shop.accounts.by_name.pop("alipay")
    shop.find_due_work = FindDueWork(shop.unit_of_work, shop.clock, timedelta(minutes=1))
    looks = []
    while shop.clock.now < START + 24 * HOUR:
        if (await shop.find_due_work(limit=9)).refund_nos:
            looks.append(shop.clock.now)
            shop.clock.pass_by(seconds=61)  # its lease is over: it comes again
            await shop.work_once()
        shop.clock.pass_by(seconds=30)
    assert 24 <= len(looks) <= 45


@pytest.mark.parametrize("make", [surplus, sent])
async def test_it_goes_on_and_the_call_is_over_when_the_account_is_back(shop, make):
    await make(shop)
    account = shop.accounts.by_name.pop("alipay")
    await shop.settle_down(hours=3, every=60)
    assert await waiting(shop)
    shop.accounts.by_name["alipay"] = account
    shop.alipay.pending_refunds = False
    await shop.settle_down(hours=1.5, every=60)
    assert await waiting(shop) == []
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])


async def test_a_worker_gets_it_as_it_is_planned_by_now(shop):
    refund = await surplus(shop)
    shop.accounts.by_name.pop("alipay")
    due = await shop.find_due_work()
    put_off = await shop.check_refund(refund_no=refund.refund_no, held_until=due.held_until)
    assert (put_off.state, put_off.leased_until) == ("DUE", None)
    assert put_off.next_try_at > shop.clock.now


async def test_what_a_human_noted_is_quiet_that_day_and_brought_up_the_next(shop):
    await surplus(shop)
    shop.accounts.by_name.pop("alipay")
    await shop.work_once()
    (item,) = await waiting(shop)
    await shop.resolve_attention(
        attention_id=item.attention_id, resolution=Resolution.NOTED, reason="I ask", by="olga"
    )
    await shop.settle_down(hours=12, every=600)
    assert await waiting(shop) == []
    await shop.settle_down(hours=12, every=600)
    codes = {each.code for each in await waiting(shop)}
    assert "ACCOUNT_GONE" in codes


async def test_a_human_may_say_that_the_money_went_back(shop):
    await surplus(shop)
    shop.accounts.by_name.pop("alipay")
    await shop.work_once()
    (item,) = await waiting(shop)
    await shop.resolve_attention(
        attention_id=item.attention_id, resolution=Resolution.REFUNDED, reason="done", by="olga"
    )
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    await shop.settle_down(hours=30, every=600)
    assert await waiting(shop) == []


async def test_an_attempt_of_it_calls_a_human_at_its_next_look(shop):
    await shop.place()
    page = await shop.page("alipay")
    account = shop.accounts.by_name.pop("alipay")
    shop.clock.pass_by(seconds=16)
    await shop.work_once()
    (item,) = await waiting(shop)
    assert (item.code, item.about) == ("ACCOUNT_GONE", About.ATTEMPT)
    assert (item.subject, item.data["state"]) == (page.attempt.attempt_id, "OPEN")
    await shop.settle_down(hours=0.3)
    assert len(await waiting(shop)) == 1
    shop.accounts.by_name["alipay"] = account
    await shop.settle_down(hours=1)
    assert (await waiting(shop), (await shop.states())[0]) == ([], "CLOSED")


async def test_who_looks_by_hand_is_told(shop):
    refund = await surplus(shop)
    shop.accounts.by_name.pop("alipay")
    with pytest.raises(UnknownName):
        await shop.check_refund(refund_no=refund.refund_no)


async def test_a_shop_that_asks_for_the_same_refund_gets_it_as_it_is(shop):
    await shop.place()
    await shop.hear("wechat", shop.wechat.pay((await shop.page("wechat", "pc")).attempt.number))
    wanted = {"order_no": "A1", "refund_no": "RF1"}
    shop.wechat.during("refund", lambda: _gone(shop))
    shop.wechat.pending_refunds = True
    await shop.refund_payment(**wanted)
    shop.clock.pass_by(hours=1)
    assert (await shop.refund_payment(**wanted)).state == "SENT"


async def _gone(shop: Shop) -> None:
    shop.accounts.by_name.pop("wechat")


@pytest.mark.parametrize(
    ("waited", "shortest", "longest"),
    [(0, 7, 10), (60, 45, 60), (600, 450, 600), (86400, 2700, 3600)],
)
async def test_the_pause_is_as_long_as_it_has_waited_an_hour_at_most(waited, shortest, longest):
    refund = Refund(
        refund_no="RF1",
        number="F00000001",
        order_id="O1",
        attempt_id="A1",
        account="alipay",
        amount=Money(1, "CNY"),
        cause=RefundCause.SHOP,
        reason="x",
        created_at=START,
    )
    now = START + timedelta(seconds=waited)
    pause = (next_try_unasked(refund, now) - now).total_seconds()
    assert shortest <= pause <= longest
