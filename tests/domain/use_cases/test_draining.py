"""A drained account takes nothing new, and finishes what is begun."""

import pytest

from retender.domain.model.errors import AccountDrained

pytestmark = pytest.mark.asyncio


async def with_a_page(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    shop.configure("wechat", drained=True)
    return ready.attempt


async def test_neither_a_new_page_nor_the_stored_one_is_handed_out(shop):
    attempt = await with_a_page(shop)
    for ask in (
        lambda: shop.pay("wechat", "pc"),
        lambda: shop.pay("wechat", "h5"),
        lambda: shop.show_page(attempt_id=attempt.attempt_id),
    ):
        with pytest.raises(AccountDrained) as told:
            await ask()
        assert told.value.details == {"account": "wechat"}
    assert [call.split()[0] for call in shop.wechat.calls] == ["open"]


async def test_its_notices_are_heard_and_its_refunds_go_on(shop):
    attempt = await with_a_page(shop)
    await shop.hear("wechat", shop.wechat.pay(attempt.number))
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert (await shop.refund_payment(order_no="A1", refund_no="R1")).state == "DONE"


async def test_it_is_asked_and_closed_when_the_payer_pays_another_way(shop):
    await with_a_page(shop)
    await shop.page("alipay", "h5")
    assert (await shop.states())[1] == ["CLOSED", "OPEN"]


async def test_the_methods_say_why_it_cannot_be_chosen(shop):
    await with_a_page(shop)
    methods = await shop.list_methods(order_no="A1", user_id="ann", client_type="pc")
    why = {method.account: (method.available, method.why_not) for method in methods}
    assert why == {"wechat": (False, "ACCOUNT_DRAINED"), "alipay": (True, None)}
