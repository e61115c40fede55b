"""Refresh before act: what a command depends on is asked first, at once, and not for ever."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.domain.model.errors import PayOrderStateError, SwitchRefused
from retender.domain.model.money import Money
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.payment_provider import ClosePower
from retender.tests.domain.shop import Shop
from retender.tests.domain.told import facts

pytestmark = pytest.mark.asyncio

SOON = timedelta(milliseconds=20)
NONE, STRICT, BEST = SwitchPolicy.NONE, SwitchPolicy.STRICT, SwitchPolicy.BEST_EFFORT


class Meeting:
    """Lets nobody go before all are there."""

    def __init__(self, expected: int) -> None:
        self.missing = expected
        self.complete = asyncio.Event()

    async def __call__(self) -> None:
        self.missing -= 1
        if not self.missing:
            self.complete.set()
        async with asyncio.timeout(5):
            await self.complete.wait()


async def silence() -> None:
    """Let a provider never answer."""
    await asyncio.Event().wait()


async def with_two_pages(shop: Shop, policy: SwitchPolicy) -> None:
    """Open a page at each provider, so that a third request has two to leave."""
    shop.policy = replace(shop.policy, switch_policy=NONE)
    await shop.place()
    await shop.page("wechat", "pc")
    await shop.page("alipay", "pc")
    shop.policy = replace(shop.policy, switch_policy=policy)
    shop.wechat.calls.clear()
    shop.alipay.calls.clear()


def asked(shop: Shop) -> list[str]:
    return [call.split()[0] for call in (*shop.wechat.calls, *shop.alipay.calls)]


# --- paying -------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "verb"), [(NONE, "query"), (STRICT, "query"), (BEST, "close")])
async def test_all_that_is_left_is_asked_at_the_same_time(shop, policy, verb):
    await with_two_pages(shop, policy)
    shop.alipay.begin((await shop.attempt(2)).number)
    meeting = Meeting(2)
    shop.wechat.during(verb, meeting)
    shop.alipay.during(verb, meeting)
    await shop.page("wechat", "h5")
    assert meeting.complete.is_set()


@pytest.mark.parametrize("policy", [NONE, STRICT, BEST])
async def test_no_second_page_is_made_beside_one_that_was_paid(shop, policy):
    """Also where it would stay open: its notice may just be late."""
    await with_two_pages(shop, policy)
    shop.alipay.pay((await shop.attempt(2)).number)
    with pytest.raises(PayOrderStateError):
        await shop.pay("wechat", "h5")
    assert (await shop.states())[0] == "PAID"
    assert "open" not in asked(shop)


async def test_the_page_that_is_handed_out_again_depends_on_none(shop):
    """The same number cannot be paid twice."""
    await with_two_pages(shop, NONE)
    assert (await shop.page("wechat", "pc")).reused
    assert asked(shop) == []


async def test_who_does_not_answer_in_time_is_unknown_and_under_none_left_open(shop):
    await with_two_pages(shop, NONE)
    shop.refresh_within = SOON
    shop.wechat.during("query", silence)
    await shop.page("wechat", "h5")
    assert await shop.states() == ("NEW", ["OPEN", "OPEN", "OPEN"])
    told = facts(await shop.story(), StoryKind.NO_ANSWER)
    assert [f.problem.message for f in told] == ["No answer within the 0.02 s for questions."]


async def test_who_does_not_answer_in_time_is_closed_by_the_worker_under_best_effort(shop):
    await with_two_pages(shop, BEST)
    shop.refresh_within = SOON
    shop.wechat.during("close", silence)
    await shop.page("wechat", "h5")
    assert await shop.states() == ("NEW", ["CLOSING", "CLOSING", "OPEN"])
    await shop.work_once()
    assert (await shop.attempt(1)).state == "CLOSED"


async def test_who_does_not_answer_in_time_stands_in_the_way_under_strict(shop):
    await shop.place()
    first = await shop.page("wechat", "pc")
    shop.policy = replace(shop.policy, switch_policy=STRICT)
    shop.refresh_within = SOON
    shop.wechat.during("query", silence)
    with pytest.raises(SwitchRefused) as caught:
        await shop.pay("alipay", "pc")
    assert caught.value.details["remaining_seconds"] == 33 * 60
    assert (await shop.page("wechat", "pc")).page == first.page


async def test_a_close_that_was_cut_off_proves_nothing_under_strict(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    shop.policy = replace(shop.policy, switch_policy=STRICT)
    shop.refresh_within = SOON
    shop.wechat.during("close", silence)
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "pc")
    assert await shop.states() == ("NEW", ["CLOSING"])
    told = facts(await shop.story(), StoryKind.NO_ANSWER)
    assert [fact.source for fact in told] == ["close", "query"], "and no further round"


async def test_the_time_is_for_all_questions_together(shop):
    await shop.place()
    await shop.page("wechat", "pc")
    shop.policy = replace(shop.policy, switch_policy=BEST)
    shop.refresh_within = SOON
    shop.wechat.during("close", silence)
    await shop.page("alipay", "pc")
    assert asked(shop) == ["open", "close", "open"], "no time is left to confirm"


async def test_a_payment_whose_answer_was_cut_off_is_not_lost(shop):
    await with_two_pages(shop, NONE)
    shop.refresh_within = SOON
    number = (await shop.attempt(1)).number
    shop.wechat.pay(number)
    shop.wechat.during("query", silence)
    await shop.page("wechat", "h5")
    assert (await shop.states())[0] == "NEW"
    shop.clock.pass_by(minutes=1)
    await shop.work_once()
    assert await shop.states() == ("PAID", ["SUCCEEDED", "CLOSING", "CLOSING"])


async def test_what_was_answered_in_time_is_written_down_however_long_that_takes():
    """A transaction is never cut off: only questions are."""
    slowly = False

    class Slow(MemoryUnitOfWork):
        @asynccontextmanager
        async def __call__(self, *, read_only=False, once=False):
            if slowly:
                await asyncio.sleep(3 * SOON.total_seconds())
            async with super().__call__(read_only=read_only, once=once) as work:
                yield work

    async def from_now_on() -> None:
        nonlocal slowly
        slowly = True

    shop = Shop(store=Slow(), refresh_within=SOON)
    await shop.place()
    await shop.page("wechat", "pc")
    shop.policy = replace(shop.policy, switch_policy=BEST)
    shop.wechat.during("close", from_now_on)
    await shop.page("alipay", "pc")
    assert await shop.states() == ("NEW", ["CLOSED", "OPEN"])


async def test_no_page_is_closed_for_a_switch_that_is_refused(shop):
    await with_two_pages(shop, NONE)
    shop.configure("wechat", switch_policy=BEST)
    shop.configure("alipay", switch_policy=STRICT)
    with pytest.raises(SwitchRefused):
        await shop.pay("wechat", "h5")
    assert await shop.states() == ("NEW", ["OPEN", "OPEN"])
    assert asked(shop) == ["query"]


async def test_that_one_was_paid_says_more_than_that_another_may_be(shop):
    await with_two_pages(shop, STRICT)
    shop.alipay.power = ClosePower.LAZY
    shop.wechat.during("query", silence)
    shop.alipay.pay((await shop.attempt(2)).number)
    shop.refresh_within = SOON
    with pytest.raises(PayOrderStateError):
        await shop.pay("wechat", "h5")


# --- closing ------------------------------------------------------------------------------


async def test_an_orders_pages_are_closed_at_the_same_time(shop):
    await with_two_pages(shop, NONE)
    shop.alipay.begin((await shop.attempt(2)).number)
    meeting = Meeting(2)
    shop.wechat.during("close", meeting)
    shop.alipay.during("close", meeting)
    assert (await shop.close_order(order_no="A1")).state == "CLOSED"
    assert meeting.complete.is_set()


async def test_closing_waits_no_longer_than_it_may_and_the_worker_goes_on(shop):
    await with_two_pages(shop, NONE)
    shop.alipay.begin((await shop.attempt(2)).number)
    shop.refresh_within = SOON
    shop.wechat.during("close", silence)
    assert (await shop.close_order(order_no="A1")).state == "CANCELLING"
    assert await shop.states() == ("CANCELLING", ["CLOSING", "CLOSED"])
    await shop.work_once()
    await shop.work_once()
    assert (await shop.states())[0] == "CLOSED"


# --- refunding ----------------------------------------------------------------------------


async def test_an_order_whose_notice_was_lost_is_found_paid_and_refunded(shop):
    await with_two_pages(shop, NONE)
    shop.alipay.pay((await shop.attempt(2)).number)
    refund = await shop.refund_payment(order_no="A1", refund_no="RF1")
    assert refund.state == "DONE"
    assert set(shop.alipay.kept().values()) == {0}


async def test_an_order_that_nobody_paid_is_not_refunded(shop):
    await with_two_pages(shop, NONE)
    with pytest.raises(PayOrderStateError):
        await shop.refund_payment(order_no="A1", refund_no="RF1")
    assert asked(shop) == ["query", "query"]


async def test_a_refund_that_failed_meanwhile_no_longer_stands_in_the_way(shop, mocker):
    await shop.place()
    await shop.hear("wechat", shop.wechat.pay((await shop.page("wechat", "pc")).attempt.number))
    shop.wechat.pending_refunds = True
    half = Money(5000, "CNY")
    await shop.refund_payment(order_no="A1", refund_no="RF1", amount=half)
    with pytest.raises(RefundExceedsPaid):
        await shop.refund_payment(order_no="A1", refund_no="RF2", amount=half)
    (first,) = (await shop.story()).refunds
    shop.clock.now = first.next_try_at
    shop.wechat.trades[(await shop.attempt()).number].refunds.clear()
    receipt = shop.wechat._refund_receipt

    def first_failed(order):
        return replace(receipt(order), state="failed" if order.number == first.number else "done")

    mocker.patch.object(shop.wechat, "_refund_receipt", first_failed)
    refund = await shop.refund_payment(order_no="A1", refund_no="RF2", amount=half)
    assert refund.state == "DONE"
    states = {each.refund_no: each.state for each in (await shop.story()).refunds}
    assert states == {"RF1": "STUCK", "RF2": "DONE"}


async def test_a_refund_is_asked_after_when_its_look_is_due_and_no_sooner(shop):
    """Every look counts as a try: who presses in a loop must not use them up."""
    await shop.place()
    await shop.hear("wechat", shop.wechat.pay((await shop.page("wechat", "pc")).attempt.number))
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="RF1")
    for _ in range(20):
        assert await shop.refund_payment(order_no="A1", refund_no="RF1") == sent
    assert asked(shop).count("query_refund") == 0
    shop.wechat.pending_refunds = False
    shop.clock.now = sent.next_try_at
    assert (await shop.refund_payment(order_no="A1", refund_no="RF1")).state == "DONE"


async def test_a_refund_of_an_account_that_is_gone_is_shown_as_it_is(shop):
    await shop.place()
    await shop.hear("wechat", shop.wechat.pay((await shop.page("wechat", "pc")).attempt.number))
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="RF1")
    shop.clock.now = sent.next_try_at
    del shop.accounts.by_name["wechat"]
    assert (await shop.refund_payment(order_no="A1", refund_no="RF1")).state == "SENT"


async def test_a_refunds_answer_is_waited_for_no_longer_than_it_may(shop):
    await shop.place()
    await shop.hear("wechat", shop.wechat.pay((await shop.page("wechat", "pc")).attempt.number))
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="RF1")
    shop.clock.now = sent.next_try_at
    shop.refresh_within = SOON
    shop.wechat.during("query_refund", silence)
    unknown = await shop.refund_payment(order_no="A1", refund_no="RF1")
    assert unknown.state == "SENT"
    assert unknown.next_try_at > shop.clock()
