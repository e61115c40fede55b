"""Money that another hand gave back, such as the merchant's console, is in the books."""

import hashlib
import json
from dataclasses import replace

import pytest
import pytest_asyncio

from retender.adapters.memory.attempts import MemoryAttempts
from retender.domain.model.attention import AttentionCode
from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.order_summary import OrderSummary
from retender.domain.model.refund import RefundCause
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.domain.steps.external_refund import hear_of_total
from retender.ports.payment_provider import RawNotice

pytestmark = pytest.mark.asyncio


def cny(minor):
    return Money(minor, "CNY")


@pytest_asyncio.fixture
async def number(shop):
    """Let an order be paid at a gateway that tells totals."""
    shop.wechat.tells_totals = True
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return number


def told(shop, **body):
    body = {"key": "k1", "sign": "good", **body}
    return RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())


async def refunds(shop):
    return [(r.cause, r.state, r.amount.minor) for r in (await shop.story()).refunds]


async def test_a_total_above_ours_is_written_down_and_told(shop, number):
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.announce_events()
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1000)]
    assert EventKind.REFUND_EXTERNAL in [event.kind for event in shop.told]
    summary = OrderSummary.of(await shop.story())
    assert (summary.given_back, summary.kept, summary.open_ends) == (cny(1000), cny(7880), ())


async def test_the_same_total_again_adds_nothing_and_more_adds_the_rest(shop, number):
    for n, total in enumerate((1000, 1000, 1500)):
        shop.wechat.by_hand[number] = total
        await shop.hear("wechat", shop.wechat.notice(number, f"again-{n}"))
    assert sorted(minor for *_, minor in await refunds(shop)) == [500, 1000]


async def test_all_that_is_left_is_less_what_others_gave_back(shop, number):
    shop.wechat.by_hand[number] = 1000
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    with pytest.raises(RefundExceedsPaid):
        await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(8000))
    refund = await shop.refund_payment(order_no="A1", refund_no="R2")
    assert (refund.state, refund.amount) == ("DONE", cny(7880))
    assert shop.wechat.kept() == {number: 0}


async def test_ours_that_are_done_are_no_strangers(shop, number):
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]


async def test_while_one_of_ours_is_under_way_nothing_is_drawn(shop, number):
    """Its answer was lost: the total may be ours or another hand's."""
    shop.wechat.pending_refunds = True
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.SHOP, "SENT", 500)]


async def test_a_refund_that_names_only_the_trade_is_written_down(shop, number):
    """As WeChat Pay tells of the console's: by the console's own number."""
    body = {"refund": "CONSOLE-1/x", "minor": 1200, "number": number}
    taken = await shop.hear("wechat", told(shop, **body))
    assert (taken.code, taken.order_no) == ("NOTICE_TAKEN", "A1")
    await shop.hear("wechat", told(shop, **{**body, "key": "k2"}))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)]


async def test_what_a_total_holds_already_is_not_counted_once_more(shop, number):
    """Such a provider tells totals, and of each refund by its own number: in any order."""
    shop.wechat.by_hand[number] = 2400
    body = {"minor": 1200, "number": number}
    await shop.hear("wechat", told(shop, **body, refund="CONSOLE-1"))
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.hear("wechat", told(shop, **body, refund="CONSOLE-2", key="k2"))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)] * 2
    assert await shop.list_attention_history() == []


async def test_a_refund_may_be_heard_of_before_the_payment_that_it_gives_back(shop):
    """Its notice came first: what it says is kept, and the payment comes to it."""
    await shop.place()
    number = (await shop.page()).attempt.number
    paid = shop.wechat.pay(number)
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=1200, number=number))
    for sums in (OrderSummary.of(await shop.story()), (await shop.show_order(order_no="A1")).sums):
        assert (sums.taken, sums.given_back, sums.kept) == (cny(0), cny(1200), cny(0))
    await shop.hear("wechat", paid)
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1200)]
    summary = OrderSummary.of(await shop.story())
    assert (summary.taken, summary.given_back) == (cny(8880), cny(1200))


async def test_what_is_not_done_gave_nothing_back(shop, number):
    body = {"refund": "CONSOLE-1", "minor": 1200, "number": number, "state": "failed"}
    await shop.hear("wechat", told(shop, **body))
    assert await refunds(shop) == []


async def test_more_than_was_captured_is_a_humans(shop, number):
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=8881, number=number))
    assert await refunds(shop) == []
    (item,) = await shop.list_attention_history()
    assert (item.code, item.order_no) == ("EVIDENCE_AMOUNT_MISMATCH", "A1")


async def test_a_refund_that_another_hand_overtook_is_not_stuck(shop, number):
    """All went back in the console; ours is refused, and asking for the trade says why."""
    shop.wechat.by_hand[number] = 8880
    refund = await shop.refund_payment(order_no="A1", refund_no="R1")
    assert refund.state == "OVERTAKEN"
    assert sorted(await refunds(shop)) == [
        (RefundCause.EXTERNAL, "DONE", 8880),
        (RefundCause.SHOP, "OVERTAKEN", 8880),
    ]
    assert await shop.list_attention_history() == []
    summary = OrderSummary.of(await shop.story())
    assert (summary.given_back, summary.going_back, summary.open_ends) == (cny(8880), cny(0), ())
    await shop.announce_events()
    assert EventKind.REFUND_OVERTAKEN in [event.kind for event in shop.told]


async def test_a_surplus_that_another_hand_gave_back_is_refunded(shop):
    """It was stuck; what the console gave back settles it, and nobody has to look any more."""
    shop.wechat.tells_totals = True
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat", "pc")).attempt.number
    late = shop.wechat.pay(second)
    await shop.hear("alipay", shop.alipay.pay(first))
    await shop.hear("wechat", late)
    shop.wechat.failing_refunds = True
    await shop.work_once()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUND_STUCK"]
    shop.wechat.by_hand[second] = 8880
    await shop.hear("wechat", shop.wechat.notice(second, "given back"))
    await shop.escalate()
    assert (await shop.states())[1] == ["SUCCEEDED", "REFUNDED"]
    assert [i for i in await shop.list_attention_history() if i.is_open] == []


async def test_a_notice_of_a_charge_and_a_refund_is_heard_as_both(shop, number):
    """Ours was sent and its answer is pending; the notice says that it is done."""
    shop.wechat.pending_refunds = True
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", told(shop, refund=refund.number, number=number, both=True))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]


async def test_a_refund_half_that_bears_the_charges_number_is_no_refund_of_ours(shop, number):
    """Recorded notices do so where the refund had no number of its own."""
    await shop.hear("wechat", told(shop, refund=number, number=number, both=True))
    assert await refunds(shop) == []
    assert await shop.list_attention_history() == []


async def test_a_total_that_was_told_while_ours_was_under_way_counts_once_ours_is_refused(shop):
    """The gateway refuses ours because of it, and tells nobody again."""
    shop.wechat.tells_totals = True
    await shop.place()
    first = (await shop.page("alipay", "h5")).attempt.number
    second = (await shop.page("wechat")).attempt.number
    await shop.hear("alipay", shop.alipay.pay(first))
    notice = shop.wechat.pay(second)
    shop.wechat.by_hand[second] = 1000
    await shop.hear("wechat", notice)
    assert await refunds(shop) == [(RefundCause.DUPLICATE, "DUE", 8880)]
    shop.wechat.fail("query", *[ProviderUncertain("down")] * 99)
    await shop.work_once()
    found = set(await refunds(shop))
    assert found == {(RefundCause.DUPLICATE, "STUCK", 8880), (RefundCause.EXTERNAL, "DONE", 1000)}


# --- to the last fen ----------------------------------------------------------------------

REFUSED = ProviderRefused(Refusal.REJECTED, provider_code="NO")


async def paid_twice(shop, kept, surplus):
    """Have the first account's payment kept, the second one's to go back; return the numbers."""
    gateways = {"alipay": shop.alipay, "wechat": shop.wechat}
    await shop.place()
    pages = {"alipay": await shop.page("alipay", "h5"), "wechat": await shop.page("wechat")}
    numbers = {account: page.attempt.number for account, page in pages.items()}
    notices = {account: gateways[account].pay(number) for account, number in numbers.items()}
    for account in (kept, surplus):
        gateways[account].tells_totals = True
        await shop.hear(account, notices[account])
    return gateways[kept], numbers[kept]


either_way = pytest.mark.parametrize(
    ("kept", "surplus"), [("alipay", "wechat"), ("wechat", "alipay")]
)


async def test_a_single_fen_counts(shop, number):
    shop.wechat.by_hand[number] = 1
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1)]


@pytest.mark.parametrize(
    ("named", "more"), [(1200, []), (2400, []), (2401, [1])], ids=["less", "as much", "more"]
)
async def test_of_a_named_refund_only_what_the_total_did_not_hold_is_added(
    shop, number, named, more
):
    shop.wechat.by_hand[number] = 2400
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=named, number=number))
    assert sorted(minor for *_, minor in await refunds(shop)) == [*more, 2400]


@pytest.mark.parametrize(
    ("by_hand", "asked", "state"),
    [
        (0, 8880, "STUCK"),
        (0, 8000, "STUCK"),
        (880, 8000, "STUCK"),
        (881, 8000, "OVERTAKEN"),
    ],
)
async def test_ours_is_overtaken_only_where_too_little_is_left(shop, number, by_hand, asked, state):
    """If enough is left it was refused for a reason of its own, which a human must see."""
    shop.wechat.by_hand[number] = by_hand
    shop.wechat.fail("refund", REFUSED)
    refund = await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(asked))
    assert refund.state == state


@pytest.mark.parametrize(
    ("by_hand", "state"), [(8879, "STUCK"), (8880, "OVERTAKEN"), (8881, "OVERTAKEN")]
)
async def test_a_surplus_is_overtaken_only_where_nothing_of_it_is_left(shop, by_hand, state):
    """The last fen is the payer's, too."""
    await paid_twice(shop, "alipay", "wechat")
    (refund,) = (await shop.story()).refunds
    shop.wechat.by_hand[refund.number[1:]] = by_hand
    shop.wechat.fail("refund", REFUSED)
    assert (await shop.check_refund(refund_no=refund.refund_no)).state == state


# --- whose money it is --------------------------------------------------------------------


@either_way
async def test_what_is_under_way_of_another_payment_holds_nothing_up(shop, kept, surplus):
    gateway, number = await paid_twice(shop, kept, surplus)
    gateway.by_hand[number] = 1000
    await shop.hear(kept, gateway.notice(number, "again"))
    assert set(await refunds(shop)) == {
        (RefundCause.DUPLICATE, "DUE", 8880),
        (RefundCause.EXTERNAL, "DONE", 1000),
    }


async def test_what_was_taken_once_more_can_be_given_back_by_another_hand(shop, number):
    shop.wechat.trade_no_is_capture = True
    body = {"key": "k0", "number": number, "sign": "good", "trade_no": "T-OTHER"}
    await shop.hear("wechat", told(shop, **body))
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=17760, number=number))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 17760)]
    await shop.hear("wechat", told(shop, key="k2", refund="CONSOLE-2", minor=1, number=number))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 17760)], "no more was taken"


@either_way
async def test_what_another_payment_took_once_more_is_not_this_ones_to_give_back(
    shop, kept, surplus
):
    _, number = await paid_twice(shop, kept, surplus)
    others = {"alipay": shop.alipay, "wechat": shop.wechat}[surplus]
    others.trade_no_is_capture = True
    (other,) = [a.number for a in (await shop.story()).attempts if a.account == surplus]
    await shop.hear(surplus, told(shop, key="k0", number=other, trade_no="T-OTHER"))
    assert len((await shop.story()).captures) == 1
    await shop.hear(kept, told(shop, refund="CONSOLE-1", minor=8881, number=number))
    assert RefundCause.EXTERNAL not in [cause for cause, *_ in await refunds(shop)]
    codes = [item.code for item in await shop.list_attention_history()]
    assert AttentionCode.AMOUNT_MISMATCH in codes


async def test_more_than_ours_have_left_is_a_humans(shop, number):
    await shop.refund_payment(order_no="A1", refund_no="R1", amount=cny(500))
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=8381, number=number))
    assert await refunds(shop) == [(RefundCause.SHOP, "DONE", 500)]
    (item,) = await shop.list_attention_history()
    assert (item.code, len(item.attention_id)) == (AttentionCode.AMOUNT_MISMATCH, 32)


async def test_all_of_it_told_twice_is_no_more_than_was_captured(shop, number):
    for key in ("k1", "k2"):
        body = {"key": key, "refund": "CONSOLE-1", "minor": 8880, "number": number}
        await shop.hear("wechat", told(shop, **body))
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 8880)]
    assert await shop.list_attention_history() == []


async def test_it_bears_a_number_made_of_its_account_and_its_name(shop, number):
    """The same for the same refund, for ever: else it would be written down twice."""
    await shop.hear("wechat", told(shop, refund="CONSOLE-1", minor=1200, number=number))
    digest = hashlib.sha256(b"wechat|CONSOLE-1").hexdigest().upper()
    (refund,) = (await shop.story()).refunds
    assert refund.number == f"X{digest}"[:32]


@pytest.mark.parametrize(
    ("by_hand", "code"), [(0, "NOTICE_TAKEN"), (1200, "EVIDENCE_UNKNOWN_REFUND")]
)
async def test_one_that_failed_unheard_of_is_a_humans_if_a_total_may_hold_it(
    shop, number, by_hand, code
):
    shop.wechat.by_hand[number] = by_hand
    await shop.hear("wechat", shop.wechat.notice(number, "again"))
    before = await refunds(shop)
    body = {"refund": "CONSOLE-1", "minor": 1200, "number": number, "state": "failed"}
    assert (await shop.hear("wechat", told(shop, **body))).code == code
    assert await refunds(shop) == before


@pytest.mark.usefixtures("number")
async def test_a_greater_total_that_came_while_the_order_was_waited_for_counts(shop, mocker):
    """What was read before the order was held may be of before the other's commit."""
    before = await shop.attempt()
    after = replace(before, told_back=cny(1500))
    async with shop.unit_of_work() as work:
        mocker.patch.object(MemoryAttempts, "get", side_effect=[before, after])
        facts = {"source": "notice", "at": shop.clock(), "new_id": shop.new_id}
        await hear_of_total(work, before, cny(1000), **facts)
        await work.commit()
    mocker.stopall()
    assert await refunds(shop) == [(RefundCause.EXTERNAL, "DONE", 1500)]
