"""An order has few pages that can be paid at one time, and few are begun in an hour."""

from datetime import timedelta

import pytest

from retender.domain.model.attempt_errors import TooManyAttempts
from retender.domain.model.errors import ProviderUncertain
from retender.domain.steps.attempt_bounds import MOST_BEGUN, MOST_LIVE

pytestmark = pytest.mark.asyncio


async def toggled(shop, times):
    """Let the payer try one way after the other at a provider that closes nothing."""
    for n in range(times):
        await shop.page("alipay", ("pc", "h5")[n % 2], instalments=(None, 3, 6)[n // 2])


async def test_five_pages_that_cannot_be_closed_are_enough(shop):
    await shop.place()
    await toggled(shop, MOST_LIVE)
    calls = len(shop.alipay.calls)
    with pytest.raises(TooManyAttempts) as told:
        await shop.page("wechat", "pc")
    assert (await shop.states())[1] == ["CLOSING"] * 4 + ["OPEN"]
    assert len(shop.alipay.calls) == calls, "nothing was closed for a page that is refused"
    first = await shop.attempt(1)
    assert told.value.until == first.watch_until
    assert told.value.details["remaining_seconds"] == 33 * 60
    assert (await shop.story()).entries[-1].fact.problem.code == "PAY_ORDER_TOO_MANY_ATTEMPTS"


async def test_the_page_that_is_out_can_still_be_had_at_the_bound(shop):
    await shop.place()
    await toggled(shop, MOST_LIVE)
    assert (await shop.page("alipay", "pc", instalments=6)).reused
    assert (await shop.page("alipay", "h5")).reused, "also one that was left, and stays payable"


async def test_what_is_closed_takes_no_room(shop):
    """WeChat Pay closes for sure, so that going to and fro costs nothing but the hour's bound."""
    await shop.place()
    for n in range(MOST_BEGUN):
        await shop.page("wechat", ("pc", "h5")[n % 2])
    with pytest.raises(TooManyAttempts, match="within an hour"):
        await shop.page("wechat", "pc")


async def test_the_hours_bound_ends_an_hour_after_the_oldest_of_them(shop):
    await shop.place(pay_within=timedelta(hours=3))
    for n in range(MOST_BEGUN):
        await shop.page("wechat", ("pc", "h5")[n % 2])
        shop.clock.pass_by(minutes=1)
    with pytest.raises(TooManyAttempts) as told:
        await shop.page("wechat", "pc")
    assert told.value.details["remaining_seconds"] == 40 * 60
    shop.clock.pass_by(minutes=40)
    await shop.page("wechat", "pc")


async def test_what_nobody_can_see_takes_no_room(shop):
    """Answers are lost again and again; no page of theirs is anywhere."""
    shop.wechat.own_ids, shop.wechat.orphan_payable, shop.wechat.reopens = True, False, False
    await shop.place()
    for _ in range(MOST_LIVE + 1):
        shop.wechat.fail("open", ProviderUncertain("read time-out"))
        await shop.pay("wechat", "pc")
    await shop.page("wechat", "pc")
