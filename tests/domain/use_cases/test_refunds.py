"""Refunds: under one number, never twice, never more than was paid, never taken for failed."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.adapters.memory.refunds import MemoryRefunds
from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.errors import (
    AmountInvalid,
    IdempotencyConflict,
    NotOffered,
    NumberInvalid,
    PayOrderNotExist,
    PayOrderStateError,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    Refusal,
    StoreFull,
    TextInvalid,
)
from retender.domain.model.money import Money
from retender.domain.model.refund import MOST_TRIES, RefundCause
from retender.domain.model.refund_errors import RefundExceedsPaid, RefundNotExist
from retender.domain.model.transition import RefundEvent, RefundState
from retender.domain.use_cases.refund_payment import RefundPayment
from retender.domain.use_cases.show_refund import ShowRefund
from retender.ports.payment_provider import (
    RawNotice,
    RefundReceipt,
    RefundReceiptState,
    RefundTerms,
)
from retender.tests.contracts.store.samples import CAUSE
from retender.tests.domain.told import whys, words

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")
UNREACHED = ProviderUnavailable("connection refused")
NOT_NOW = ProviderRefused(Refusal.NOT_NOW, provider_code="NOT_ENOUGH")


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


async def paid(shop) -> str:
    """Place an order and pay it at WeChat; return the number."""
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


async def test_after_its_provider_s_time_for_refunds_the_no_comes_at_once(shop):
    """Sent all the same, it would be refused, and be a human's."""
    shop.wechat.refund_terms = RefundTerms(window=timedelta(days=365))
    await paid(shop)
    shop.clock.pass_by(days=1)
    assert (await refund(shop, "RF0", amount=cny(100))).state == "DONE"
    shop.clock.pass_by(days=364)
    assert (await refund(shop, amount=cny(100))).state == "DONE"
    shop.clock.pass_by(seconds=1)
    with pytest.raises(NotOffered, match="until 2027"):
        await refund(shop, "RF2")
    assert len((await shop.story()).refunds) == 2


async def surplus(shop) -> str:
    """Pay an order twice; return the refund's number."""
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt
    new = (await shop.page("wechat", "pc")).attempt
    await shop.hear("alipay", shop.alipay.pay(old.number))
    await shop.hear("wechat", shop.wechat.pay(new.number))
    return f"R{new.number}"


def refund(shop, refund_no: str = "RF1", **more: object):
    return shop.refund_payment(**{"order_no": "A1", "refund_no": refund_no, **more})


# --- the shop's refunds -----------------------------------------------------------------


async def test_a_refund_gives_everything_back_and_tells_the_shop(shop):
    number = await paid(shop)
    done = await refund(shop)
    assert (done.state, done.amount) == ("DONE", cny(8880))
    assert shop.wechat.kept() == {number: 0}
    await shop.announce_events()
    assert [event.kind for event in shop.told] == ["order.paid", "refund.done"]
    assert shop.told[1].data["amount"] == cny(8880).to_json()
    assert await shop.states() == ("PAID", ["SUCCEEDED"])  # a refund is no order state


async def test_parts_go_back_until_nothing_is_left(shop):
    number = await paid(shop)
    await refund(shop, "RF1", amount=cny(1000))
    await refund(shop, "RF2", amount=cny(7000))
    with pytest.raises(RefundExceedsPaid) as caught:
        await refund(shop, "RF3", amount=cny(881))
    assert caught.value.details["left"] == "8.80"
    assert (await refund(shop, "RF4")).amount == cny(880)
    with pytest.raises(RefundExceedsPaid):
        await refund(shop, "RF5")
    assert shop.wechat.kept() == {number: 0}


async def test_the_same_refund_again_is_the_same_refund(shop):
    await paid(shop)
    first = await refund(shop, amount=cny(1000))
    assert await refund(shop, amount=cny(1000)) == first
    assert await refund(shop) == first
    assert len([call for call in shop.wechat.calls if call.startswith("refund")]) == 1


async def test_one_number_with_another_amount_is_a_conflict(shop):
    await paid(shop)
    await refund(shop, amount=cny(1000))
    with pytest.raises(IdempotencyConflict) as caught:
        await refund(shop, amount=cny(999))
    assert caught.value.details["fields"] == ["amount"]


async def test_one_number_for_another_order_is_a_conflict(shop):
    await paid(shop)
    await refund(shop, amount=cny(1000))
    await shop.place("A2")
    number = (await shop.page(order_no="A2")).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    with pytest.raises(IdempotencyConflict):
        await refund(shop, order_no="A2", amount=cny(1000))


async def test_an_automatic_refunds_number_is_not_the_shops_to_use(shop):
    number = await surplus(shop)
    with pytest.raises(IdempotencyConflict):
        await refund(shop, number)


async def test_many_refunds_at_once_never_exceed_what_was_paid(shop):
    number = await paid(shop)
    calls = [refund(shop, f"RF{i}", amount=cny(1000)) for i in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, RefundExceedsPaid) for answer in answers) == 12
    assert shop.wechat.kept() == {number: 880}


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"order_no": "NOPE"}, PayOrderNotExist),
        ({"refund_no": "a b"}, NumberInvalid),
        ({"refund_no": ""}, NumberInvalid),
        ({"reason": "\x00"}, TextInvalid),
        ({"amount": Money(100, "JPY")}, AmountInvalid),
        ({"amount": Money(0, "CNY")}, AmountInvalid),
        ({"amount": Money(8881, "CNY")}, RefundExceedsPaid),
    ],
)
async def test_a_refund_that_cannot_be_meant_changes_nothing(shop, asked, error):
    number = await paid(shop)
    with pytest.raises(error):
        await refund(shop, **asked)
    assert shop.wechat.kept() == {number: 8880}
    assert (await shop.story()).refunds == []


async def test_an_unpaid_order_has_nothing_to_give_back(shop):
    await shop.place()
    await shop.page()
    with pytest.raises(PayOrderStateError):
        await refund(shop)


async def test_a_provider_that_gives_back_all_or_nothing_says_so(shop):
    shop.wechat.refund_terms = RefundTerms(partial=False)
    await paid(shop)
    with pytest.raises(NotOffered):
        await refund(shop, amount=cny(1))
    assert (await refund(shop)).state == "DONE"


async def test_no_more_refunds_than_the_provider_takes(shop):
    shop.wechat.refund_terms = RefundTerms(most=2)
    await paid(shop)
    await refund(shop, "RF1", amount=cny(1))
    await refund(shop, "RF2", amount=cny(1))
    with pytest.raises(NotOffered):
        await refund(shop, "RF3", amount=cny(1))


async def test_the_providers_least_time_between_two_refunds_is_kept(shop):
    shop.wechat.refund_terms = RefundTerms(spacing=timedelta(minutes=1))
    await paid(shop)
    assert (await refund(shop, "RF1", amount=cny(1))).state == "DONE"
    second = await refund(shop, "RF2", amount=cny(1))
    assert second.state == "DUE"
    assert second.next_try_at == shop.clock() + timedelta(minutes=1)
    await shop.settle_down(hours=0.1)
    assert (await ShowRefund(shop.unit_of_work)(refund_no="RF2")).state == "DONE"


async def test_the_least_time_is_kept_after_a_refund_that_was_just_sent(shop):
    shop.wechat.refund_terms = RefundTerms(spacing=timedelta(minutes=1))
    await paid(shop)
    shop.wechat.pending_refunds = True
    assert (await refund(shop, "RF1", amount=cny(1))).state == "SENT"
    second = await refund(shop, "RF2", amount=cny(1))
    assert second.next_try_at == shop.clock() + timedelta(minutes=1)


async def test_the_least_time_is_kept_by_those_that_become_due_together(shop):
    """Planned apart, both were not reached for an hour; then two workers send at once."""
    shop.wechat.refund_terms = RefundTerms(spacing=timedelta(minutes=1))
    await paid(shop)
    for number in ("RF1", "RF2"):
        shop.wechat.fail("refund", ProviderUnavailable("away"))
        await refund(shop, number, amount=cny(1))
    shop.clock.pass_by(hours=1)
    shop.wechat.trouble.clear()
    for _ in range(3):
        await shop.work_once()
        shop.clock.pass_by(seconds=59)
    states = [(await ShowRefund(shop.unit_of_work)(refund_no=n)) for n in ("RF1", "RF2")]
    assert [r.state for r in states] == ["DONE", "DONE"]
    first, second = sorted(r.sent_at for r in states if r.sent_at is not None)
    assert second - first >= timedelta(minutes=1)


async def test_a_refund_that_is_long_on_its_way_holds_up_no_other(shop):
    shop.wechat.refund_terms = RefundTerms(spacing=timedelta(minutes=1))
    await paid(shop)
    shop.wechat.pending_refunds = True
    assert (await refund(shop, "RF1", amount=cny(1))).state == "SENT"
    await shop.settle_down(hours=3)
    second = await refund(shop, "RF2", amount=cny(1))
    assert second.next_try_at <= shop.clock() + timedelta(minutes=1)


# --- what is unknown stays under its number ---------------------------------------------


async def test_an_unknown_answer_is_sent_again_under_the_same_number_and_refunds_once(shop):
    number = await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    unknown = await refund(shop)
    assert unknown.state == "DUE"
    await shop.settle_down(hours=0.1)
    sent = {call for call in shop.wechat.calls if call.startswith("refund")}
    assert sent == {f"refund {unknown.number}"}
    assert shop.wechat.kept() == {number: 0}
    assert (await shop.story()).refunds[0].state == "DONE"


@pytest.mark.parametrize("trouble", [UNREACHED, NOT_NOW, UNKNOWN])
async def test_trouble_delays_a_refund_and_never_loses_it(shop, trouble):
    number = await paid(shop)
    shop.wechat.fail("refund", trouble, trouble, trouble)
    waiting = await refund(shop)
    assert waiting.state == "DUE"
    assert waiting.next_try_at > shop.clock()
    await shop.settle_down(hours=1)
    assert shop.wechat.kept() == {number: 0}


async def test_a_crash_between_writing_and_sending_is_made_good(shop):
    number = await paid(shop)

    async def die() -> None:
        raise KeyboardInterrupt

    shop.wechat.during("refund", die)
    with pytest.raises(KeyboardInterrupt):
        await refund(shop)
    assert (await shop.story()).refunds[0].state == "SENT"
    await shop.settle_down(hours=0.2)
    assert (await shop.story()).refunds[0].state == "DONE"
    assert shop.wechat.kept() == {number: 0}


async def test_a_refund_that_takes_its_time_is_asked_after(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    assert (await refund(shop)).state == "SENT"
    shop.wechat.fail("query_refund", UNKNOWN)
    await shop.settle_down(hours=0.2)
    assert (await shop.story()).refunds[0].state == "SENT"
    shop.wechat.pending_refunds = False
    await shop.settle_down(hours=1)
    assert (await shop.story()).refunds[0].state == "DONE"


async def test_a_notice_of_the_refund_ends_it_whatever_state_it_is_in(shop):
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    due = await refund(shop)
    body = json.dumps({"key": "r1", "refund": due.number, "sign": "good"}).encode()
    raw = RawNotice(headers={}, body=body, received_at=shop.clock())
    assert (await shop.hear("wechat", raw)).code == "NOTICE_TAKEN"
    assert (await shop.story()).refunds[0].state == "DONE"


async def test_a_notice_of_a_refund_that_is_not_ours_is_an_attention_item(shop):
    body = json.dumps({"key": "r1", "refund": "STRANGER1", "sign": "good"}).encode()
    raw = RawNotice(headers={}, body=body, received_at=shop.clock())
    assert (await shop.hear("wechat", raw)).code == "EVIDENCE_UNKNOWN_REFUND"
    assert len(await shop.list_attention_history()) == 1


async def test_a_word_on_a_refund_of_another_amount_settles_nothing_and_is_an_attention_item(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    sent = await refund(shop)
    body = {"key": "r1", "refund": sent.number, "minor": 1, "sign": "good"}
    raw = RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())
    await shop.hear("wechat", raw)
    assert (await shop.story()).refunds[0].state == "SENT"
    (item,) = await shop.list_attention_history()
    assert item.code == "EVIDENCE_AMOUNT_MISMATCH"
    assert item.data == {"amount": "0.01 CNY", "ours": "88.80 CNY"}


# --- stuck ------------------------------------------------------------------------------


async def test_a_refund_refused_for_good_is_stuck_and_an_operator_hears_of_it(shop):
    await paid(shop)
    shop.wechat.failing_refunds = True
    stuck = await refund(shop)
    assert stuck.state == "STUCK"
    assert "NO_REFUNDS" in stuck.problem
    assert stuck.next_try_at is None
    await shop.settle_down()
    assert [event.kind for event in shop.told] == ["order.paid", "refund.stuck"]


async def test_a_stuck_refund_leaves_its_amount_to_be_refunded_under_another_number(shop):
    number = await paid(shop)
    shop.wechat.failing_refunds = True
    await refund(shop, "RF1")
    shop.wechat.failing_refunds = False
    assert (await refund(shop, "RF2")).state == "DONE"
    assert shop.wechat.kept() == {number: 0}


async def test_a_stuck_refund_that_was_finished_by_hand_leaves_nothing_for_another(shop):
    """Found by the model: the amount was free again, and went back twice."""
    number = await paid(shop)
    shop.wechat.failing_refunds = True
    stuck = await refund(shop, "RF1", amount=cny(4440))
    shop.wechat.failing_refunds = False
    shop.wechat.trades[number].refunds[stuck.number] = stuck.amount
    rest = await refund(shop, "RF2")
    assert (rest.state, rest.amount) == ("DONE", cny(4440))
    assert (await ShowRefund(shop.unit_of_work)(refund_no="RF1")).state == "DONE"
    assert shop.wechat.kept() == {number: 0}


async def test_a_stuck_refund_that_cannot_be_asked_after_stops_another(shop):
    """It may have been finished by hand; the shop may ask again at any time."""
    number = await paid(shop)
    shop.wechat.failing_refunds = True
    await refund(shop, "RF1")
    shop.wechat.failing_refunds = False
    shop.wechat.fail("query_refund", UNKNOWN)
    with pytest.raises(ProviderUnavailable, match="stuck"):
        await refund(shop, "RF2")
    assert shop.wechat.kept() == {number: 8880}
    assert (await refund(shop, "RF2")).state == "DONE"
    assert shop.wechat.kept() == {number: 0}


async def test_a_stuck_refund_that_is_on_its_way_after_all_stops_another(shop):
    """Somebody at the provider finishes it at this moment."""
    number = await paid(shop)
    shop.wechat.failing_refunds = True
    stuck = await refund(shop, "RF1")
    shop.wechat.failing_refunds, shop.wechat.pending_refunds = False, True
    shop.wechat.trades[number].refunds[stuck.number] = stuck.amount
    with pytest.raises(ProviderUnavailable, match="on its way"):
        await refund(shop, "RF2")
    assert shop.wechat.trades[number].refunds == {stuck.number: stuck.amount}


async def test_a_surplus_whose_refund_is_stuck_says_so(shop):
    number = await surplus(shop)
    shop.wechat.failing_refunds = True
    await shop.work_once()
    assert await shop.states() == ("PAID", ["SUCCEEDED", "REFUND_STUCK"])
    assert (await shop.story()).surpluses[0].refund.refund_no == number


async def test_an_operator_may_ask_after_a_stuck_refund_that_was_finished_by_hand(shop):
    number = await surplus(shop)
    shop.wechat.failing_refunds = True
    await shop.work_once()
    trade = shop.wechat.trades[number[1:]]
    trade.refunds[number] = trade.charge.amount
    assert (await shop.check_refund(refund_no=number)).state == "DONE"
    assert await shop.states() == ("PAID", ["SUCCEEDED", "REFUNDED"])


async def test_a_refused_repeat_is_asked_after_before_it_is_given_up(shop):
    number = await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    await refund(shop)
    shop.wechat.fail("refund", ProviderRefused(Refusal.REJECTED, provider_code="HAS_CLOSED"))
    await shop.settle_down(hours=0.1)
    assert (await shop.story()).refunds[0].state == "DONE"
    assert shop.wechat.kept() == {number: 0}


async def test_a_refused_refund_that_cannot_be_asked_after_is_tried_again(shop):
    await paid(shop)
    shop.wechat.fail("refund", ProviderRefused(Refusal.REJECTED, provider_code="X"))
    shop.wechat.fail("query_refund", UNKNOWN)
    assert (await refund(shop)).state == "DUE"


async def test_the_winner_is_never_refunded_by_itself(shop):
    await surplus(shop)
    await shop.settle_down()
    story = await shop.story()
    assert [r.attempt_id for r in story.refunds] != [story.order.winner]
    assert sum(shop.alipay.kept().values()) == 8880


async def test_after_the_last_try_an_operator_is_called(shop):
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN)
    due = await refund(shop)
    async with shop.unit_of_work() as work:
        for _ in range(MOST_TRIES - 1):
            await work.refunds.move("RF1", RefundEvent.SENT, at=shop.clock(), cause=CAUSE)
            await work.refunds.move("RF1", RefundEvent.TRY_AGAIN, at=shop.clock(), cause=CAUSE)
        await work.commit()
    shop.wechat.fail("refund", UNKNOWN)
    assert (await shop.check_refund(refund_no=due.refund_no)).state == "STUCK"


async def test_a_refund_whose_tries_ran_out_may_have_moved_and_leaves_nothing_for_another(shop):
    """Found by the model: nobody had refused it, and its answer may just have been lost."""
    number = await paid(shop)
    shop.wechat.fail("refund", UNKNOWN)
    await refund(shop, "RF1")
    async with shop.unit_of_work() as work:
        for _ in range(MOST_TRIES - 1):
            await work.refunds.move("RF1", RefundEvent.SENT, at=shop.clock(), cause=CAUSE)
            await work.refunds.move("RF1", RefundEvent.TRY_AGAIN, at=shop.clock(), cause=CAUSE)
        await work.commit()
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    assert (await shop.check_refund(refund_no="RF1")).state == "STUCK"
    with pytest.raises(RefundExceedsPaid):
        await refund(shop, "RF2")
    assert shop.wechat.kept() == {number: 0}


async def test_a_refund_that_is_none_does_not_exist(shop):
    with pytest.raises(RefundNotExist):
        await shop.check_refund(refund_no="NOPE")
    with pytest.raises(RefundNotExist):
        await ShowRefund(shop.unit_of_work)(refund_no="NOPE")


async def test_a_number_that_is_none_is_refused_before_anybody_is_asked(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    await refund(shop, "R0", amount=cny(100))
    shop.clock.pass_by(hours=1)  # its look is due
    before = list(shop.wechat.calls)
    with pytest.raises(NumberInvalid):
        await shop.refund_payment(order_no="A1", refund_no="a b")
    assert shop.wechat.calls == before


@pytest.mark.parametrize("winner", ["the first", "the second"])
async def test_a_refund_of_a_paid_order_asks_after_no_surplus(shop, winner):
    """What it depends on is the payment that is kept; the rest is the worker's."""
    await shop.place()
    pages = [(await shop.page("alipay", "h5")).attempt, (await shop.page("wechat")).attempt]
    kept, surplus = pages if winner == "the first" else reversed(pages)
    gateways = {"alipay": shop.alipay, "wechat": shop.wechat}
    others = gateways[surplus.account]
    others.pending_refunds = True
    for attempt in (kept, surplus):
        notice = gateways[attempt.account].pay(attempt.number)
        await shop.hear(attempt.account, notice)
    await shop.work_once()
    shop.clock.pass_by(hours=1)
    others.calls.clear()
    assert (await shop.refund_payment(order_no="A1", refund_no="R1")).state == "DONE"
    assert others.calls == []


async def test_an_earlier_refund_that_is_overdue_is_asked_after_first(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(100))
    shop.wechat.pending_refunds = False
    shop.clock.pass_by(hours=1)
    await shop.refund_payment(order_no="A1", refund_no="R2", amount=cny(100))
    states = {refund.refund_no: refund.state for refund in (await shop.story()).refunds}
    assert states == {"R1": "DONE", "R2": "DONE"}


async def test_a_store_that_is_busy_after_something_was_asked_says_so(shop, mocker):
    await paid(shop)
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(100))
    shop.clock.pass_by(hours=1)
    mocker.patch.object(RefundPayment, "_written_down", side_effect=StoreFull("no room"))
    with pytest.raises(PayOrderInterrupted, match="paid or given back before may be"):
        await shop.refund_payment(order_no="A1", refund_no="R2")
    with pytest.raises(StoreFull):
        await shop.refund_payment(order_no="A1", refund_no="R3")


async def test_what_comes_after_the_order_was_closed_is_said_to_be_late(shop):
    await shop.place()
    number = (await shop.page("alipay", "h5")).attempt.number
    notice = shop.alipay.pay(number)
    unheard = shop.alipay.trades.pop(number)
    await shop.settle_down(hours=2)
    assert (await shop.states())[0] == "CLOSED"
    shop.alipay.trades[number] = unheard
    await shop.hear("alipay", notice)
    (refund,) = (await shop.story()).refunds
    assert (refund.cause, refund.reason) == (RefundCause.LATE, "Paid too late")


async def test_what_is_paid_twice_says_so(shop):
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat")).attempt.number
    await shop.hear("alipay", shop.alipay.pay(first))
    await shop.hear("wechat", shop.wechat.pay(second))
    (refund,) = (await shop.story()).refunds
    assert (refund.cause, refund.reason) == (RefundCause.DUPLICATE, "Paid twice")


async def test_the_story_says_what_is_due_why_and_each_try(shop):
    await paid(shop)
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(100), reason="Too cold")
    told = [words(entry) for entry in (await shop.story()).entries]
    assert ("refund R1 of 1.00 CNY due", "the shop asked: Too cold") in told
    (number,) = {refund.number for refund in (await shop.story()).refunds}
    assert [why for _, why in told if why == f"try 1 under {number}"]


@pytest.mark.parametrize(("used", "again"), [("A1", "A2"), ("A2", "A1")])
async def test_a_number_of_one_order_is_taken_for_every_other(shop, used, again):
    for order_no in ("A1", "A2"):
        await shop.place(order_no)
        number = (await shop.page("wechat", order_no=order_no)).attempt.number
        await shop.hear("wechat", shop.wechat.pay(number))
    await shop.refund_payment(order_no=used, refund_no="R1", amount=cny(100))
    with pytest.raises(IdempotencyConflict):
        await shop.refund_payment(order_no=again, refund_no="R1", amount=cny(100))


@pytest.mark.parametrize("currency", ["AED", "USD"])
async def test_another_currency_than_the_orders_cannot_go_back(shop, currency):
    await paid(shop)
    with pytest.raises(AmountInvalid):
        await shop.refund_payment(order_no="A1", refund_no="R1", amount=Money(1, currency))


async def test_more_refunds_than_the_provider_takes_by_now_are_too_many_as_well(shop):
    """Its terms were wider when the earlier ones were made."""
    await paid(shop)
    for refund_no in ("R1", "R2"):
        await shop.refund_payment(order_no="A1", refund_no=refund_no, amount=cny(100))
    shop.wechat.refund_terms = RefundTerms(most=1)
    with pytest.raises(NotOffered):
        await shop.refund_payment(order_no="A1", refund_no="R3", amount=cny(100))


async def test_what_is_done_is_asked_after_by_nobody(shop):
    await paid(shop)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    before = list(shop.wechat.calls)
    assert (await shop.check_refund(refund_no="R1")).state == "DONE"
    assert shop.wechat.calls == before


async def test_the_provider_hears_how_much_was_paid_not_only_how_much_goes_back(shop, mocker):
    await paid(shop)
    sent = mocker.spy(shop.wechat, "refund")
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(100))
    (order,) = sent.call_args.args
    assert (order.amount, order.paid) == (cny(100), cny(8880))


async def test_a_worker_that_comes_too_early_gives_its_lease_back_and_plans_the_right_time(shop):
    await paid(shop)
    spacing = timedelta(minutes=10)
    shop.wechat.refund_terms = RefundTerms(spacing=spacing)
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(100))
    sent_at = shop.clock.now
    async with shop.unit_of_work() as work:
        refund = replace((await work.refunds.get("R1")), refund_no="R2", number="R2000000")
        early = replace(
            refund, state=RefundState.DUE, sent_at=None, next_try_at=sent_at, created_at=sent_at
        )
        assert await work.refunds.add(early)
        await work.commit()
    await shop.work_once()
    waiting = {r.refund_no: r for r in (await shop.story()).refunds}["R2"]
    assert (waiting.state, waiting.leased_until) == ("DUE", None)
    assert waiting.next_try_at == sent_at + spacing


async def test_a_lost_answer_plans_the_next_look_at_once_where_a_repeat_would_pay_twice(shop):
    await paid(shop)
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    shop.wechat.fail("refund", UNKNOWN)
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert (refund.state, refund.leased_until) == ("SENT", None)
    assert refund.next_try_at is not None
    assert shop.clock.now < refund.next_try_at < shop.clock.now + timedelta(minutes=2)


async def test_what_a_refused_repeat_was_is_settled_in_that_very_look(shop):
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.clock.pass_by(minutes=1)
    shop.wechat.fail("refund", ProviderRefused(Refusal.REJECTED, provider_code="REPEATED"))
    assert (await shop.check_refund(refund_no="R1")).state == "DONE"


async def test_the_providers_own_words_on_a_refund_that_failed_are_kept(shop, mocker):
    await paid(shop)
    failed = RefundReceipt(
        number="x", state=RefundReceiptState.FAILED, problem="account frozen", amount=cny(8880)
    )
    mocker.patch.object(shop.wechat, "refund", return_value=failed)
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert (refund.state, refund.problem) == ("STUCK", "account frozen")
    assert "account frozen" in whys(await shop.story())


async def test_a_refund_that_failed_without_a_word_says_whose_word_it_is(shop, mocker):
    await paid(shop)
    failed = RefundReceipt(number="x", state=RefundReceiptState.FAILED, amount=cny(8880))
    mocker.patch.object(shop.wechat, "refund", return_value=failed)
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert (refund.state, refund.problem) == ("STUCK", "refund: failed")


@pytest.mark.parametrize("more", [0, 1])
async def test_after_the_last_try_what_is_still_on_its_way_is_a_humans(shop, more):
    await paid(shop)
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1")
    async with shop.unit_of_work() as work:
        work.refunds.rows.refunds["R1"] = replace(
            work.refunds.rows.refunds["R1"], tries=MOST_TRIES + more
        )
        await work.commit()
    await shop.check_refund(refund_no="R1")
    (refund,) = (await shop.story()).refunds
    assert (refund.state, refund.problem) == ("STUCK", "tries ran out")


async def test_asking_again_sends_what_is_due_again_and_nothing_before_its_time(shop):
    await paid(shop)
    shop.wechat.fail("refund", UNREACHED)
    waiting = await refund(shop)
    assert await refund(shop) == waiting
    assert len([call for call in shop.wechat.calls if call.startswith("refund ")]) == 1
    shop.clock.pass_by(hours=1)
    assert (await refund(shop)).state == "DONE"


async def test_a_number_that_another_order_takes_at_this_very_moment_is_a_conflict(shop, mocker):
    """Both have looked for it before either wrote: the store keeps the first."""
    await paid(shop)
    mocker.patch.object(MemoryRefunds, "add", return_value=False)
    with pytest.raises(IdempotencyConflict):
        await refund(shop)


async def test_only_what_may_have_been_paid_is_asked_after_before_a_refund(shop):
    """What is dead paid nothing; once the order is paid, nothing else decides."""
    await shop.place()
    dead = (await shop.page("wechat", "pc")).attempt
    await shop.page("alipay", "pc")
    assert (await shop.states())[1] == ["CLOSED", "OPEN"]
    shop.wechat.calls.clear()
    shop.alipay.pay((await shop.attempt(2)).number)
    assert (await refund(shop, amount=cny(1))).state == "DONE"
    assert shop.wechat.calls == [], f"{dead.number} is dead"


async def test_a_page_that_is_being_closed_is_not_asked_after_once_the_order_is_paid(shop):
    await shop.place()
    await shop.page("alipay", "pc")
    number = (await shop.page("wechat", "pc")).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    assert await shop.states() == ("PAID", ["CLOSING", "SUCCEEDED"])
    shop.alipay.calls.clear()
    assert (await refund(shop)).state == "DONE"
    assert shop.alipay.calls == []


@pytest.mark.parametrize("amount", [None, cny(1)])
async def test_where_more_is_going_back_than_was_paid_nothing_is_left(shop, amount):
    """Ours is on its way, and the console gave everything back as well."""
    number = await paid(shop)
    shop.wechat.pending_refunds = True
    await refund(shop, "RF1")
    body = {"key": "k1", "refund": "CONSOLE-1", "minor": 8880, "number": number, "sign": "good"}
    raw = RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())
    await shop.hear("wechat", raw)
    with pytest.raises(RefundExceedsPaid) as caught:
        await refund(shop, "RF2", amount=amount)
    assert caught.value.details["left"] == "0.00"
