"""What an answer on a refund proves, what it leaves for the next look, and who may act on it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.adapters.memory.orders import MemoryOrders
from retender.adapters.memory.refunds import MemoryRefunds
from retender.domain.model.attention import AttentionCode, Resolution
from retender.domain.model.attention_errors import ResolutionRefused
from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.money import Money
from retender.domain.model.refund import MOST_TRIES, RefundCause
from retender.domain.model.story_money import RefundMisfit
from retender.ports.payment_provider import (
    RawNotice,
    RefundReceipt,
    RefundReceiptState,
    RefundTerms,
)
from retender.tests.domain.told import facts

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")
REFUSED = ProviderRefused(Refusal.REJECTED, provider_code="NO")


def cny(minor):
    return Money(minor, "CNY")


async def paid(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


async def the_refund(shop, refund_no="R1"):
    return next(r for r in (await shop.story()).refunds if r.refund_no == refund_no)


def told(shop, **body):
    body = {"key": "k1", "sign": "good", **body}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def change(shop, refund_no="R1", **fields):
    """Let it be as it would after many steps."""
    async with shop.unit_of_work() as work:
        rows = work.refunds.rows.refunds
        rows[refund_no] = replace(rows[refund_no], **fields)
        await work.commit()


# --- "not found" --------------------------------------------------------------------------


async def test_a_no_that_proves_nothing_yet_plans_another_look_and_frees_the_lease(shop):
    shop.wechat.refund_terms = RefundTerms(repeatable=False)
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN)
    sent = await shop.refund_payment(order_no="A1", refund_no="R1")
    shop.clock.now = sent.next_try_at
    await shop.work_once()
    looked = await the_refund(shop)
    assert (looked.state, looked.tries, looked.leased_until) == ("SENT", sent.tries + 1, None)
    assert looked.next_try_at > shop.clock.now


async def test_a_notice_that_knows_nothing_of_a_refund_has_it_asked_after_not_sent_again(shop):
    """Nobody was asked, so its absence proves nothing."""
    await paid(shop)
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="R1")
    await shop.hear("wechat", told(shop, refund=sent.number, state="not found"))
    assert (await the_refund(shop)).state == "SENT"


async def test_a_send_that_is_answered_with_not_found_is_asked_after_not_sent_again(shop, mocker):
    await paid(shop)
    absent = RefundReceipt(number="x", state=RefundReceiptState.NOT_FOUND)
    mocker.patch.object(shop.wechat, "refund", return_value=absent)
    assert (await shop.refund_payment(order_no="A1", refund_no="R1")).state == "SENT"


# --- tries, leases, locks -----------------------------------------------------------------


@pytest.mark.parametrize(("sends", "state"), [(MOST_TRIES - 1, "DUE"), (MOST_TRIES, "STUCK")])
async def test_a_refund_is_sent_so_many_times_and_no_more(shop, sends, state):
    await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    await change(shop, tries=sends - 1)
    assert (await shop.check_refund(refund_no="R1")).state == state


async def test_a_look_by_hand_counts_where_a_dead_worker_left_its_lease(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="R1")
    await change(shop, leased_until=shop.clock.now + timedelta(minutes=1))
    shop.clock.pass_by(minutes=1)
    looked = await shop.check_refund(refund_no="R1")
    assert (looked.state, looked.tries, looked.leased_until) == ("SENT", sent.tries + 1, None)
    assert looked.next_try_at > shop.clock.now


async def test_a_total_told_while_it_was_under_way_counts_once_its_tries_ran_out(shop):
    """No other message need come: the last try draws from it what it proves."""
    shop.wechat.tells_totals = True
    number = await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await change(shop, tries=MOST_TRIES - 1)
    await shop.check_refund(refund_no="R1")
    assert {(r.cause, r.state, r.amount.minor) for r in (await shop.story()).refunds} == {
        (RefundCause.SHOP, "STUCK", 500),
        (RefundCause.EXTERNAL, "DONE", 1000),
    }


async def test_what_was_sent_when_is_read_with_the_order_held(shop, mocker):
    """Two that become due together are kept apart by that lock, where others are not kept."""
    await paid(shop)
    steps = []

    def noted(cls, name):
        deed = getattr(cls, name)

        async def and_done(self, key, *args, **more):
            steps.append(name)
            return await deed(self, key, *args, **more)

        mocker.patch.object(cls, name, and_done)

    shop.wechat.refund_terms = RefundTerms(spacing=timedelta(minutes=1))
    shop.wechat.fail("refund", UNKNOWN)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    for cls, name in ((MemoryOrders, "hold"), (MemoryRefunds, "of_order")):
        noted(cls, name)

    async def sending():
        assert steps == ["hold", "of_order"]

    shop.wechat.during("refund", sending)
    assert (await shop.check_refund(refund_no="R1")).state == "DONE"


# --- whose amount does not fit ------------------------------------------------------------


async def test_a_word_on_another_amount_calls_once_under_an_id_that_a_store_has_room_for(shop):
    await paid(shop)
    shop.wechat.pending_refunds = True
    sent = await shop.refund_payment(order_no="A1", refund_no="R1")
    for key in ("k1", "k2"):
        await shop.hear("wechat", told(shop, key=key, refund=sent.number, minor=1))
    (item,) = await shop.list_attention_history()
    assert (item.code, len(item.attention_id)) == (AttentionCode.AMOUNT_MISMATCH, 32)
    said = [(fact.said, fact.ours) for fact in facts(await shop.story(), RefundMisfit.kind)]
    assert said == [(cny(1), cny(8880))] * 2, "the story keeps what was said each time"


async def test_what_another_hand_overtook_is_not_done_because_a_human_says_so(shop):
    """Even where its amount is free again: it waits on, and nobody believes that it is settled."""
    number = await paid(shop)
    shop.wechat.fail("refund", UNKNOWN, REFUSED)
    await shop.refund_payment(order_no="A1", refund_no="R1")
    console = {"refund": "CONSOLE-1", "minor": 8880, "number": number}
    await shop.hear("wechat", told(shop, **console))
    refund = await shop.check_refund(refund_no="R1")
    assert refund.state == "OVERTAKEN"
    await shop.hear("wechat", told(shop, key="k2", refund=refund.number))
    await shop.hear("wechat", told(shop, key="k3", **console, state="failed"))
    item = next(i for i in await shop.list_attention_history() if i.subject == "R1")
    with pytest.raises(ResolutionRefused):
        await shop.resolve_attention(
            attention_id=item.attention_id, resolution=Resolution.REFUNDED, reason="x", by="ann"
        )
    assert (await the_refund(shop)).state == "OVERTAKEN"
    assert (await shop.show_attention(attention_id=item.attention_id)).item.is_open


# --- further captures ---------------------------------------------------------------------


@pytest.fixture
def further(shop):
    """Let trade numbers identify captures, and refunds name them."""
    shop.wechat.trade_no_is_capture = True
    shop.wechat.refund_terms = RefundTerms(names_trade=True)
    return shop


async def taken_once_more(shop, listed):
    """Hear of a second trade under a paid number; return its refund's number."""
    number = await paid(shop)
    shop.wechat.further[number] = listed
    body = {"number": number, "trade_no": "T-OTHER"}
    await shop.hear("wechat", told(shop, **body))
    (refund,) = (await shop.story()).refunds
    return refund.refund_no


@pytest.mark.parametrize(("leased", "state"), [(False, "STUCK"), (True, "DUE")])
async def test_a_no_found_by_hand_leaves_to_a_worker_what_it_holds(further, leased, state):
    """It finds out the same, and may be sending at this moment."""
    shop = further
    refund_no = await taken_once_more(shop, listed=[])
    held_until = (await shop.find_due_work()).held_until if leased else None
    refund = await shop.check_refund(refund_no=refund_no)
    assert (refund.state, refund.leased_until) == (state, held_until)
    assert shop.wechat.refunded_trades == []


async def test_without_an_answer_a_hand_sends_no_more_than_a_worker(further):
    """The refund is nobody's: nothing but the answer keeps it from being sent."""
    shop = further
    refund_no = await taken_once_more(shop, listed=["T-OTHER"])
    shop.wechat.fail("query", UNKNOWN)
    assert (await shop.check_refund(refund_no=refund_no)).state == "DUE"
    assert shop.wechat.refunded_trades == []


async def test_who_finds_it_sent_by_another_meanwhile_does_not_send_it_too(further):
    shop = further
    refund_no = await taken_once_more(shop, listed=["T-OTHER"])
    shop.wechat.pending_refunds = True

    async def another_sends_it():
        assert (await shop.check_refund(refund_no=refund_no)).state == "SENT"

    shop.wechat.during("query", another_sends_it)
    assert (await shop.check_refund(refund_no=refund_no)).state == "SENT"
    assert [call for call in shop.wechat.calls if call.startswith("refund ")] == [
        f"refund {refund_no}"
    ]
