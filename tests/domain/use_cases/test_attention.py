"""What stays unknown too long waits for a human, who ends it with a reason; or it just ends."""

import json
from datetime import timedelta

import pytest

from retender.domain.model.attention import About, AttentionCode, AttentionItem, Resolution
from retender.domain.model.attention_errors import (
    AttentionEnded,
    AttentionNotExist,
    ResolutionRefused,
)
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.errors import ProviderUncertain, TextInvalid, UnknownName
from retender.domain.model.money import Money
from retender.domain.model.refund import MOST_TRIES
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.transition import RefundEvent
from retender.domain.use_cases.escalate import Escalated
from retender.ports.payment_provider import RawNotice
from retender.tests.contracts.store.samples import CAUSE
from retender.tests.domain.told import facts, words

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")
WHY = "the bank's list of the day says so"


async def waiting(shop):
    """Return what waits for a human."""
    return list((await shop.list_attention()).items)


async def the_one(shop):
    """Return the one thing that waits."""
    (item,) = await waiting(shop)
    return item


async def resolve(shop, resolution, item=None, **more):
    item = item or await the_one(shop)
    words = {"reason": WHY, "by": "olga", **more}
    return await shop.resolve_attention(
        attention_id=item.attention_id, resolution=resolution, **words
    )


async def silent(shop, hours=1.5):
    """Have a page made, and then no answer from its provider ever again."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    for verb in ("query", "close"):
        shop.alipay.fail(verb, *[UNKNOWN] * 1000)
    await shop.settle_down(hours=hours, every=60)
    return ready.attempt


async def surplus(shop):
    """Have the order paid twice; return the number that goes back."""
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt.number
    new = (await shop.page("wechat", "pc")).attempt.number
    await shop.hear("wechat", shop.wechat.pay(new))
    await shop.hear("alipay", shop.alipay.pay(old))
    return old


async def stuck(shop):
    """Have a surplus whose refund is refused for good."""
    number = await surplus(shop)
    shop.alipay.failing_refunds = True
    await shop.work_once()
    assert await shop.states() == ("PAID", ["REFUND_STUCK", "SUCCEEDED"])
    return number


def told(story, kind):
    return [entry for entry in story.entries if entry.kind == kind]


# --- an attempt that nobody speaks of -------------------------------------------------------


async def test_nobody_is_called_while_the_stated_time_runs(shop):
    await silent(shop, hours=1.5)  # the watch ends after 33 minutes
    assert await waiting(shop) == []
    assert await shop.escalate() == Escalated(opened=0, settled=0)


async def test_an_attempt_unknown_for_an_hour_after_its_watch_calls_a_human_once(shop):
    attempt = await silent(shop, hours=1.6)
    item = await the_one(shop)
    assert (item.code, item.about) == (AttentionCode.UNKNOWN_TOO_LONG, About.ATTEMPT)
    assert (item.subject, item.order_no) == (attempt.attempt_id, "A1")
    assert (item.account, item.number) == ("alipay", attempt.number)
    assert item.at - attempt.watch_until <= timedelta(hours=1, minutes=1)
    await shop.settle_down(hours=30, every=600)
    assert await waiting(shop) == [item]
    (line,) = told(await shop.story(), "attention.opened")
    assert line.attempt_id == attempt.attempt_id
    assert line.fact.attention_id == item.attention_id


async def test_it_ends_by_itself_when_the_provider_answers_at_last(shop):
    attempt = await silent(shop, hours=2)
    assert (await the_one(shop)).is_open
    shop.alipay.trouble.clear()
    await shop.settle_down(hours=2, every=60)
    assert await waiting(shop) == []
    (item,) = await shop.list_attention_history()
    assert item.ending.resolution is Resolution.SETTLED
    assert item.ending.by == "retender"
    assert (await shop.attempt()).state == "CLOSED"
    (line,) = told(await shop.story(), "attention.ended")
    assert line.attempt_id == attempt.attempt_id
    assert "known at last" in words(line)[1]


async def test_dead_by_hand_ends_the_order_and_late_money_still_goes_back(shop):
    """If the human was wrong, nothing is lost."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    raw = shop.alipay.pay(ready.attempt.number)  # its notice is on its way, for long
    for verb in ("query", "close"):
        shop.alipay.fail(verb, *[UNKNOWN] * 1000)
    await shop.settle_down(hours=2, every=60)
    ended = await resolve(shop, Resolution.DEAD)
    assert (ended.ending.why, ended.ending.by) == (WHY, "olga")
    await shop.work_once()
    assert await shop.states() == ("CLOSED", ["CLOSED"])
    assert await waiting(shop) == []
    shop.alipay.trouble.clear()
    await shop.hear("alipay", raw)
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["REFUNDED"])
    assert shop.alipay.kept() == {ready.attempt.number: 0}
    assert [event.kind for event in shop.told] == [
        *("order.closed", "surplus.found", "surplus.refunded"),
    ]


async def test_the_reason_stands_in_the_story_twice(shop):
    """With the change that it made, and with the attention item that it ended."""
    await silent(shop, hours=2)
    await resolve(shop, Resolution.DEAD)
    story = await shop.story()
    closed = [f for f in facts(story, StoryKind.ATTEMPT_CHANGED) if f.after == "CLOSED"]
    assert [change.cause for change in closed] == [
        Cause(reason=Reason.DECIDED_BY, by="olga", words=WHY)
    ]
    (line,) = told(story, "attention.ended")
    assert (line.fact.by, line.fact.words, line.fact.resolution) == ("olga", WHY, "dead")
    kinds = [entry.kind for entry in story.entries]
    assert kinds.index(line.kind) < len(kinds) - 1 - kinds[::-1].index(StoryKind.ATTEMPT_CHANGED), (
        "the decision stands before what it changed"
    )


async def test_noted_is_silent_for_the_stated_time_and_then_brought_up_again(shop):
    attempt = await silent(shop, hours=2)
    first = await the_one(shop)
    await resolve(shop, Resolution.NOTED)
    assert (await shop.attempt()).is_live
    await shop.settle_down(hours=0.9, every=60)
    assert await waiting(shop) == []
    await shop.settle_down(hours=0.2, every=60)
    again = await the_one(shop)
    assert again.subject == first.subject == attempt.attempt_id
    assert again.attention_id != first.attention_id


async def test_a_page_that_can_still_be_paid_is_not_declared_dead(shop):
    """Another amount came in while the page is open: the watch goes first."""
    await shop.place()
    ready = await shop.page()
    shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(1, "CNY")
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    shop.clock.now = ready.attempt.watch_until - timedelta(seconds=1)
    with pytest.raises(ResolutionRefused, match="until 2026-01-15") as caught:
        await resolve(shop, Resolution.DEAD)
    assert caught.value.details == {"resolution": "dead", "possible": ["noted"]}
    assert (await shop.attempt()).is_live
    shop.clock.pass_by(seconds=1)
    await resolve(shop, Resolution.DEAD)
    assert not (await shop.attempt()).is_live


async def test_a_payment_of_another_amount_can_be_brought_to_an_end(shop):
    """Its attempt stays CLOSING, and its order EXPIRING, until a human has decided."""
    await shop.place()
    ready = await shop.page()
    shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(1, "CNY")
    await shop.settle_down(hours=1)
    assert await shop.states() == ("EXPIRING", ["CLOSING"])
    await resolve(shop, Resolution.DEAD)
    await shop.settle_down(hours=3)
    assert await shop.states() == ("CLOSED", ["CLOSED"])
    assert await waiting(shop) == []  # the same evidence does not call again


async def test_the_evidence_says_what_it_is_about(shop):
    await shop.place()
    ready = await shop.page()
    shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(1, "CNY")
    await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    case = await shop.show_attention(attention_id=(await the_one(shop)).attention_id)
    assert case.attempt.attempt_id == ready.attempt.attempt_id
    assert [o.resolution for o in case.options] == ["dead", "noted"]
    assert case.story.attention == [case.item]


async def test_of_two_decisions_the_second_is_told_of_the_first(shop):
    await silent(shop, hours=2)
    item = await the_one(shop)
    await resolve(shop, Resolution.DEAD)
    with pytest.raises(AttentionEnded, match="dead, by olga") as caught:
        await resolve(shop, Resolution.NOTED, item, by="ivan")
    assert caught.value.code == "ATTENTION_ENDED"
    assert len(told(await shop.story(), "attention.ended")) == 1


@pytest.mark.parametrize("words", [{"reason": ""}, {"reason": " "}, {"by": ""}])
@pytest.mark.parametrize("length", [0, 501])
async def test_a_decision_needs_a_reason_and_a_name(shop, words, length):
    await silent(shop, hours=2)
    words = {name: text + "x" * length if length else text for name, text in words.items()}
    with pytest.raises(TextInvalid):
        await resolve(shop, Resolution.DEAD, **words)
    assert (await the_one(shop)).is_open
    assert (await shop.attempt()).is_live


async def test_what_is_not_there_cannot_be_shown_or_ended(shop):
    for ask in (shop.show_attention, shop.recheck_attention):
        with pytest.raises(AttentionNotExist):
            await ask(attention_id="nobody")
    with pytest.raises(AttentionNotExist):
        await shop.resolve_attention(
            attention_id="nobody", resolution=Resolution.NOTED, reason=WHY, by="olga"
        )


@pytest.mark.parametrize("resolution", ["settled", "refunded", "retry"])
async def test_what_makes_no_sense_is_refused(shop, resolution):
    await silent(shop, hours=2)
    with pytest.raises(ResolutionRefused, match="no sense"):
        await resolve(shop, Resolution(resolution))
    assert (await the_one(shop)).is_open


async def test_a_payment_is_recognised_by_the_providers_word_and_never_by_a_humans(shop):
    """There is no such resolution; looking again now is what helps."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    shop.alipay.pay(ready.attempt.number)
    shop.alipay.fail("query", *[UNKNOWN] * 1000)
    shop.alipay.fail("close", *[UNKNOWN] * 1000)
    await shop.settle_down(hours=2, every=60)
    case = await shop.show_attention(attention_id=(await the_one(shop)).attention_id)
    assert "paid" not in {str(option.resolution) for option in case.options}
    still = await shop.recheck_attention(attention_id=case.item.attention_id)
    assert still.is_open
    shop.alipay.trouble.clear()
    ended = await shop.recheck_attention(attention_id=case.item.attention_id)
    assert ended.ending.resolution is Resolution.SETTLED
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    with pytest.raises(AttentionEnded):
        await shop.recheck_attention(attention_id=case.item.attention_id)


async def test_an_answer_between_the_look_and_the_call_calls_nobody(shop):
    attempt = await silent(shop, hours=1.5)
    shop.clock.pass_by(hours=1)
    shop.alipay.trouble.clear()
    async with shop.unit_of_work(read_only=True) as work:
        (found,), _ = await shop.escalate._find(work, shop.clock(), 10)
    await shop.check_attempt(attempt_id=attempt.attempt_id)
    assert await shop.escalate._open(found) is False
    assert await shop.list_attention_history() == []


# --- refunds ---------------------------------------------------------------------------------


async def test_a_refund_under_way_for_a_day_calls_a_human_and_its_end_takes_the_call_back(shop):
    await surplus(shop)
    shop.alipay.pending_refunds = True
    await shop.settle_down(hours=23.9, every=300)
    assert await waiting(shop) == []
    await shop.settle_down(hours=0.3, every=300)
    item = await the_one(shop)
    assert (item.code, item.about) == (AttentionCode.REFUND_TOO_LONG, About.REFUND)
    case = await shop.show_attention(attention_id=item.attention_id)
    assert case.refund.refund_no == item.subject
    assert [o.resolution for o in case.options] == ["refunded", "retry", "noted"]
    assert {o.resolution for o in case.options if o.why_not} == {"retry"}
    shop.alipay.pending_refunds = False
    await shop.settle_down(hours=2, every=300)
    assert await waiting(shop) == []
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])


async def test_a_stuck_refund_calls_in_the_transaction_that_made_it_stuck(shop):
    await surplus(shop)
    shop.alipay.failing_refunds = True
    (refund,) = (await shop.story()).refunds
    await shop.check_refund(refund_no=refund.refund_no)  # no round of Escalate
    item = await the_one(shop)
    assert item.code is AttentionCode.REFUND_STUCK
    assert item.subject == refund.refund_no
    assert "NO_REFUNDS" in item.data["problem"]
    (line,) = told(await shop.story(), "attention.opened")
    assert line.attempt_id == refund.attempt_id
    await shop.work_once()
    assert await waiting(shop) == [item]


async def test_refunded_by_hand_ends_the_surplus_and_the_shop_hears_of_it(shop):
    await stuck(shop)
    await resolve(shop, Resolution.REFUNDED)
    await shop.settle_down(hours=1)
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    assert shop.told[-1].kind == "surplus.refunded"
    assert await waiting(shop) == []


async def test_refunded_by_hand_is_never_sent_again(shop):
    """Also if it was DUE, its send lost, when a human saw it at the provider."""
    number = await surplus(shop)
    shop.alipay.fail("refund", *[UNKNOWN] * 1000, after_effect=True)
    shop.alipay.fail("query_refund", *[UNKNOWN] * 1000)
    await shop.settle_down(hours=25, every=300)
    await resolve(shop, Resolution.REFUNDED)
    calls = list(shop.alipay.calls)
    await shop.settle_down(hours=25, every=300)
    assert shop.alipay.calls == calls
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    assert shop.alipay.kept() == {number: 0}


async def test_a_stuck_refund_is_sent_again_under_the_same_number(shop):
    number = await stuck(shop)
    await resolve(shop, Resolution.RETRY)
    assert await shop.states() == ("PAID", ["REFUNDING", "SUCCEEDED"])
    (due,) = (await shop.story()).refunds
    assert (due.state, due.tries) == ("DUE", 1), "counted anew, but it was sent before"
    shop.alipay.failing_refunds = False
    await shop.settle_down(hours=0.2)
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])
    assert shop.alipay.kept() == {number: 0}
    sent = {call for call in shop.alipay.calls if call.startswith("refund ")}
    assert sent == {f"refund {due.number}"}
    assert await waiting(shop) == []


async def test_a_refund_that_gets_stuck_again_calls_again(shop):
    await stuck(shop)
    first = await the_one(shop)
    await resolve(shop, Resolution.RETRY)
    await shop.work_once()
    again = await the_one(shop)
    assert (again.code, again.subject) == (first.code, first.subject)
    assert again.attention_id != first.attention_id


async def test_a_refund_that_was_stuck_before_there_were_calls_is_found_at_once(shop):
    """As after an upgrade."""
    await stuck(shop)
    shop.store._rows.attention.clear()
    await shop.work_once()
    assert (await the_one(shop)).code is AttentionCode.REFUND_STUCK


async def test_a_stuck_refund_that_was_only_noted_is_brought_up_again(shop):
    await stuck(shop)
    await resolve(shop, Resolution.NOTED)
    await shop.settle_down(hours=23, every=600)
    assert await waiting(shop) == []
    await shop.settle_down(hours=2, every=600)
    assert (await the_one(shop)).code is AttentionCode.REFUND_STUCK


async def test_what_went_back_under_another_number_is_not_sent_again(shop):
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    shop.wechat.failing_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="RF1")
    shop.wechat.failing_refunds = False
    await shop.refund_payment(order_no="A1", refund_no="RF2")
    for resolution in (Resolution.RETRY, Resolution.REFUNDED):
        with pytest.raises(RefundExceedsPaid):
            await resolve(shop, resolution)
    await resolve(shop, Resolution.NOTED)
    await shop.settle_down(hours=1)
    assert shop.wechat.kept() == {ready.attempt.number: 0}
    states = {r.refund_no: r.state for r in (await shop.story()).refunds}
    assert states == {"RF1": "STUCK", "RF2": "DONE"}


async def test_a_refund_stuck_no_more_ends_its_call(shop):
    """An operator asked, and the provider had finished it by hand."""
    number = await stuck(shop)
    (refund,) = (await shop.story()).refunds
    shop.alipay.trades[number].refunds[refund.number] = refund.amount
    item = await the_one(shop)
    ended = await shop.recheck_attention(attention_id=item.attention_id)
    assert ended.ending.resolution is Resolution.SETTLED
    assert await shop.states() == ("PAID", ["REFUNDED", "SUCCEEDED"])


async def test_a_refund_whose_answers_do_not_fit_is_asked_after_at_its_pace(shop):
    """And not in every round, for ever."""
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="RF1")
    shop.wechat.trades[ready.attempt.number].refunds[sent.number] = Money(1, "CNY")
    await shop.settle_down(hours=1, every=30)
    asked = sum(call.startswith("query_refund") for call in shop.wechat.calls)
    assert asked <= 7  # 10 s, 1, 5, 10, 20, 30 min, then hourly
    item = await the_one(shop)
    assert item.code is AttentionCode.AMOUNT_MISMATCH
    case = await shop.show_attention(attention_id=item.attention_id)
    assert [o.resolution for o in case.options if o.why_not is None] == ["refunded", "noted"]
    await resolve(shop, Resolution.REFUNDED)
    assert (await shop.story()).refunds[0].state == "DONE"


# --- events, and strangers ---------------------------------------------------------------------


async def test_an_event_that_the_shop_does_not_hear_calls_a_human(shop):
    async def deaf(event):
        del event
        raise ConnectionError("nobody listens")

    hear = shop.announce_events
    object.__setattr__(shop.announce_events, "announcer", deaf)
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    await shop.settle_down(hours=1.1, every=300)
    item = await the_one(shop)
    assert (item.code, item.about) == (AttentionCode.UNTOLD_TOO_LONG, About.EVENT)
    case = await shop.show_attention(attention_id=item.attention_id)
    assert case.event.kind == "order.paid"
    assert [o.resolution for o in case.options] == ["noted"]
    object.__setattr__(hear, "announcer", shop._hear)
    shop.clock.pass_by(hours=2)
    ended = await shop.recheck_attention(attention_id=item.attention_id)
    assert ended.ending.resolution is Resolution.SETTLED
    assert [event.event_id for event in shop.told] == [item.subject]


async def test_a_stranger_is_noted_and_nobody_can_be_asked(shop):
    body = json.dumps({"key": "k", "number": "STRANGE1", "sign": "good"}).encode()
    raw = RawNotice(headers={}, body=body, received_at=shop.clock())
    await shop.hear("wechat", raw)
    item = await the_one(shop)
    case = await shop.show_attention(attention_id=item.attention_id)
    assert (case.story, case.attempt, case.refund) == (None, None, None)
    assert [o.resolution for o in case.options] == ["noted"]
    with pytest.raises(ResolutionRefused, match="nothing of ours"):
        await shop.recheck_attention(attention_id=item.attention_id)
    await resolve(shop, Resolution.NOTED)
    again = {"key": "k2", "number": "STRANGE1", "sign": "good"}
    raw = RawNotice(headers={}, body=json.dumps(again).encode(), received_at=shop.clock())
    await shop.hear("wechat", raw)
    assert await waiting(shop) == []  # this very evidence was judged
    case = await shop.show_attention(attention_id=item.attention_id)
    assert case.options == ()


# --- all of it ---------------------------------------------------------------------------------


async def test_what_waits_is_listed_the_oldest_first_and_counted(shop):
    await stuck(shop)
    shop.clock.pass_by(hours=1)
    async with shop.unit_of_work() as work:
        stranger = AttentionItem(
            attention_id="i-1",
            code=AttentionCode.FOREIGN,
            account="wechat",
            number="N",
            at=shop.clock(),
            source="notice",
        )
        assert await work.attention.add(stranger)
        await work.commit()
    attention = await shop.list_attention(limit=1)
    assert [item.code for item in attention.items] == ["REFUND_STUCK"]
    assert attention.count == 2
    assert {code: w.count for code, w in attention.size.waiting.items()} == {
        AttentionCode.REFUND_STUCK: 1,
        AttentionCode.FOREIGN: 1,
    }
    assert attention.size.attempts == {"REFUND_STUCK": 1}
    assert attention.size.refunds == {"STUCK": 1}


async def test_a_round_takes_a_bounded_batch(shop):
    for number in range(5):
        await shop.place(f"A{number}")
        await shop.page("alipay", "pc", f"A{number}")
    shop.clock.pass_by(days=1)
    assert (await shop.escalate(limit=3)).opened == 3
    assert (await shop.escalate(limit=3)).opened == 2
    assert (await shop.escalate(limit=3)).opened == 0


async def test_an_account_that_is_gone_is_no_way_to_be_forgotten(shop):
    """Nobody can be asked any more, so a human decides."""
    await shop.place()
    await shop.page()
    account = shop.accounts.by_name.pop("wechat")
    await shop.settle_down(hours=2, every=60)
    gone, item = await waiting(shop)
    codes = (gone.code, item.code)
    assert codes == (AttentionCode.ACCOUNT_GONE, AttentionCode.UNKNOWN_TOO_LONG)
    still = await shop.recheck_attention(attention_id=item.attention_id)
    assert still.is_open
    await resolve(shop, Resolution.DEAD, item)
    await shop.work_once()
    assert await shop.states() == ("CLOSED", ["CLOSED"])
    assert await waiting(shop) == [], "the other call is over by itself"
    shop.accounts.by_name["wechat"] = account


async def test_a_refund_of_an_account_that_is_gone_says_so_when_asked_about(shop):
    await stuck(shop)
    shop.accounts.by_name.pop("alipay")
    item = await the_one(shop)
    with pytest.raises(UnknownName):
        await shop.recheck_attention(attention_id=item.attention_id)


async def test_what_may_have_gone_back_under_another_number_is_not_sent_again(shop):
    """The other's tries ran out: nobody refused it, and its answer may have been lost."""
    await shop.place()
    ready = await shop.page()
    await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    shop.wechat.failing_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="RF1")
    (refused,) = await waiting(shop)
    shop.wechat.failing_refunds = False
    shop.wechat.fail("refund", UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="RF2")
    async with shop.unit_of_work() as work:
        for _ in range(MOST_TRIES - 1):
            await work.refunds.move("RF2", RefundEvent.SENT, at=shop.clock(), cause=CAUSE)
            await work.refunds.move("RF2", RefundEvent.TRY_AGAIN, at=shop.clock(), cause=CAUSE)
        await work.commit()
    shop.wechat.fail("refund", UNKNOWN, after_effect=True)
    await shop.check_refund(refund_no="RF2")
    with pytest.raises(RefundExceedsPaid):
        await resolve(shop, Resolution.RETRY, refused)
    assert shop.wechat.kept() == {ready.attempt.number: 0}
