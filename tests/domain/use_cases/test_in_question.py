"""Money that was taken otherwise than asked: nobody is led to pay a second time."""

import pytest

from retender.domain.model.attempt_errors import PaymentInQuestion
from retender.domain.model.incident import IncidentCode
from retender.domain.model.money import Money
from retender.ports.accounts import SwitchPolicy

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
    assert [incident.code for incident in story.incidents] == [IncidentCode.AMOUNT_MISMATCH]
    assert any("pay request refused" in entry.what for entry in story.entries)


async def test_evidence_about_somebody_else_stops_nobody(shop):
    shop.configure("wechat", switch_policy=SwitchPolicy.BEST_EFFORT)
    await shop.place()
    number = (await shop.page("wechat")).attempt.number
    shop.wechat.foreign = "app id"
    shop.wechat.pay(number)
    await shop.page("alipay")
