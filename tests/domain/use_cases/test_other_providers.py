"""Providers of the other kind: ids of their own, slow answers, lost answers, lost ledgers."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.domain.model.attention import About, AttentionCode, Resolution
from retender.domain.model.errors import ProviderUncertain, SwitchRefused
from retender.domain.model.money import Money
from retender.domain.model.pay_result import AnswerPending, PageReady
from retender.domain.model.switch_policy import SwitchPolicy
from retender.ports.pay_policy import PageStrategy
from retender.ports.payment_provider import Receipt, ReceiptState, RefundTerms

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")


@pytest.fixture
def hosted(shop):
    """Let one account's provider go by ids of its own, and show pages to nobody but us."""
    shop.wechat.own_ids = True
    shop.wechat.orphan_payable = False
    shop.wechat.reopens = False
    return shop.wechat


async def the_open_attention(shop):
    async with shop.unit_of_work(read_only=True) as work:
        return list(await work.attention.open())


# --- an id that the provider makes ------------------------------------------------------


async def test_the_reference_is_kept_with_the_page_and_asked_with(shop, hosted):
    """The gateway fails a question that does not bear it."""
    await shop.place()
    ready = await shop.page("wechat", "pc")
    assert ready.attempt.reference == f"theirs-{ready.attempt.number}"
    shop.clock.pass_by(minutes=1)
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    await shop.page("alipay", "h5")
    verbs = [call.split()[0] for call in hosted.calls]
    assert verbs[:2] == ["open", "query"]
    assert "close" in verbs


async def test_a_provider_that_makes_a_second_order_is_not_asked_again(shop, hosted):
    """Whatever the strategy: both pages could be paid, and the first one's id would be lost."""
    shop.policy = replace(shop.policy, page_strategy=PageStrategy.ASK_PROVIDER)
    await shop.place()
    first = await shop.page("wechat", "pc")
    again = await shop.page("wechat", "pc")
    assert (again.page, again.reused) == (first.page, True)
    assert [call.split()[0] for call in hosted.calls] == ["open"]


async def test_a_notice_that_names_only_the_reference_pays(shop, hosted):
    hosted.names_number = False
    await shop.place()
    ready = await shop.page("wechat", "pc")
    taken = await shop.hear("wechat", hosted.pay(ready.attempt.number))
    assert (taken.code, taken.order_no) == ("NOTICE_TAKEN", "A1")
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_an_answer_that_names_only_the_reference_pays(shop, hosted):
    hosted.names_number = False
    await shop.place()
    ready = await shop.page("wechat", "pc")
    hosted.pay(ready.attempt.number)
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_a_reference_that_nobody_knows_waits_for_a_human(shop, hosted):
    await shop.place()
    await shop.page("wechat", "pc")
    hosted.names_number = False
    hosted.pages["STRANGER01"] = replace(next(iter(hosted.pages.values())), number="STRANGER01")
    taken = await shop.hear("wechat", hosted.pay("STRANGER01"))
    assert taken.code == AttentionCode.UNKNOWN_NUMBER
    (item,) = await the_open_attention(shop)
    assert item.number == "theirs-STRANGER01"


async def test_evidence_of_both_fills_in_a_reference_that_was_lost(shop, hosted):
    """Its page was lost with it; money that comes all the same is settled like any other."""
    await shop.place()
    hosted.fail("open", UNKNOWN, after_effect=True)
    pending = await shop.pay("wechat", "pc")
    assert pending.attempt.reference is None
    raw = hosted.pay(pending.attempt.number)
    await shop.hear("wechat", raw)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert (await shop.attempt(1)).reference == f"theirs-{pending.attempt.number}"


async def test_the_reference_of_a_page_that_came_too_late_is_kept(shop, hosted):
    """Nobody sees the page, but what was made must be found and closed."""
    await shop.place()

    async def switch() -> None:
        await shop.page("alipay", "h5")

    hosted.during("open", switch)
    with pytest.raises(Exception, match="not needed"):
        await shop.pay("wechat", "pc")
    left = await shop.attempt(1)
    assert (left.page, left.reference) == (None, f"theirs-{left.number}")
    await shop.check_attempt(attempt_id=left.attempt_id)
    assert (await shop.states())[1] == ["CLOSED", "OPEN"]


async def test_a_refund_bears_the_reference(shop, hosted, mocker):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    await shop.hear("wechat", hosted.pay(ready.attempt.number))
    refund = mocker.spy(hosted, "refund")
    await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.call_args.args[0].reference == f"theirs-{ready.attempt.number}"


async def test_a_receipt_speaks_of_something():
    with pytest.raises(ValueError, match="number or a reference"):
        Receipt(number=None, state=ReceiptState.OPEN)


# --- a claim to ask is a fence ----------------------------------------------------------


async def test_who_lost_the_claim_keeps_no_page_and_shows_none(shop):
    """A slow one is overtaken; of the two pages under one number only one is ever shown."""
    await shop.place()
    seen = []

    async def overtake() -> None:
        shop.clock.pass_by(seconds=16)
        seen.append(await shop.page("wechat", "pc"))

    shop.wechat.during("open", overtake)
    slow = await shop.pay("wechat", "pc")
    assert isinstance(slow, AnswerPending)
    again = await shop.page("wechat", "pc")
    assert again.reused
    assert again.page == seen[0].page


async def test_all_calls_of_one_open_end_before_the_claim(shop):
    """What takes longer is cut off, and unknown; the claim is still the caller's then."""
    shop.open_within = timedelta(seconds=0.05)
    await shop.place()

    async def slow() -> None:
        await asyncio.sleep(5)

    shop.wechat.during("open", slow)
    assert isinstance(await shop.pay("wechat", "pc"), AnswerPending)
    assert (await shop.attempt(1)).asking_until is None
    assert isinstance(await shop.pay("wechat", "pc"), PageReady)


async def test_the_time_for_a_page_is_shorter_than_the_claim(shop):
    assert timedelta(0) < shop.policy.open_within < shop.policy.asking_for


# --- "not found" after a page was kept --------------------------------------------------


async def test_absence_after_presence_is_no_death_and_one_call_for_the_account(shop):
    """Two orders whose pages are out, and a gateway that forgot both: one call, nobody dies."""
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        await shop.page("wechat", "pc", order_no)
    shop.wechat.forgets = True
    shop.clock.pass_by(hours=2)
    await shop.expire_orders()
    await shop.work_once()
    assert await shop.states("A1") == ("EXPIRING", ["CLOSING"])
    assert await shop.states("A2") == ("EXPIRING", ["CLOSING"])
    (item,) = await the_open_attention(shop)
    assert (item.code, item.about, item.subject) == (
        AttentionCode.ABSENT,
        About.ACCOUNT,
        "wechat",
    )
    assert (await shop.escalate()).opened == 0


async def test_the_call_ends_by_itself_with_the_next_good_answer(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    shop.wechat.forgets = True
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    (item,) = await the_open_attention(shop)
    shop.wechat.forgets = False
    await shop.recheck_attention(attention_id=item.attention_id)
    assert await the_open_attention(shop) == []
    async with shop.unit_of_work(read_only=True) as work:
        ended = await work.attention.get(item.attention_id)
    assert ended.ending.resolution is Resolution.SETTLED


async def test_where_no_page_was_kept_absence_is_still_death_after_the_watch(shop):
    await shop.place()
    shop.wechat.fail("open", UNKNOWN)
    await shop.pay("wechat", "pc")
    shop.clock.pass_by(hours=2)
    await shop.expire_orders()
    await shop.work_once()
    assert (await shop.states())[1] == ["CLOSED"]
    assert await the_open_attention(shop) == []


async def test_a_lazy_page_is_dead_when_absent_after_its_watch(shop):
    """Its trade exists only once the payer acts, so absence is no contradiction."""
    await shop.place()
    await shop.page("alipay", "h5")
    shop.clock.pass_by(hours=2)
    await shop.expire_orders()
    await shop.work_once()
    assert (await shop.states())[1] == ["CLOSED"]


# --- a lost answer whose page nobody can see --------------------------------------------


async def test_a_lost_answer_does_not_lock_the_payer_out(shop, hosted):
    """Even under strict, and where a number cannot be opened again: a new number goes."""
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.STRICT)
    await shop.place()
    hosted.fail("open", UNKNOWN, after_effect=True)
    assert isinstance(await shop.pay("wechat", "pc"), AnswerPending)
    assert await shop.states() == ("NEW", ["CLOSING"])
    ready = await shop.page("wechat", "pc")
    assert ready.attempt.idx == 2
    other = await shop.page("alipay", "h5")
    assert other.attempt.idx == 3


async def test_who_died_while_asking_does_not_lock_the_payer_out_either(shop, hosted):
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.STRICT)
    await shop.place()

    async def die() -> None:
        raise KeyboardInterrupt

    hosted.during("open", die)
    with pytest.raises(KeyboardInterrupt):
        await shop.pay("wechat", "pc")
    ready = await shop.page("wechat", "pc")
    assert ready.attempt.idx == 2
    assert await shop.states() == ("NEW", ["CLOSING", "OPEN"])


async def test_where_others_may_show_the_page_strict_waits(shop, hosted):
    hosted.orphan_payable = True
    shop.policy = replace(shop.policy, switch_policy=SwitchPolicy.STRICT)
    await shop.place()
    hosted.fail("open", UNKNOWN)
    await shop.pay("wechat", "pc")
    with pytest.raises(SwitchRefused):
        await shop.pay("alipay", "h5")


async def test_late_money_of_an_orphan_may_win_or_is_a_surplus(shop, hosted):
    await shop.place()
    hosted.fail("open", UNKNOWN, after_effect=True)
    orphan = (await shop.pay("wechat", "pc")).attempt
    ready = await shop.page("wechat", "pc")
    await shop.hear("wechat", hosted.pay(ready.attempt.number))
    await shop.hear("wechat", hosted.pay(orphan.number))
    await shop.work_once()
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    assert sum(hosted.kept().values()) == Money(8880, "CNY").minor


async def test_what_nobody_can_ask_about_nor_saw_ends_with_its_watch(shop, hosted):
    """No question is sent: the gateway would not know what it is about."""
    await shop.place()
    hosted.fail("open", UNKNOWN)
    pending = await shop.pay("wechat", "pc")
    await shop.check_attempt(attempt_id=pending.attempt.attempt_id)
    assert (await shop.states())[1] == ["CLOSING"]
    shop.clock.pass_by(hours=2)
    await shop.expire_orders()
    await shop.work_once()
    assert (await shop.states())[1] == ["CLOSED"]
    assert [call.split()[0] for call in hosted.calls] == ["open"]


# --- refund numbers that must not be repeated -------------------------------------------


async def paid(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))


def refund_calls(shop):
    return [call.split()[0] for call in shop.wechat.calls if "refund" in call]


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_lost_answer_is_asked_for_where_a_repeat_would_pay_twice(shop, repeatable):
    shop.wechat.refund_terms = RefundTerms(repeatable=repeatable)
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.state == ("DUE" if repeatable else "SENT")
    await shop.settle_down(hours=1)
    again = "refund" if repeatable else "query_refund"
    assert refund_calls(shop) == ["refund", again]
    assert (await shop.story()).refunds[0].state == "DONE"


async def test_what_is_surely_absent_is_sent_again(shop):
    """A question that is asked too early proves nothing: the request may come late."""
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    await shop.settle_down(hours=0.2)
    assert set(refund_calls(shop)[1:]) == {"query_refund"}, "it may be on its way still"
    await shop.settle_down(hours=1)
    calls = refund_calls(shop)
    assert (calls.count("refund"), calls[-1]) == (2, "refund")
    assert (await shop.story()).refunds[0].state == "DONE"


async def test_not_found_says_nothing_of_one_that_was_sent_meanwhile(shop):
    """An answer may be long in coming; then it is of the send before, and not to be repeated."""
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.clock.pass_by(minutes=20)

    async def others_send_it_again():
        await shop.check_refund(refund_no="R1")
        assert (await shop.check_refund(refund_no="R1")).state == "SENT"
        assert refund_calls(shop).count("refund") == 2

    shop.wechat.during("query_refund", others_send_it_again)
    assert (await shop.check_refund(refund_no="R1")).state == "SENT", "it may be on its way"


async def test_what_asking_cannot_tell_is_a_humans(shop):
    """It is never sent again, however long nobody answers."""
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN)
    shop.wechat.fail("query_refund", *[UNKNOWN] * 500)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    await shop.settle_down(hours=30, every=600)
    assert refund_calls(shop).count("refund") == 1
    assert "REFUND_TOO_LONG" in {item.code for item in await the_open_attention(shop)}
