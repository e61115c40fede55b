"""The janitor: what was lost is found out, what is over is ended, and nothing is given up."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retender.domain.model.attempt import next_check
from retender.domain.model.errors import PayOrderStateError, ProviderUncertain, UnknownName
from retender.domain.model.pay_result import AnswerPending
from retender.domain.model.story_kind import StoryKind
from retender.tests.domain.shop import START
from retender.tests.domain.told import lines

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")


async def test_a_payment_whose_notice_was_lost_is_found(shop):
    await shop.place()
    shop.wechat.pay((await shop.page()).attempt.number)
    shop.clock.pass_by(seconds=15)
    await shop.work_once()
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_an_order_that_nobody_paid_ends_closed_with_everything_in_it(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["CLOSED", "CLOSED"])
    assert [event.kind for event in shop.told] == ["order.closed"]
    assert shop.told[0].data == {"reason": "deadline"}


async def test_an_order_is_expiring_and_not_closed_while_a_page_may_have_been_paid(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    shop.clock.pass_by(minutes=30)
    await shop.work_once()
    assert await shop.states() == ("EXPIRING", ["CLOSING"])
    shop.clock.pass_by(minutes=3)  # expiry at 31, grace to 33: not yet *after* it
    await shop.work_once()
    assert (await shop.states())[0] == "EXPIRING"
    shop.clock.pass_by(seconds=1)
    await shop.work_once()
    await shop.work_once()
    assert await shop.states() == ("CLOSED", ["CLOSED"])


async def test_a_payment_in_the_last_second_wins_although_the_order_is_expiring(shop):
    await shop.place()
    ready = await shop.page("alipay", "pc")
    shop.clock.pass_by(minutes=30, seconds=59)
    await shop.work_once()
    assert (await shop.states())[0] == "EXPIRING"
    raw = shop.alipay.pay(ready.attempt.number)
    await shop.hear("alipay", raw)
    await shop.settle_down(hours=0.2)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert shop.alipay.kept() == {ready.attempt.number: 8880}


async def test_not_found_before_its_time_proves_nothing(shop):
    await shop.place()
    ready = await shop.page("alipay", "pc")
    for _ in range(3):
        shop.clock.pass_by(minutes=5)
        attempt = await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
        assert attempt.state == "OPEN"


async def test_not_found_to_a_question_sent_before_its_time_proves_nothing_when_it_comes_late(shop):
    """What counts is when the query was sent: a trade can be made while it is on its way."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    shop.clock.now = ready.attempt.watch_until

    async def time_passes() -> None:
        shop.clock.pass_by(minutes=5)

    shop.alipay.during("query", time_passes)
    attempt = await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert attempt.state == "CLOSING"
    attempt = await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert attempt.state == "CLOSED"


async def test_a_create_whose_answer_was_lost_is_found_out_and_never_taken_for_a_no(shop):
    await shop.place()
    shop.wechat.fail("open", UNKNOWN, after_effect=True)
    pending = await shop.pay()
    assert isinstance(pending, AnswerPending)
    shop.wechat.pay(pending.attempt.number)
    shop.clock.pass_by(seconds=15)
    await shop.work_once()
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_an_open_trade_past_its_time_is_closed_by_us(shop):
    """WeChat Pay keeps an unpaid trade for days: passing the expiry alone does not end it."""
    await shop.place(pay_within=timedelta(days=10))
    ready = await shop.page()
    assert ready.attempt.charge.expires_at == START + timedelta(days=7)
    shop.clock.now = ready.attempt.charge.expires_at
    attempt = await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert attempt.state == "CLOSED"
    assert f"close {ready.attempt.number}" in shop.wechat.calls


async def test_an_order_that_outlives_its_pages_gets_new_ones(shop):
    await shop.place(pay_within=timedelta(days=10))
    first = await shop.page()
    shop.clock.pass_by(days=7)
    second = await shop.page()
    assert second.attempt.number != first.attempt.number
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_an_outage_longer_than_the_order_delays_the_end_and_loses_nothing(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    shop.wechat.fail("query", *[UNKNOWN] * 60)
    shop.wechat.fail("close", *[UNKNOWN] * 60)
    await shop.settle_down(hours=1)
    assert (await shop.states())[0] == "EXPIRING"
    shop.wechat.trouble.clear()
    await shop.settle_down(hours=2)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_an_account_that_is_gone_is_told_of_and_its_attempts_are_kept_in_view(shop):
    await shop.place()
    ready = await shop.page()
    account = shop.accounts.by_name.pop("wechat")
    attempt = await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert attempt.is_live
    assert attempt.next_check_at > shop.clock()
    assert lines(await shop.story(), StoryKind.NOT_ASKED)
    shop.accounts.by_name["wechat"] = account
    await shop.settle_down(hours=1)
    assert (await shop.states())[0] == "CLOSED"


async def test_a_final_attempt_is_not_asked_about_again(shop):
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    calls = list(shop.wechat.calls)
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    await shop.settle_down()
    assert shop.wechat.calls == calls


async def test_an_unknown_attempt_has_no_name(shop):
    with pytest.raises(UnknownName):
        await shop.check_attempt(attempt_id="NOPE")


async def test_the_looks_are_had_as_planned_and_the_one_that_proves_to_the_second(shop):
    """How they are planned is the schedule's business, and has tests of its own."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    looks: list[datetime] = []
    planned: list[datetime] = []
    for _ in range(30):
        attempt = await shop.attempt()
        planned.append(next_check(replace(attempt, checks=len(planned)), shop.clock()))
        looks.append(attempt.next_check_at)
        shop.clock.now = attempt.next_check_at
        shop.alipay.fail("query", UNKNOWN)
        await shop.work_once()
    assert looks == planned
    assert ready.attempt.watch_until + timedelta(seconds=1) in looks


async def test_the_looks_go_on_for_ever(shop):
    await shop.place()
    attempt = (await shop.page()).attempt
    late = attempt.watch_until + timedelta(days=30)
    assert next_check(attempt, late) > late


# --- closing on request -----------------------------------------------------------------


async def test_closing_an_order_closes_its_pages_and_the_order(shop):
    await shop.place()
    ready = await shop.page()
    order = await shop.close_order(order_no="A1", user_id="ann")
    assert order.state == "CLOSED"
    assert order.end_reason == "cancelled"
    assert not shop.wechat.is_payable(ready.attempt.number)


async def test_closing_an_order_with_an_unscanned_page_takes_until_that_page_is_dead(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    assert (await shop.close_order(order_no="A1")).state == "CANCELLING"
    assert (await shop.close_order(order_no="A1")).state == "CANCELLING"  # twice is harmless
    with pytest.raises(PayOrderStateError):
        await shop.pay()
    await shop.settle_down(hours=1)
    assert (await shop.states())[0] == "CLOSED"


async def test_closing_an_order_that_is_being_paid_finds_it_paid(shop):
    await shop.place()
    shop.wechat.pay((await shop.page()).attempt.number)
    with pytest.raises(PayOrderStateError):
        await shop.close_order(order_no="A1")
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_a_closed_order_stays_closed_when_closed_again(shop):
    await shop.place()
    await shop.close_order(order_no="A1")
    assert (await shop.close_order(order_no="A1")).state == "CLOSED"
    await shop.announce_events()
    assert [event.kind for event in shop.told] == ["order.closed"]


async def test_another_users_order_cannot_be_closed(shop):
    await shop.place()
    with pytest.raises(Exception, match="There is no order"):
        await shop.close_order(order_no="A1", user_id="bob")
    assert (await shop.states())[0] == "NEW"
