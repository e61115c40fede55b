"""Coming back to a page that was left and could not be closed: that very page, and no new one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import (
    PayOrderStateError,
    ProviderUncertain,
    StoreBusy,
    StoreFull,
)
from retender.domain.model.payer import Payer
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.payment_provider import ReceiptState

pytestmark = pytest.mark.asyncio

LOST = ProviderUncertain("read time-out")


async def left(shop):
    """Have a page at Alipay, which closes nothing before the payer acts, and leave it."""
    await shop.place()
    first = await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")
    assert (await shop.states())[1] == ["CLOSING", "OPEN"]
    return first


async def test_it_is_the_same_page_and_the_other_one_is_left(shop):
    first = await left(shop)
    again = await shop.page("alipay", "pc")
    assert (again.page, again.attempt.number) == (first.page, first.attempt.number)
    assert again.reused
    assert (await shop.states())[1] == ["OPEN", "CLOSED"]
    opened = [call for call in shop.alipay.calls if call.startswith("open")]
    assert opened == [f"open {first.attempt.number}"]
    kinds = [line.kind for line in (await shop.story()).entries]
    assert StoryKind.PAGE_REUSED in kinds
    await shop.hear("alipay", shop.alipay.pay(first.attempt.number))
    assert await shop.states() == ("PAID", ["SUCCEEDED", "CLOSED"])


async def test_going_to_and_fro_makes_no_more_pages_and_few_calls(shop):
    """Between two providers that close nothing: two pages, and one close for each turn."""
    shop.wechat.power = shop.alipay.power
    await shop.place()
    for n in range(24):
        await shop.page(("alipay", "wechat")[n % 2], "pc")
    assert (await shop.states())[1] == ["CLOSING", "OPEN"]
    closes = [c for c in shop.alipay.calls + shop.wechat.calls if c.startswith("close")]
    assert len(closes) == 23


async def test_one_that_was_closed_after_all_is_not_handed_out(shop):
    """The answer to the close was lost; asking tells."""
    await shop.place()
    first = (await shop.page("alipay", "pc")).attempt.number
    shop.alipay.begin(first)
    shop.alipay.fail("close", LOST, after_effect=True)
    shop.alipay.fail("query", LOST)
    await shop.page("wechat", "pc")
    assert (await shop.states())[1] == ["CLOSING", "OPEN"]
    again = await shop.page("alipay", "pc")
    assert again.attempt.number != first
    assert (await shop.states())[1] == ["CLOSED", "CLOSED", "OPEN"]


async def test_one_that_was_paid_meanwhile_is_not_handed_out(shop):
    first = await left(shop)
    shop.alipay.pay(first.attempt.number)
    with pytest.raises(PayOrderStateError):
        await shop.page("alipay", "pc")
    assert (await shop.states())[0] == "PAID"


async def test_without_an_answer_it_is_not_handed_out(shop):
    """Nobody knows whether the close came through."""
    first = await left(shop)
    shop.alipay.fail("query", LOST)
    assert (await shop.page("alipay", "pc")).attempt.number != first.attempt.number


async def test_while_somebody_closes_it_it_is_not_handed_out(shop):
    first = await left(shop)
    now = shop.clock()
    async with shop.unit_of_work() as work:
        until = now + timedelta(seconds=5)
        assert await work.attempts.claim_closing(first.attempt.attempt_id, until)
        await work.commit()
    assert (await shop.page("alipay", "pc")).attempt.number != first.attempt.number


async def test_who_comes_back_while_a_switch_closes_it_gets_a_new_one(shop):
    """The close is on its way: the old page may die in the payer's hands."""
    await shop.place()
    first = (await shop.page("alipay", "pc")).attempt.number
    seen = []

    async def come_back():
        seen.append((await shop.page("alipay", "pc")).attempt.number)

    shop.alipay.during("close", come_back)
    await shop.pay("wechat", "pc")
    assert seen not in ([], [first])


async def test_two_who_close_it_keep_it_closed_until_both_are_done(shop):
    """The second one's claim goes over the first one's, whose close is still on its way."""
    await shop.place()
    first = (await shop.page("alipay", "pc")).attempt.number
    seen = []

    async def switch_too_and_come_back():
        await shop.page("wechat", "h5")
        seen.append((await shop.page("alipay", "pc")).attempt.number)

    shop.alipay.during("close", switch_too_and_come_back)
    await shop.pay("wechat", "pc")
    assert seen not in ([], [first])


async def test_one_whose_time_is_over_is_not_handed_out(shop):
    await shop.place(pay_within=timedelta(hours=3))
    first = await shop.page("wechat", "pc")
    shop.wechat.fail("close", LOST, LOST)
    shop.wechat.fail("query", LOST, LOST)
    shop.configure("wechat", switch_policy=SwitchPolicy.BEST_EFFORT)
    await shop.page("alipay", "pc")
    shop.clock.pass_by(hours=2)
    assert (await shop.page("wechat", "pc")).attempt.number != first.attempt.number


async def test_another_request_is_another_page(shop):
    first = await left(shop)
    other = await shop.page("alipay", "pc", instalments=3)
    assert other.attempt.number != first.attempt.number


async def test_what_must_be_there_and_is_not_is_not_handed_out(shop):
    """The page of it is kept, but its provider knows nothing of it: that is a contradiction."""
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.configure("wechat", switch_policy=SwitchPolicy.BEST_EFFORT)
    shop.wechat.fail("close", LOST)
    shop.wechat.fail("query", LOST)
    await shop.page("alipay", "pc")
    shop.wechat.forgets = True
    assert (await shop.page("wechat", "pc")).attempt.number != first.attempt.number


async def test_the_worker_closes_no_page_that_was_taken_back_meanwhile(shop):
    """Its question was on its way; when the answer came, the payer had the page again."""
    first = await left(shop)
    shop.alipay.begin(first.attempt.number)

    async def come_back():
        await shop.page("alipay", "pc")

    shop.alipay.during("query", come_back)
    await shop.check_attempt(attempt_id=first.attempt.attempt_id)
    assert (await shop.states())[1] == ["OPEN", "CLOSED"]
    assert shop.alipay.trades[first.attempt.number].state is ReceiptState.OPEN


@pytest.mark.parametrize("trouble", [StoreBusy, StoreFull])
async def test_a_good_page_depends_on_nothing_that_is_written(shop, trouble):
    """Reading it worked; that the store cannot write now is not the payer's trouble."""
    await shop.place()
    first = await shop.page("wechat", "pc")
    begun = shop.unit_of_work

    def failing(*, read_only=False, once=False):
        if read_only:
            return begun(read_only=True, once=once)
        raise trouble("full")

    shop.unit_of_work = failing
    again = await shop.page("wechat", "pc")
    assert (again.page, again.reused) == (first.page, True)


async def test_a_browser_comes_back_to_our_own_page_where_the_shop_names_no_other(shop):
    """Else it would come back to wherever the provider's own set-up says."""
    shop.policy = replace(shop.policy, pages_at="https://pay.example.com/pages/")
    await shop.place()
    ready = await shop.page("wechat", "h5")
    told = shop.wechat.pages[ready.attempt.number]
    assert told.return_url == f"https://pay.example.com/pages/{ready.attempt.attempt_id}"
    assert (await shop.attempt()).charge.way_back is None, "it is derived, and stored nowhere"
    await shop.place("A2")
    payer = Payer(return_url="https://shop.example.com/thanks")
    ready = await shop.page("wechat", "h5", order_no="A2", payer=payer)
    told = shop.wechat.pages[ready.attempt.number]
    assert told.return_url == "https://shop.example.com/thanks"
