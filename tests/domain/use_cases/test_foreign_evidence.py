"""Evidence about somebody else settles nothing, whatever it says and whenever it comes."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.domain.model.attention import AttentionCode
from retender.domain.model.cause import Source
from retender.domain.model.money import Money
from retender.domain.model.outcome import Outcome
from retender.domain.model.transition import CAPTURED, AttemptState, OrderState
from retender.domain.steps.captured import apply_receipt, attempt_of
from retender.ports.payment_provider import (
    Capture,
    RawNotice,
    Receipt,
    ReceiptState,
    RefundReceiptState,
)
from retender.tests.contracts.store.samples import NOW, attempt_in, keep, order_in
from retender.tests.domain.gateway import Gateway

pytestmark = pytest.mark.asyncio

STRANGER = "mchid 1900000009"
LATE = timedelta(days=2)
"""After every watch: then "not found" would be believed of ours."""


def a_receipt(attempt, state, **facts):
    amount = attempt.charge.amount if state is ReceiptState.PAID else None
    its = Receipt(number=attempt.number, state=state, amount=amount, foreign=STRANGER)
    return replace(its, **facts)


@pytest.mark.parametrize("by", ["number", "reference"])
@pytest.mark.parametrize("says", ReceiptState)
@pytest.mark.parametrize("state", AttemptState)
async def test_it_changes_no_attempt_in_any_state(state, says, by):
    """It is a human's; that is all, also where the account's word would be believed at once."""
    order_is = OrderState.PAID if state is AttemptState.SUCCEEDED else OrderState.NEW
    order = order_in(order_is)
    attempt = attempt_in(state, order, captured_at=NOW if state in CAPTURED else None)
    attempt = replace(attempt, charge=replace(attempt.charge, reference="theirs"))
    store = MemoryUnitOfWork()
    await keep(store, order, attempt)
    names = {"number": None, "reference": "theirs"} if by == "reference" else {}
    listed = (Capture("T1", order.amount), Capture("T2", order.amount))
    told = {"captures": listed, "refunded": order.amount, "provider_trade_no": "T1", **names}
    gateway = Gateway("tea-house", lambda: NOW, lambda: True, trade_no_is_capture=True)
    async with store() as work:
        outcome = await apply_receipt(
            work,
            attempt,
            a_receipt(attempt, says, **told),
            terms=gateway.terms,
            asked_at=NOW + LATE,
            source=Source.QUERY,
            at=NOW + LATE,
            new_id=lambda: "ID",
        )
        await work.commit()
    assert outcome is Outcome.ATTENTION
    async with store(read_only=True) as work:
        assert await work.orders.by_id(order.order_id) == order
        assert await work.attempts.get(attempt.attempt_id) == attempt
        assert [*await work.refunds.of_order(order.order_id)] == []
        assert [*await work.attempts.captures_of(order.order_id)] == []
        assert [*await work.outbox.of_order(order.order_no)] == []
        (item,) = await work.attention.all()
    assert (item.code, item.data["foreign"]) == (AttentionCode.FOREIGN, STRANGER)


async def test_it_fills_in_no_reference_that_was_lost():
    """A stranger's reference would send every later question to the stranger's trade."""
    order = order_in(OrderState.NEW)
    attempt = attempt_in(AttemptState.CLOSING, order)
    store = MemoryUnitOfWork()
    await keep(store, order, attempt)
    its = a_receipt(attempt, ReceiptState.PAID, reference="a stranger's")
    async with store() as work:
        assert await attempt_of(work, attempt.account, its) == attempt
        assert await work.attempts.get(attempt.attempt_id) == attempt
        assert await attempt_of(work, attempt.account, replace(its, foreign=None))
        found = await work.attempts.by_reference(attempt.account, "a stranger's")
        assert found is not None, "our own account's word is kept"


def notice_of(shop, **body):
    body = {"key": "k1", "sign": "good", "both": True, **body}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def paid(shop):
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


async def test_the_refund_in_a_strangers_notice_is_not_ours(shop):
    """Its other half says whose notice it is, and both halves come from there."""
    number = await paid(shop)
    shop.wechat.pending_refunds = True
    ours = await shop.refund_payment(order_no="A1", refund_no="R1", amount=Money(500, "CNY"))
    shop.wechat.foreign = STRANGER
    done = str(RefundReceiptState.DONE)
    await shop.hear("wechat", notice_of(shop, refund=ours.number, number=number, state=done))
    assert [r.state for r in (await shop.story()).refunds] == ["SENT"]


async def test_a_strangers_total_gave_nothing_back(shop):
    number = await paid(shop)
    shop.wechat.tells_totals = True
    shop.wechat.by_hand[number] = 1000
    shop.wechat.foreign = STRANGER
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert (await shop.story()).refunds == []


async def test_a_strangers_total_overtakes_no_refund(shop):
    """Ours was refused; what went back elsewhere is no reason to give it up in silence."""
    number = await paid(shop)
    shop.wechat.tells_totals = True
    shop.wechat.by_hand[number] = 8880
    shop.wechat.foreign = STRANGER
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.state == "STUCK"


async def test_a_strangers_answer_does_not_end_the_call_for_an_absence(shop):
    """The account knew nothing of what must be there, and has not said otherwise since."""
    await shop.place()
    await shop.page()
    shop.wechat.forgets = True
    await shop.check_attempt(attempt_id=(await shop.attempt()).attempt_id)
    assert [i.code for i in await shop.list_attention_history()] == [AttentionCode.ABSENT]
    shop.wechat.forgets = False
    shop.wechat.foreign = STRANGER
    await shop.check_attempt(attempt_id=(await shop.attempt()).attempt_id)
    waiting = [i.code for i in await shop.list_attention_history() if i.is_open]
    assert sorted(waiting) == [AttentionCode.ABSENT, AttentionCode.FOREIGN]
    shop.wechat.foreign = None
    await shop.check_attempt(attempt_id=(await shop.attempt()).attempt_id)
    assert [i.code for i in await shop.list_attention_history() if i.is_open] == [
        AttentionCode.FOREIGN
    ]
