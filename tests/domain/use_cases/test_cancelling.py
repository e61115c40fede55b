"""The shop gives an order up: its word decides what becomes of money that comes all the same."""

import asyncio
from datetime import timedelta

import pytest

from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.errors import (
    IdempotencyConflict,
    PayOrderStateError,
    ProviderUncertain,
    StoreFull,
)
from retender.domain.model.order import LatePayment
from retender.domain.model.refund import RefundCause
from retender.domain.use_cases.close_order import CloseOrder
from retender.tests.domain.told import whys

pytestmark = pytest.mark.asyncio

ACCEPT, REFUND = LatePayment.ACCEPT, LatePayment.REFUND
FULL = StoreFull("no room")


async def with_an_unscanned_page(shop):
    await shop.place()
    return (await shop.page("alipay", "h5")).attempt.number


async def close(shop, word=REFUND, **more):
    return await shop.close_order(order_no="A1", late_payment=word, **more)


@pytest.mark.parametrize("who", [{}, {"user_id": "ann"}], ids=["the shop", "the payer"])
async def test_what_comes_after_the_close_goes_back_by_default(shop, who):
    """Nobody says "sold" to a shop that said "no more": Alipay's page cannot be closed."""
    number = await with_an_unscanned_page(shop)
    order = await shop.close_order(order_no="A1", **who)
    assert (order.state, order.late_payment) == ("CANCELLING", REFUND)
    await shop.hear("alipay", shop.alipay.pay(number))
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["REFUNDED"])
    (refund,) = (await shop.story()).refunds
    assert (refund.cause, refund.reason) == (RefundCause.CANCELLED, "Order cancelled")
    assert {event.kind for event in shop.told} == {
        "surplus.found",
        "surplus.refunded",
        "order.closed",
    }
    assert shop.alipay.kept() == {number: 0}


async def test_with_accept_what_comes_pays_the_order(shop):
    number = await with_an_unscanned_page(shop)
    order = await close(shop, ACCEPT)
    assert (order.state, order.end_reason) == ("EXPIRING", "cancelled")
    await shop.hear("alipay", shop.alipay.pay(number))
    story = await shop.story()
    assert (story.order.state, story.order.end_reason) == ("PAID", None)
    assert shop.told == [] or shop.told[0].kind == "order.paid"


async def test_what_is_found_paid_first_refuses_the_close(shop):
    """The notice was lost; closing asks first, and the order is PAID, not given back."""
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    with pytest.raises(PayOrderStateError) as told:
        await close(shop)
    assert told.value.details["state"] == "PAID"
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert shop.wechat.calls[-1].startswith("query")


async def test_of_an_order_that_is_known_as_paid_nobody_is_asked(shop):
    """Another page of it is being closed still; that is the worker's."""
    await with_an_unscanned_page(shop)
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    assert (await shop.states())[1] == ["CLOSING", "SUCCEEDED"]
    shop.alipay.calls.clear()
    with pytest.raises(PayOrderStateError):
        await close(shop)
    assert shop.alipay.calls == []


async def test_our_commit_decides_not_the_clock_of_the_payment(shop):
    """Paid before, heard of after: the provider did not answer when it was asked."""
    await shop.place()
    number = (await shop.page()).attempt.number
    notice = shop.wechat.pay(number)
    lost = ProviderUncertain("read time-out")
    shop.wechat.fail("query", lost, lost)
    shop.wechat.fail("close", lost)
    assert (await close(shop)).state == "CANCELLING"
    await shop.hear("wechat", notice)
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["REFUNDED"])


@pytest.mark.parametrize(("first", "second"), [(REFUND, ACCEPT), (ACCEPT, REFUND)])
async def test_the_first_word_stands(shop, first, second):
    """While it is ending, and when it has ended."""
    await with_an_unscanned_page(shop)
    await close(shop, first)
    for _ in range(2):
        with pytest.raises(IdempotencyConflict) as told:
            await close(shop, second)
        assert told.value.details["fields"] == ["late_payment"]
        await shop.settle_down(hours=1)
    assert (await close(shop, first)).state == "CLOSED"


async def test_two_words_at_once_have_one_first(shop):
    await with_an_unscanned_page(shop)
    answers = await asyncio.gather(close(shop, REFUND), close(shop, ACCEPT), return_exceptions=True)
    assert sum(isinstance(answer, IdempotencyConflict) for answer in answers) == 1


async def test_an_order_past_its_deadline_can_still_be_given_up(shop):
    """The deadline lets late money win; the shop's word does not."""
    number = await with_an_unscanned_page(shop)
    shop.clock.pass_by(minutes=30)
    await shop.expire_orders()
    assert (await shop.states())[0] == "EXPIRING"
    assert (await close(shop)).state == "CANCELLING"
    await shop.hear("alipay", shop.alipay.pay(number))
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["REFUNDED"])


async def test_closing_asks_no_longer_than_a_repair_may(shop):
    await shop.place()
    await shop.page()
    shop.refresh_within = timedelta(seconds=0.05)

    async def silence() -> None:
        await asyncio.sleep(30)

    shop.wechat.during("query", silence)
    assert (await close(shop)).state in {"CANCELLING", "CLOSED"}


@pytest.mark.parametrize(
    ("word", "why"),
    [(REFUND, "money that still comes goes back"), (ACCEPT, "money that still comes pays it")],
)
async def test_the_story_says_what_becomes_of_money_that_still_comes(shop, word, why):
    await with_an_unscanned_page(shop)
    await close(shop, word)
    assert [line for line in whys(await shop.story()) if why in line]


async def test_what_is_paid_while_it_is_being_closed_refuses_the_close(shop):
    """The provider refuses to close what was just paid: the order is PAID, whoever wished what."""
    await shop.place()
    number = (await shop.page()).attempt.number

    async def pays():
        shop.wechat.pay(number)

    shop.wechat.during("close", pays)
    with pytest.raises(PayOrderStateError, match="it was paid, so it stays paid"):
        await close(shop, ACCEPT)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_a_store_that_fails_after_the_request_is_written_is_told_to_operators(
    shop, mocker, caplog
):
    number = await with_an_unscanned_page(shop)
    mocker.patch("retender.domain.use_cases.close_order.end_if_nothing_live", side_effect=FULL)
    assert (await close(shop)).state == "CANCELLING"
    assert f"order A1, attempt {number} of alipay: STORE_FULL" in caplog.text


async def test_a_store_that_fails_before_the_request_is_written_says_what_may_have_changed(
    shop, mocker
):
    """Its pages were asked about, so what became of them may be written down; without any, not."""
    await with_an_unscanned_page(shop)
    await shop.place("A2")
    mocker.patch.object(CloseOrder, "_give_up", side_effect=FULL)
    with pytest.raises(PayOrderInterrupted, match="it is not given up"):
        await close(shop)
    with pytest.raises(StoreFull):
        await shop.close_order(order_no="A2")
    assert (await shop.states())[0] == "NEW"
