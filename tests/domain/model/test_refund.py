"""A refund: what it may not be, what may have moved under it, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from retender.domain.model.errors import AmountInvalid, NumberInvalid
from retender.domain.model.money import Money
from retender.domain.model.refund import (
    MOST_TRIES,
    Refund,
    RefundCause,
    automatic_refund_number,
    further_refund_number,
    next_try,
    next_try_unasked,
)
from retender.domain.model.schedule import jittered
from retender.domain.model.transition import RefundState

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
REFUND = Refund(
    refund_no="R-1",
    number="01ARYZ6S41TSV4RRFFQ69G5FAV",
    order_id="O-1",
    attempt_id="A-1",
    account="alipay",
    amount=Money(100, "CNY"),
    cause=RefundCause.SHOP,
    reason="Returned",
    created_at=NOON,
)


@pytest.mark.parametrize("number", ["", "a b", "\n"])
def test_a_number_that_is_none_is_refused_ours_and_the_providers(number):
    with pytest.raises(NumberInvalid, match="refund_no"):
        replace(REFUND, refund_no=number)
    with pytest.raises(NumberInvalid):
        replace(REFUND, number=number)


def test_a_refund_of_nothing_is_refused():
    with pytest.raises(AmountInvalid, match="more than nothing") as refused:
        replace(REFUND, amount=Money(0, "CNY"))
    assert "0" in refused.value.message.split()
    assert replace(REFUND, amount=Money(1, "CNY")).amount.minor == 1


@pytest.mark.parametrize(
    ("cause", "automatic", "of_surplus"),
    [
        (RefundCause.SHOP, False, False),
        (RefundCause.DUPLICATE, True, True),
        (RefundCause.CANCELLED, True, True),
        (RefundCause.LATE, True, True),
        (RefundCause.FURTHER, False, True),
        (RefundCause.EXTERNAL, False, False),
    ],
)
def test_which_causes_give_back_what_the_order_does_not_keep(cause, automatic, of_surplus):
    refund = replace(REFUND, cause=cause)
    assert (refund.is_automatic, refund.is_of_surplus) == (automatic, of_surplus)


@pytest.mark.parametrize(
    ("state", "tries", "moved", "by_hand"),
    [
        (RefundState.DUE, 0, True, False),
        (RefundState.SENT, 1, True, False),
        (RefundState.DONE, 1, True, False),
        (RefundState.OVERTAKEN, MOST_TRIES, False, False),
        (RefundState.STUCK, MOST_TRIES - 1, False, True),
        (RefundState.STUCK, MOST_TRIES, True, False),
    ],
)
def test_money_may_have_moved_unless_the_provider_said_no_for_good(state, tries, moved, by_hand):
    """One whose tries ran out is stuck too, but nobody refused it."""
    refund = replace(REFUND, state=state, tries=tries)
    assert (refund.may_have_moved, refund.may_be_finished_by_hand) == (moved, by_hand)
    external = replace(refund, cause=RefundCause.EXTERNAL)
    assert not external.may_be_finished_by_hand


def test_absence_is_sure_a_quarter_of_an_hour_after_it_was_sent():
    sent = replace(REFUND, sent_at=NOON)
    surely = NOON + timedelta(minutes=15)
    assert sent.proves_absence(surely)
    assert not sent.proves_absence(surely - timedelta(microseconds=1))
    assert REFUND.proves_absence(NOON), "it was never sent"


def test_it_is_tried_for_a_week_first_soon_then_hourly():
    assert MOST_TRIES == 200
    waits = [10, 60, 300, 600, 1200, 1800, 3600, 3600, 3600]
    for tries, wait in enumerate(waits):
        planned = next_try(replace(REFUND, tries=tries), NOON)
        assert planned == NOON + jittered(timedelta(seconds=wait), REFUND.number, tries)


@pytest.mark.parametrize(
    ("waited", "wait"), [(0, 10), (10, 10), (11, 11), (3600, 3600), (9999, 3600)]
)
def test_where_nobody_can_be_asked_the_pauses_grow_with_the_wait(waited, wait):
    now = NOON + timedelta(seconds=waited)
    planned = next_try_unasked(REFUND, now)
    assert planned == now + jittered(timedelta(seconds=wait), REFUND.number, 0)


def test_the_numbers_of_what_goes_back_by_itself_are_the_same_every_time():
    assert automatic_refund_number("01ARYZ6S41") == "R01ARYZ6S41"
    number = further_refund_number("alipay", "2026-1")
    assert number == further_refund_number("alipay", "2026-1")
    assert number != further_refund_number("wechat", "2026-1")
    assert (number[0], len(number)) == ("C", 32)
