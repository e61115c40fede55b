"""Evidence becomes state in one way only: one winner, every surplus back, nothing dropped."""

import json
import re
from pathlib import Path

import pytest

import retender.domain.steps.captured as captured_module
from retender.adapters.memory.attempts import MemoryAttempts
from retender.domain.model.errors import ProviderUncertain, UndefinedTransition
from retender.domain.model.money import Money
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import automatic_refund_number
from retender.domain.model.transition import AttemptEvent, OrderEvent
from retender.domain.steps.captured import apply_receipt
from retender.ports.payment_provider import RawNotice, Receipt, ReceiptState

pytestmark = pytest.mark.asyncio


async def pay_both(shop):
    """Let a payer open an Alipay page, switch to WeChat, and pay both."""
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt
    new = (await shop.page("wechat", "pc")).attempt
    return shop.alipay.pay(old.number), shop.wechat.pay(new.number)


async def test_a_notice_pays_the_order_once_and_tells_the_shop_once(shop):
    await shop.place()
    ready = await shop.page()
    taken = await shop.hear("wechat", shop.wechat.pay(ready.attempt.number))
    assert taken.acknowledgement.body == b"ok"
    assert taken.code == "NOTICE_TAKEN"
    assert taken.order_no == "A1"
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert (await shop.story()).order.winner == ready.attempt.attempt_id
    await shop.announce_events()
    await shop.announce_events()
    assert [event.kind for event in shop.told] == ["order.paid"]
    amount = {"amount": "88.80", "currency": "CNY", "minor": 8880}
    assert shop.told[0].data["amount"] == amount, "as in every answer of the API"


async def test_the_same_notice_eight_times_is_heard_once(shop):
    await shop.place()
    raw = shop.wechat.pay((await shop.page()).attempt.number)
    codes = [(await shop.hear("wechat", raw)).code for _ in range(8)]
    assert codes == ["NOTICE_TAKEN"] + ["NOTICE_REPEATED"] * 7
    await shop.settle_down()
    assert [event.kind for event in shop.told] == ["order.paid"]


async def test_a_second_success_under_another_key_is_no_news(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    shop.wechat.pay(number)
    await shop.hear("wechat", shop.wechat.notice(number, "k1"))
    await shop.hear("wechat", shop.wechat.notice(number, "k2"))
    assert await shop.states() == ("PAID", ["SUCCEEDED"])
    assert (await shop.story()).refunds == []


@pytest.mark.parametrize("order_of_notices", [("alipay", "wechat"), ("wechat", "alipay")])
async def test_two_payments_keep_one_and_give_the_other_back(shop, order_of_notices):
    raws = dict(zip(("alipay", "wechat"), await pay_both(shop), strict=True))
    for account in order_of_notices:
        await shop.hear(account, raws[account])
    await shop.settle_down()
    winner, loser = order_of_notices
    kept = {"wechat": sum(shop.wechat.kept().values()), "alipay": sum(shop.alipay.kept().values())}
    assert kept == {winner: 8880, loser: 0}
    order, attempts = await shop.states()
    assert order == "PAID"
    assert sorted(attempts) == ["REFUNDED", "SUCCEEDED"]
    kinds = [event.kind for event in shop.told]
    assert sorted(kinds) == ["order.paid", "surplus.found", "surplus.refunded"]


async def test_a_surplus_has_an_owner_evidence_and_a_refund_of_predictable_number(shop):
    for account, raw in zip(("alipay", "wechat"), await pay_both(shop), strict=True):
        await shop.hear(account, raw)
    story = await shop.story()
    (surplus,) = story.surpluses
    assert surplus.attempt.account == "wechat"
    assert surplus.attempt.captured_at is not None
    assert surplus.attempt.provider_trade_no == f"T{surplus.attempt.number}"
    assert surplus.refund.number == f"R{surplus.attempt.number}"
    assert surplus.amount == surplus.refund.amount == Money(8880, "CNY")
    assert surplus.cause == "duplicate"


async def test_a_payment_after_the_order_closed_is_given_back(shop):
    """Lazy page, closed order: the provider took the money although it knew no trade."""
    await shop.place()
    ready = await shop.page("alipay", "pc")
    raw = shop.alipay.pay(ready.attempt.number)
    shop.alipay.trades[ready.attempt.number].refunds.clear()
    trade = shop.alipay.trades.pop(ready.attempt.number)  # the provider denies it for now
    await shop.settle_down(hours=1)
    assert await shop.states() == ("CLOSED", ["CLOSED"])
    shop.alipay.trades[ready.attempt.number] = trade
    await shop.hear("alipay", raw)
    await shop.settle_down(hours=0.1)
    assert await shop.states() == ("CLOSED", ["REFUNDED"])
    assert (await shop.story()).surpluses[0].cause == "late"
    assert shop.alipay.kept() == {ready.attempt.number: 0}


async def test_a_payment_for_a_closing_page_wins_if_nothing_else_has(shop):
    await shop.place()
    old = await shop.page("alipay", "pc")
    await shop.page("wechat", "pc")
    await shop.hear("alipay", shop.alipay.pay(old.attempt.number))
    assert await shop.states() == ("PAID", ["SUCCEEDED", "CLOSING"])


async def test_a_notice_that_comes_before_the_page_is_answered_pays_the_order(shop):
    await shop.place()
    shop.wechat.fail("open", ProviderUncertain("lost"), after_effect=True)
    pending = await shop.pay()
    await shop.hear("wechat", shop.wechat.pay(pending.attempt.number))
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_the_other_pages_are_closed_at_once_when_the_order_is_paid(shop):
    await shop.place()
    old = await shop.page("alipay", "pc")
    shop.alipay.begin(old.attempt.number)
    shop.alipay.fail("query", ProviderUncertain("lost"))
    shop.alipay.fail("close", ProviderUncertain("lost"))
    new = await shop.page("wechat", "pc")
    await shop.hear("wechat", shop.wechat.pay(new.attempt.number))
    await shop.work_once()
    assert not shop.alipay.is_payable(old.attempt.number)
    assert await shop.states() == ("PAID", ["CLOSED", "SUCCEEDED"])


async def test_a_surplus_is_never_kept_without_its_refund(shop):
    """The shop has used that number: it fails aloud, and the provider tells again."""
    first, second = await pay_both(shop)
    await shop.hear("alipay", first)
    number = automatic_refund_number((await shop.attempt(2)).number)
    await shop.refund_payment(order_no="A1", refund_no=number, amount=Money(1, "CNY"))
    before = await shop.states()
    with pytest.raises(UndefinedTransition):
        await shop.hear("wechat", second)
    assert await shop.states() == before


async def test_an_order_is_never_paid_by_an_attempt_that_cannot_win(shop, mocker):
    """All or nothing: whoever tells of it tells again."""
    await shop.place()
    raw = shop.wechat.pay((await shop.page()).attempt.number)
    mocker.patch.object(MemoryAttempts, "move", return_value=False)
    with pytest.raises(UndefinedTransition):
        await shop.hear("wechat", raw)
    mocker.stopall()
    assert await shop.states() == ("NEW", ["OPEN"])
    await shop.hear("wechat", raw)
    assert await shop.states() == ("PAID", ["SUCCEEDED"])


async def test_death_is_news_once(shop):
    await shop.place()
    attempt = (await shop.page()).attempt
    closed = Receipt(number=attempt.number, state=ReceiptState.CLOSED)
    facts = {"asked_at": None, "source": "query", "at": shop.clock(), "new_id": shop.new_id}
    async with shop.unit_of_work() as work:
        outcomes = [await apply_receipt(work, attempt, closed, **facts) for _ in range(2)]
    assert outcomes == [Outcome.DEAD, Outcome.KNOWN]


# --- evidence that fits nothing ----------------------------------------------------------


async def test_another_amount_is_an_attention_item_and_pays_nothing(shop):
    await shop.place()
    ready = await shop.page()
    raw = shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(1, "CNY")
    taken = await shop.hear("wechat", raw)
    assert taken.code == "EVIDENCE_AMOUNT_MISMATCH"
    assert taken.acknowledgement.body == b"ok"  # kept for a human; sending again would not help
    assert await shop.states() == ("NEW", ["OPEN"])
    (item,) = await shop.list_attention_history()
    assert item.data["amount"] == "0.01 CNY"


async def test_another_currency_is_another_amount(shop):
    await shop.place()
    ready = await shop.page()
    raw = shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(8880, "USD")
    assert (await shop.hear("wechat", raw)).code == "EVIDENCE_AMOUNT_MISMATCH"


async def test_another_merchants_money_is_an_attention_item(shop):
    await shop.place()
    ready = await shop.page()
    raw = shop.wechat.pay(ready.attempt.number)
    shop.wechat.foreign = "mchid 1900000009"
    assert (await shop.hear("wechat", raw)).code == "EVIDENCE_FOREIGN"
    assert await shop.states() == ("NEW", ["OPEN"])
    (item,) = await shop.list_attention_history()
    assert item.data["foreign"] == "mchid 1900000009"


async def test_an_unknown_number_is_an_attention_item(shop):
    raw = RawNotice(
        headers={},
        body=json.dumps({"key": "k", "number": "STRANGE1", "sign": "good"}).encode(),
        received_at=shop.clock(),
    )
    assert (await shop.hear("wechat", raw)).code == "EVIDENCE_UNKNOWN_NUMBER"
    (item,) = await shop.list_attention_history()
    assert (item.account, item.number) == ("wechat", "STRANGE1")


async def test_a_number_of_another_account_is_unknown_to_this_one(shop):
    await shop.place()
    ready = await shop.page("wechat", "pc")
    shop.alipay.pages[ready.attempt.number] = ready.attempt.charge
    raw = shop.alipay.pay(ready.attempt.number)
    assert (await shop.hear("alipay", raw)).code == "EVIDENCE_UNKNOWN_NUMBER"
    assert (await shop.states())[0] == "NEW"


async def test_the_same_misfit_asked_for_again_and_again_is_one_attention_item(shop):
    await shop.place()
    ready = await shop.page()
    shop.wechat.pay(ready.attempt.number)
    shop.wechat.amount_lie = Money(1, "CNY")
    for _ in range(3):
        await shop.check_attempt(attempt_id=ready.attempt.attempt_id)
    assert len(await shop.list_attention_history()) == 1


async def test_a_forged_notice_changes_nothing_and_is_answered_with_a_failure(shop):
    await shop.place()
    ready = await shop.page()
    before = await shop.story()
    raw = RawNotice(
        headers={},
        body=json.dumps({"key": "k", "number": ready.attempt.number, "sign": "bad"}).encode(),
        received_at=shop.clock(),
    )
    taken = await shop.hear("wechat", raw)
    assert taken.code == "NOTICE_SIGNATURE_WRONG"
    assert taken.acknowledgement.status == 400
    assert await shop.story() == before
    assert await shop.list_attention_history() == []


# --- the one way -------------------------------------------------------------------------


async def test_no_other_code_pays_orders_credits_attempts_or_makes_surpluses():
    """Read the source: the three events stand in ``captured`` and nowhere else in the core."""
    here = Path(captured_module.__file__)
    events = (OrderEvent.CAPTURED, AttemptEvent.WON, AttemptEvent.SURPLUS)
    names = re.compile("|".join(rf"\b{type(e).__name__}\.{e.name}\b" for e in events))
    users = [path.name for path in here.parent.glob("*.py") if names.search(path.read_text())]
    assert users == [here.name]
