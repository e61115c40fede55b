"""Over the watch no deadline holds: nothing new is begun there, and nothing old is taken away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.errors import ProviderClockOff, ProviderUncertain
from retender.domain.model.pay_result import AnswerPending
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.pay_policy import PageStrategy
from retender.ports.payment_provider import ReceiptState
from retender.tests.domain.told import facts

pytestmark = pytest.mark.asyncio

WATCH = timedelta(minutes=2)
TOO_FAR = WATCH + timedelta(seconds=1)


@pytest.mark.parametrize("difference", [TOO_FAR, -TOO_FAR])
async def test_no_attempt_is_made_at_a_provider_whose_clock_is_too_far_off(shop, difference):
    """If every notice were lost, a payment that came late by its clock would be lost too."""
    await shop.place()
    shop.clock.apart["wechat"] = difference
    with pytest.raises(ProviderClockOff):
        await shop.pay("wechat")
    assert shop.wechat.calls == []
    assert await shop.states() == ("NEW", [])


@pytest.mark.parametrize("difference", [WATCH, -WATCH, timedelta(0)])
async def test_what_the_watch_outlasts_is_well(shop, difference):
    await shop.place()
    shop.clock.apart["wechat"] = difference
    await shop.page("wechat")


async def test_the_watch_of_the_settings_decides(shop):
    deadlines = replace(shop.policy.deadlines, watch=timedelta(seconds=10))
    shop.policy = replace(shop.policy, deadlines=deadlines)
    shop.clock.apart["wechat"] = timedelta(seconds=11)
    await shop.place()
    with pytest.raises(ProviderClockOff):
        await shop.pay("wechat")


async def test_another_way_to_pay_is_open_and_so_is_this_one_when_the_clock_is_right(shop):
    await shop.place()
    shop.clock.apart["wechat"] = TOO_FAR
    with pytest.raises(ProviderClockOff):
        await shop.pay("wechat")
    await shop.page("alipay")
    del shop.clock.apart["wechat"]
    await shop.page("wechat")


async def test_a_page_that_is_out_already_serves_again(shop):
    """It is as payable as it was; to refuse it would not make it less so."""
    await shop.place()
    first = await shop.page("wechat")
    shop.clock.apart["wechat"] = TOO_FAR
    again = await shop.page("wechat")
    assert (again.page, again.reused) == (first.page, True)


async def test_a_number_that_was_asked_for_already_is_asked_for_again(shop):
    """It may have its trade by now: only the answer is missing."""
    shop.policy = replace(shop.policy, page_strategy=PageStrategy.ASK_PROVIDER)
    await shop.place()
    shop.wechat.fail("open", ProviderUncertain("read time-out"), after_effect=True)
    assert isinstance(await shop.pay("wechat"), AnswerPending)
    shop.clock.apart["wechat"] = TOO_FAR
    shop.clock.pass_by(seconds=3)
    page = await shop.page("wechat")
    assert page.attempt.idx == 1


@pytest.mark.parametrize("policy", [each for each in SwitchPolicy if each != "none"])
async def test_a_switch_to_it_is_refused_before_the_good_page_is_closed(shop, policy):
    shop.policy = replace(shop.policy, switch_policy=policy)
    await shop.place()
    first = await shop.page("alipay")
    shop.clock.apart["wechat"] = TOO_FAR
    with pytest.raises(ProviderClockOff):
        await shop.pay("wechat")
    assert await shop.states() == ("NEW", ["OPEN"])
    assert (await shop.page("alipay")).page == first.page


async def test_its_attempts_are_watched_closed_and_heard_as_ever(shop):
    await shop.place()
    page = await shop.page("wechat")
    shop.clock.apart["wechat"] = TOO_FAR
    await shop.page("alipay")
    trade = shop.wechat.trades[page.attempt.number]
    assert trade.state is ReceiptState.CLOSED


async def test_the_story_tells_why_it_was_refused(shop):
    await shop.place()
    shop.clock.apart["wechat"] = TOO_FAR
    with pytest.raises(ProviderClockOff) as refused:
        await shop.pay("wechat")
    (fact,) = facts(await shop.story(), StoryKind.PAY_REFUSED)
    assert fact.problem.message == refused.value.message
    assert fact.problem.details["seconds_apart"] == "121"
    assert fact.account == "wechat"


async def test_a_cashier_does_not_offer_it(shop):
    await shop.place()
    shop.clock.apart["wechat"] = TOO_FAR
    wechat, alipay = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    assert (wechat.available, wechat.why_not) == (False, "PROVIDER_CLOCK_OFF")
    assert (alipay.available, alipay.why_not) == (True, None)
