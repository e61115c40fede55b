"""The summary: who won, what is kept, what went back, and what is still open."""

import pytest

from retender.domain.model.cause import Source
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.money import Money
from retender.domain.model.order_summary import EndOf, OrderSummary
from retender.domain.model.story_money import NoticeHeard, ProviderAnswered
from retender.domain.model.transition import AttemptState, OrderState, RefundState
from retender.tests.domain.shop import PRICE, Shop

pytestmark = pytest.mark.asyncio

NOTHING = Money(0, "CNY")


async def summary(shop: Shop) -> OrderSummary:
    return OrderSummary.of(await shop.story())


async def paid_twice(shop: Shop) -> tuple[str, str]:
    """Pay the new page, then the old one; return both numbers."""
    await shop.place()
    old = (await shop.page("alipay")).attempt.number
    new = (await shop.page("wechat")).attempt.number
    await shop.hear("wechat", shop.wechat.pay(new))
    await shop.hear("alipay", shop.alipay.pay(old))
    return old, new


async def test_an_order_that_nobody_tried_to_pay_is_open_until_its_deadline(shop):
    order = await shop.place()
    found = await summary(shop)
    assert (found.winner, found.evidence, found.taken, found.kept) == (None, None, NOTHING, NOTHING)
    (end,) = found.open_ends
    assert (end.of, end.state) == (EndOf.ORDER, OrderState.NEW)
    assert end.look_at == end.until == order.shown_until


async def test_a_page_that_is_out_says_when_it_is_looked_at_and_how_long_it_counts(shop):
    await shop.place()
    attempt = (await shop.page()).attempt
    _, end = (await summary(shop)).open_ends
    assert (end.of, end.state) == (EndOf.ATTEMPT, AttemptState.OPEN)
    assert end.attempt is not None
    assert end.attempt.attempt_id == attempt.attempt_id
    assert (end.look_at, end.until) == (attempt.next_check_at, attempt.watch_until)


async def test_the_winner_is_named_with_the_word_that_was_believed(shop):
    await shop.place()
    attempt = (await shop.page()).attempt
    await shop.hear("wechat", shop.wechat.pay(attempt.number))
    found = await summary(shop)
    assert found.winner is not None
    assert found.winner.attempt_id == attempt.attempt_id
    assert found.evidence is not None
    assert isinstance(found.evidence.fact, NoticeHeard)
    assert found.evidence.fact.answer.number == attempt.number
    assert (found.taken, found.given_back, found.kept) == (PRICE, NOTHING, PRICE)
    assert found.open_ends == (), "at rest nothing is open"


async def test_a_payment_found_out_by_asking_names_the_question(shop):
    await shop.place()
    attempt = (await shop.page()).attempt
    shop.wechat.pay(attempt.number)
    await shop.check_attempt(attempt_id=attempt.attempt_id)
    found = await summary(shop)
    assert found.evidence is not None
    assert isinstance(found.evidence.fact, ProviderAnswered)
    assert found.evidence.fact.source is Source.QUERY


async def test_a_surplus_is_on_its_way_back_until_it_is_back(shop):
    old, _ = await paid_twice(shop)
    found = await summary(shop)
    assert (found.taken, found.kept) == (PRICE + PRICE, PRICE + PRICE)
    assert (found.given_back, found.going_back) == (NOTHING, PRICE)
    (end,) = found.open_ends
    assert (end.of, end.state, end.look_at) == (EndOf.REFUND, RefundState.DUE, shop.clock())
    assert end.attempt is not None
    assert end.attempt.number == old
    await shop.settle_down(hours=1)
    found = await summary(shop)
    assert (found.given_back, found.going_back, found.kept) == (PRICE, NOTHING, PRICE)
    assert found.open_ends == ()


async def test_a_stuck_refund_is_open_and_nobody_looks_but_an_operator(shop):
    shop.alipay.failing_refunds = True
    await paid_twice(shop)
    await shop.settle_down(hours=1)
    (end,) = (await summary(shop)).open_ends
    assert (end.of, end.state, end.look_at) == (EndOf.REFUND, RefundState.STUCK, None)


async def test_an_expiring_order_waits_for_its_pages(shop):
    await shop.place()
    await shop.page("alipay")
    shop.alipay.fail("query", *[ProviderUncertain("read time-out")] * 10)
    shop.clock.pass_by(minutes=30)
    await shop.work_once()
    order, attempt = (await summary(shop)).open_ends
    assert (order.state, order.look_at) == (OrderState.EXPIRING, None)
    assert attempt.state is AttemptState.CLOSING
    shop.alipay.trouble["query"].clear()
    await shop.settle_down(hours=3)
    found = await summary(shop)
    assert (found.winner, found.open_ends) == (None, ())
