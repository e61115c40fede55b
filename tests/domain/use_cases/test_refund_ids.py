"""A provider's own id of a refund: kept from whatever bore it, and asked with."""

import json

import pytest

from retender.domain.model.attention import Resolution
from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.ports.payment_provider import RawNotice, RefundTerms

pytestmark = pytest.mark.asyncio

LOST = ProviderUncertain("read time-out")
REFUSED = ProviderRefused(Refusal.REJECTED, provider_code="NO_REFUNDS")


@pytest.fixture
def theirs(shop):
    """Let one account's provider give its refunds ids of its own."""
    shop.wechat.own_refund_ids = True
    return shop.wechat


async def refunded(shop):
    """Pay an order, and ask for its money back."""
    await shop.place()
    number = (await shop.page()).attempt.number
    await shop.hear("wechat", shop.wechat.pay(number))
    return await shop.refund_payment(order_no="A1", refund_no="RF1")


async def ask(shop):
    shop.clock.pass_by(minutes=20)
    return await shop.check_refund(refund_no="RF1")


async def test_a_refund_that_was_answered_is_asked_after_by_its_id(shop, theirs):
    theirs.pending_refunds = True
    refund = await refunded(shop)
    await ask(shop)
    assert theirs.asked_refunds == [f"refund-{refund.number}"]


async def test_whose_answer_was_lost_is_asked_after_without_one_until_an_answer_bears_it(
    shop, theirs
):
    theirs.refund_terms = RefundTerms(repeatable=False)
    theirs.pending_refunds = True
    theirs.fail("refund", LOST, after_effect=True)
    refund = await refunded(shop)
    await ask(shop)
    await ask(shop)
    assert theirs.asked_refunds == [None, f"refund-{refund.number}"]


async def test_one_that_failed_at_once_can_be_asked_after_by_a_human(shop, theirs):
    """Some are finished by the provider's people: only who knows the id hears of it."""
    theirs.reversed = AllOfThem()
    refund = await refunded(shop)
    assert refund.state == "STUCK"
    theirs.reversed = set()
    assert (await ask(shop)).state == "DONE"
    assert theirs.asked_refunds == [f"refund-{refund.number}"]


async def test_an_answer_on_another_amount_still_says_whom_to_ask(shop, theirs):
    theirs.refund_lie = Money(1, "CNY")
    refund = await refunded(shop)
    theirs.refund_lie = None
    assert (await ask(shop)).state == "DONE"
    assert theirs.asked_refunds == [f"refund-{refund.number}"]


async def test_one_that_is_doubted_is_asked_after_by_the_id_in_the_bad_news(shop, theirs):
    """Its first answer bore none; that it failed after all was told with one."""
    theirs.own_refund_ids = False
    refund = await refunded(shop)
    theirs.own_refund_ids = True
    body = {"key": "k", "sign": "good", "refund": refund.number, "state": "failed"}
    raw = RawNotice(headers={}, body=json.dumps(body).encode(), received_at=shop.clock())
    await shop.hear("wechat", raw)
    await ask(shop)
    assert theirs.asked_refunds == [f"refund-{refund.number}"]


# --- where nothing but the id finds a refund ----------------------------------------------


@pytest.fixture
def by_id(theirs):
    """Let its refunds be found by its own ids alone."""
    theirs.refund_terms = RefundTerms(asked_by_number=False)
    return theirs


def sends(gateway):
    return [call for call in gateway.calls if call.startswith("refund ")]


async def test_a_crash_before_the_answer_is_mended_by_sending_again(shop, by_id):
    """Nobody can ask, and a repeat is harmless: it is answered with the id."""

    async def die():
        raise Crash

    by_id.during("refund", die)
    with pytest.raises(Crash):
        await refunded(shop)
    for _ in range(2):
        await ask(shop)
    assert (await ask(shop)).state == "DONE"
    assert len(sends(by_id)) == 2
    assert by_id.asked_refunds == []


async def test_a_repeat_that_is_refused_is_not_given_up(shop, by_id):
    """The first send may have moved the money, and nobody can be asked: nothing is free again."""
    by_id.fail("refund", LOST, after_effect=True)
    await refunded(shop)
    by_id.fail("refund", REFUSED, REFUSED)
    assert (await ask(shop)).state == "DUE"
    assert (await ask(shop)).state == "DUE"
    assert (await ask(shop)).state == "DONE"
    assert by_id.asked_refunds == []


async def test_the_only_send_that_is_refused_is_given_up_at_once(shop, by_id):
    by_id.fail("refund", REFUSED)
    assert (await refunded(shop)).state == "STUCK"
    assert by_id.asked_refunds == []


async def test_what_may_neither_be_asked_nor_repeated_is_left_alone(shop, by_id):
    by_id.refund_terms = RefundTerms(asked_by_number=False, repeatable=False)
    by_id.fail("refund", LOST, after_effect=True)
    await refunded(shop)
    for _ in range(3):
        assert (await ask(shop)).state == "SENT"
    assert (len(sends(by_id)), by_id.asked_refunds) == (1, [])


class Crash(BaseException):
    """The process dies."""


class AllOfThem(set[str]):
    """Every refund."""

    def __contains__(self, item):
        return True


# --- what is sent again has an id of its own ----------------------------------------------


async def retry(shop):
    """A human has the one refund that is stuck sent again."""
    (call,) = [each for each in await shop.list_attention_history() if each.is_open]
    await shop.resolve_attention(
        attention_id=call.attention_id, resolution=Resolution.RETRY, reason="again", by="operator"
    )


async def the_refund(shop):
    return next(r for r in (await shop.story()).refunds if r.refund_no == "RF1")


async def test_the_id_of_a_send_that_failed_is_not_asked_with_after_the_next_one(shop, theirs):
    """It would be told of the failure, while the second send may have gone back."""
    theirs.refund_terms = RefundTerms(asked_by_number=False, repeatable=False)
    theirs.reversed = AllOfThem()
    assert (await refunded(shop)).state == "STUCK"
    theirs.fail("refund", LOST, after_effect=True)
    await retry(shop)
    await shop.settle_down(hours=1)
    refund = await the_refund(shop)
    assert (refund.state, refund.provider_refund_no) == ("SENT", None)
    assert refund.may_have_moved


async def test_one_refusal_where_nobody_can_be_asked_stops_no_other_refund(shop, theirs):
    theirs.refund_terms = RefundTerms(asked_by_number=False)
    theirs.fail("refund", REFUSED)
    assert (await refunded(shop)).state == "STUCK"
    other = await shop.refund_payment(order_no="A1", refund_no="RF2")
    assert other.state == "DONE"


async def test_a_refused_repeat_of_what_may_have_moved_frees_nothing(shop, theirs):
    """Its tries ran out, and a human had it sent once more: that is not its only send."""
    theirs.refund_terms = RefundTerms(asked_by_number=False)
    theirs.fail("refund", LOST, after_effect=True)
    await refunded(shop)
    theirs.fail("refund", *[LOST] * 400)
    await shop.settle_down(hours=24 * 14, every=1800)
    assert (await the_refund(shop)).state == "STUCK"
    theirs.trouble["refund"] = [REFUSED]
    await retry(shop)
    await shop.settle_down(hours=1)
    assert (await the_refund(shop)).may_have_moved


async def test_what_failed_after_it_was_done_is_a_humans_where_nobody_can_be_asked(shop, theirs):
    theirs.refund_terms = RefundTerms(asked_by_number=False)
    theirs.own_refund_ids = False
    theirs.fail("refund", LOST, after_effect=True)
    refund = await refunded(shop)
    for state in ("done", "failed"):
        body = {"key": state, "refund": refund.number, "state": state, "minor": 8880}
        told = json.dumps(body | {"sign": "good"}).encode()
        await shop.hear("wechat", RawNotice(headers={}, body=told, received_at=shop.clock()))
    assert (await the_refund(shop)).state == "DOUBTED"
    await shop.settle_down(hours=1)
    assert (await the_refund(shop)).state == "STUCK"
    assert EventKind.REFUND_REVERSED in {event.kind for event in shop.told}
