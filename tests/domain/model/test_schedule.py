"""When the worker looks: always again, never too late, densest where most is decided."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retender.domain.model.attempt import Attempt, Charge, next_check
from retender.domain.model.client_type import Device
from retender.domain.model.money import Money
from retender.domain.model.page import PageKind
from retender.domain.model.refund import MOST_TRIES, Refund, RefundCause, next_try
from retender.domain.model.schedule import jittered

BEGAN = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
EXPIRES = BEGAN + timedelta(minutes=31)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=s) for s in (1, 60, 3600, 86_400))

numbers = st.integers(0, 10_000).map(lambda n: f"NUMBER{n:010d}")
checks = st.integers(0, 400)
instants = st.integers(-60, 40 * 86_400).map(lambda s: BEGAN + s * SECOND)
watches = st.sampled_from([timedelta(0), SECOND, 2 * MINUTE, HOUR, 3 * DAY])


def made(number: str = "NUMBER0000000001", *, had: int = 0, watch: timedelta = 2 * MINUTE):
    charge = Charge(
        number=number,
        order_no="A1",
        amount=Money(1, "CNY"),
        subject="Tea",
        client_type="pc",
        device=Device.SCREEN,
        page_kind=PageKind.QR,
        created_at=BEGAN,
        expires_at=EXPIRES,
        notify_url="https://shop.example",
    )
    return Attempt(
        attempt_id="a",
        order_id="o",
        idx=1,
        account="wechat",
        fingerprint="f",
        charge=charge,
        watch_until=EXPIRES + watch,
        checks=had,
    )


def looks(attempt: Attempt, until: datetime) -> list[datetime]:
    """Every look of an attempt whose provider never answers, with a worker that is on time."""
    found, now = [], BEGAN
    while now < until:
        now = next_check(attempt, now)
        found.append(now)
        attempt = replace(attempt, checks=attempt.checks + 1)
    return found


# --- spreading ------------------------------------------------------------------------


@given(numbers, checks, st.timedeltas(SECOND, DAY))
def test_jitter_takes_up_to_a_quarter_away_and_is_the_same_every_time(number, count, wait):
    spread = jittered(wait, number, count)
    assert 0.75 * wait <= spread <= wait
    assert spread == jittered(wait, number, count)


@pytest.mark.parametrize(("numbers", "counts"), [(1000, 1), (1, 1000)])
def test_what_began_together_is_spread_evenly_each_time_anew(numbers, counts):
    waits = [
        jittered(100 * SECOND, f"NUMBER{number}", count) / SECOND
        for number in range(numbers)
        for count in range(counts)
    ]
    for left in range(75, 100, 5):
        assert 150 < sum(left < wait <= left + 5 for wait in waits) < 250


# --- attempts -------------------------------------------------------------------------


@given(numbers, checks, instants, watches)
def test_there_is_always_a_next_look_in_the_future_and_within_a_day(number, had, now, watch):
    attempt = made(number, had=had, watch=watch)
    assert now < next_check(attempt, now) <= now + DAY


@given(numbers, checks, instants, watches)
def test_the_first_look_after_the_watch_comes_right_after_it(number, had, now, watch):
    """Only then is "not found" a proof, and only then can the order be closed."""
    attempt = made(number, had=had, watch=watch)
    if now <= attempt.watch_until:
        assert next_check(attempt, now) <= attempt.watch_until + SECOND


@given(numbers, watches)
def test_the_look_that_proves_is_had_to_the_second(number, watch):
    attempt = made(number, watch=watch)
    proof = attempt.watch_until + SECOND
    assert proof in looks(attempt, proof)
    assert attempt.proves_absence(proof)


@given(numbers, checks, instants)
def test_never_longer_than_half_the_time_to_expiry_or_15_seconds(number, had, now):
    left = EXPIRES - now
    if left > timedelta(0):
        wait = next_check(made(number, had=had), now) - now
        assert wait <= max(15 * SECOND, left / 2)


@given(numbers, checks, st.integers(0, 31 * 60 - 1), st.integers(0, 31 * 60 - 1))
def test_the_nearer_the_expiry_the_shorter_the_wait(number, had, one, other):
    earlier, later = sorted((BEGAN + one * SECOND, BEGAN + other * SECOND))
    attempt = made(number, had=had)
    waits = [next_check(attempt, now) - now for now in (earlier, later)]
    assert waits[1] <= waits[0]


@given(numbers, checks, instants, watches)
def test_never_so_dense_that_a_provider_would_mind(number, had, now, watch):
    """But for the one look that proves, which comes when it must."""
    attempt = made(number, had=had, watch=watch)
    then = next_check(attempt, now)
    assert then - now >= 0.75 * 15 * SECOND or then == attempt.watch_until + SECOND


@given(numbers)
def test_during_the_watch_late_money_is_looked_for_every_minute(number):
    end = EXPIRES + 2 * MINUTE + SECOND
    seen = [at for at in looks(made(number), end) if at >= EXPIRES]
    assert seen[0] - EXPIRES <= 15 * SECOND
    assert seen[-1] == end
    assert all(later - earlier <= MINUTE for earlier, later in pairwise(seen))


@given(numbers)
def test_a_long_watch_is_looked_at_every_five_minutes(number):
    attempt = made(number, watch=3 * DAY)
    seen = [at for at in looks(attempt, EXPIRES + DAY) if at > EXPIRES + HOUR]
    gaps = [later - earlier for earlier, later in pairwise(seen)]
    assert min(gaps) >= 3.75 * MINUTE
    assert max(gaps) <= 5 * MINUTE


def test_half_an_hour_takes_some_twenty_looks_and_a_week_some_forty():
    """What one attempt costs at most at a provider that never answers."""
    attempt = made()
    assert 12 <= len(looks(attempt, attempt.watch_until)) <= 22
    assert len(looks(attempt, BEGAN + 7 * DAY)) <= 22 + 33 + 8


# --- refunds --------------------------------------------------------------------------


def refund(number: str = "R1234567", tries: int = 0) -> Refund:
    return Refund(
        refund_no="R1",
        number=number,
        order_id="o",
        attempt_id="a",
        account="wechat",
        amount=Money(1, "CNY"),
        cause=RefundCause.SHOP,
        reason="x",
        created_at=BEGAN,
        tries=tries,
    )


@given(numbers, st.integers(0, MOST_TRIES))
def test_a_refund_is_tried_again_in_the_future_and_within_an_hour(number, tries):
    wait = next_try(refund(number, tries), BEGAN) - BEGAN
    assert 7.5 * SECOND <= wait <= HOUR


@pytest.mark.parametrize(
    ("tries", "most"),
    [
        (0, 10),
        (1, 60),
        (2, 300),
        (3, 600),
        (4, 1200),
        (5, 1800),
        (6, 3600),
        (7, 3600),
        (199, 3600),
    ],
)
def test_tries_come_in_seconds_then_minutes_then_hourly(tries, most):
    wait = next_try(refund(tries=tries), BEGAN) - BEGAN
    assert 0.75 * most * SECOND <= wait <= most * SECOND


def test_it_is_about_a_week_until_an_operator_is_called():
    now = BEGAN
    for tries in range(MOST_TRIES):
        now = next_try(refund(tries=tries), now)
    assert 6 * DAY < now - BEGAN < 8.5 * DAY


def test_a_question_sent_before_the_watch_ends_and_answered_after_is_sent_again_at_once():
    """It proved nothing; the look that proves must not be an hour away."""
    attempt = made(had=9)
    late = attempt.watch_until + 5 * SECOND
    assert next_check(attempt, late, attempt.watch_until - SECOND) == late
    assert next_check(attempt, late, attempt.watch_until + 2 * SECOND) > late + 10 * SECOND
