"""A clock of our own that is surely wrong ends nothing (protocol, revision 2, rule 9)."""

from datetime import timedelta

import pytest

from retender.domain.model.attempt_errors import OwnClockOff
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.transition import AttemptState, OrderState
from retender.domain.use_cases.expire_orders import Expired
from retender.ports.payment_provider import RefundTerms
from retender.tests.domain.told import whys

pytestmark = pytest.mark.asyncio

OFF = timedelta(minutes=2, seconds=1)


def wrong_by(shop, difference, account=None):
    """Let two witnesses say so of our clock, or one account's gateway alone."""
    if account is None:
        shop.clock.own = difference
    else:
        shop.clock.apart[account] = difference


@pytest.mark.parametrize("difference", [OFF, -OFF])
async def test_no_order_expires_by_it_and_all_do_once_it_is_set(shop, difference):
    await shop.place()
    shop.clock.pass_by(hours=2)
    wrong_by(shop, difference)
    assert await shop.expire_orders() == Expired(expiring=0, closed=0)
    assert await shop.states() == ("NEW", [])

    wrong_by(shop, timedelta(0))
    assert (await shop.expire_orders()).expiring == 1
    assert (await shop.states())[0] in {OrderState.EXPIRING, OrderState.CLOSED}


@pytest.mark.parametrize("whose", [None, "wechat"])
async def test_not_found_is_not_believed_by_it(shop, whose):
    """It may be the time to pay still, by every clock but ours."""
    attempt = await begun_without_a_trade(shop)
    shop.clock.pass_by(hours=2)
    wrong_by(shop, OFF, whose)
    checked = await shop.check_attempt(attempt_id=attempt.attempt_id)
    assert checked.is_live
    story = await shop.story()
    assert any("our clock and others are too far apart" in why for why in whys(story))

    wrong_by(shop, timedelta(0), whose)
    checked = await shop.check_attempt(attempt_id=attempt.attempt_id)
    assert checked.state is AttemptState.CLOSED


async def test_one_gateway_alone_says_nothing_of_another_accounts_attempts(shop):
    attempt = await begun_without_a_trade(shop)
    shop.clock.pass_by(hours=2)
    wrong_by(shop, OFF, "alipay")
    checked = await shop.check_attempt(attempt_id=attempt.attempt_id)
    assert checked.state is AttemptState.CLOSED


@pytest.mark.parametrize("whose", [None, "wechat"])
async def test_a_page_is_not_closed_because_its_time_is_over_by_it(shop, whose):
    await shop.place()
    page = await shop.page("wechat")
    shop.clock.pass_by(hours=2)
    wrong_by(shop, OFF, whose)
    checked = await shop.check_attempt(attempt_id=page.attempt.attempt_id)
    assert checked.state is AttemptState.OPEN
    assert not [call for call in shop.wechat.calls if call.startswith("close")]


async def test_nothing_new_is_begun_anywhere(shop):
    await shop.place()
    wrong_by(shop, -OFF)
    for account in ("wechat", "alipay"):
        with pytest.raises(OwnClockOff, match="121 s ahead"):
            await shop.pay(account)
    assert (shop.wechat.calls, shop.alipay.calls) == ([], [])
    methods = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    assert {m.why_not for m in methods} == {"CLOCK_OFF"}


async def test_a_page_that_is_out_already_serves_again(shop):
    """It is as payable as it was; to refuse it would not make it less so."""
    await shop.place()
    first = await shop.page("wechat")
    wrong_by(shop, OFF)
    again = await shop.page("wechat")
    assert (again.page, again.reused) == (first.page, True)


async def test_methods_do_not_call_a_payer_late_by_it(shop):
    await shop.place()
    shop.clock.pass_by(hours=2)
    wrong_by(shop, timedelta(hours=-2))
    methods = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    assert {m.why_not for m in methods} == {"CLOCK_OFF"}


async def test_money_is_taken_as_ever(shop):
    await shop.place()
    page = await shop.page("wechat")
    wrong_by(shop, OFF)
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    assert (await shop.states())[0] == "PAID"


async def begun_without_a_trade(shop):
    """Ask for a page whose answer is lost, and whose trade was never made."""
    await shop.place()
    shop.wechat.fail("open", ProviderUncertain("read time-out"))
    await shop.pay("wechat")
    return await shop.attempt()


@pytest.mark.parametrize("whose", [None, "wechat"])
async def test_a_refund_that_is_not_found_is_not_sent_again_by_it(shop, whose):
    """Where a repeat would pay twice, only what is surely absent is sent again."""
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    await shop.place()
    page = await shop.page("wechat")
    await shop.hear("wechat", shop.wechat.pay(page.attempt.number))
    shop.wechat.fail("refund", ProviderUncertain("read time-out"))
    await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.clock.pass_by(hours=1)
    wrong_by(shop, OFF, whose)
    await shop.check_refund(refund_no="R1")
    shop.clock.pass_by(hours=1)
    await shop.check_refund(refund_no="R1")
    assert refunds_sent(shop) == 1

    wrong_by(shop, timedelta(0), whose)
    await shop.settle_down(hours=3)
    assert refunds_sent(shop) == 2


def refunds_sent(shop) -> int:
    return sum(call.startswith("refund ") for call in shop.wechat.calls)


@pytest.mark.parametrize("whose", [None, "wechat"])
async def test_what_nobody_can_ask_about_is_not_over_by_it(shop, whose):
    shop.wechat.own_ids, shop.wechat.orphan_payable = True, False
    attempt = await begun_without_a_trade(shop)
    shop.clock.pass_by(hours=2)
    wrong_by(shop, OFF, whose)
    assert (await shop.check_attempt(attempt_id=attempt.attempt_id)).is_live

    wrong_by(shop, timedelta(0), whose)
    assert not (await shop.check_attempt(attempt_id=attempt.attempt_id)).is_live


async def test_a_payer_in_time_is_not_told_that_the_time_is_over(shop):
    await shop.place()
    shop.clock.pass_by(hours=2)
    wrong_by(shop, timedelta(hours=-2))
    with pytest.raises(OwnClockOff):
        await shop.pay("wechat")


async def test_nobody_is_called_by_it_for_what_takes_too_long(shop):
    await shop.place()
    await shop.page("alipay")
    shop.clock.pass_by(hours=4)
    wrong_by(shop, timedelta(hours=-4))
    assert (await shop.escalate(limit=20)).opened == 0
    wrong_by(shop, timedelta(0))
    assert (await shop.escalate(limit=20)).opened == 1
