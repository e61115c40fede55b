"""Money that was taken otherwise than asked: nobody is led to pay a second time."""

import pytest

from retender.domain.model.attempt_errors import PaymentInQuestion
from retender.domain.model.attention import AttentionCode, Resolution
from retender.domain.model.errors import ProviderUncertain
from retender.domain.model.money import Money
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.switch_policy import SwitchPolicy
from retender.tests.domain.told import lines

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("policy", list(SwitchPolicy))
@pytest.mark.parametrize(("first", "second"), [("wechat", "alipay"), ("alipay", "wechat")])
async def test_no_second_page_while_a_provider_says_that_it_took_another_amount(
    shop, policy, first, second
):
    for account in (first, second):
        shop.configure(account, switch_policy=policy)
    gateway = {"wechat": shop.wechat, "alipay": shop.alipay}[first]
    await shop.place()
    number = (await shop.page(first)).attempt.number
    gateway.amount_lie = Money(8879, "CNY")
    await shop.hear(first, gateway.pay(number))
    with pytest.raises(PaymentInQuestion, match="do not pay again"):
        await shop.pay(second)
    story = await shop.story()
    assert len(story.attempts) == 1
    assert [item.code for item in story.attention] == [AttentionCode.AMOUNT_MISMATCH]
    assert lines(story, StoryKind.PAY_REFUSED)


async def test_evidence_about_somebody_else_stops_nobody(shop):
    shop.configure("wechat", switch_policy=SwitchPolicy.BEST_EFFORT)
    await shop.place()
    number = (await shop.page("wechat")).attempt.number
    shop.wechat.foreign = "app id"
    shop.wechat.pay(number)
    await shop.page("alipay")


async def in_question(shop):
    """Ann pays her page; its notice names another amount than was asked for."""
    await shop.place()
    first = await shop.page("wechat")
    shop.wechat.amount_lie = Money(8800, "CNY")
    await shop.hear("wechat", shop.wechat.pay(first.attempt.number))


async def test_it_stays_in_question_when_its_provider_does_not_answer(shop):
    await in_question(shop)
    for verb in ("query", "close"):
        shop.wechat.fail(verb, *[ProviderUncertain("time-out")] * 9)
    with pytest.raises(PaymentInQuestion):
        await shop.pay("alipay")


async def test_nor_is_a_page_handed_out_again_the_questioned_one_or_a_newer_one(shop):
    await in_question(shop)
    with pytest.raises(PaymentInQuestion):
        await shop.pay("wechat")
    await shop.place("A2")
    left = await shop.page("alipay", order_no="A2")
    shop.wechat.amount_lie = None
    await shop.page("wechat", order_no="A2")
    shop.alipay.amount_lie = Money(8800, "CNY")
    await shop.hear("alipay", shop.alipay.pay(left.attempt.number))
    with pytest.raises(PaymentInQuestion):
        await shop.pay("wechat", order_no="A2")


async def test_once_a_human_has_looked_the_payer_may_go_on(shop):
    await in_question(shop)
    (call,) = await shop.list_attention_history()
    await shop.resolve_attention(
        attention_id=call.attention_id,
        resolution=Resolution.NOTED,
        reason="given back at the console",
        by="operator",
    )
    await shop.page("alipay")
