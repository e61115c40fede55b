"""Four clocks: what the payer sees, what the provider gets, and the edges, to the second."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from retender.domain.model.attempt_errors import OwnClockOff
from retender.domain.model.deadline import (
    ClockStanding,
    DeadlinePolicy,
    ExpiryTerms,
    agreed,
    check_clock,
    check_in_time,
    check_own_clock,
    solve,
)
from retender.domain.model.errors import PayOrderPayTimeout, ProviderClockOff

PLACED = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
SHOWN = PLACED + timedelta(minutes=30)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def at(minutes: int, seconds: int = 0) -> datetime:
    return PLACED + timedelta(minutes=minutes, seconds=seconds)


def is_taken(now: datetime, policy: DeadlinePolicy, terms: ExpiryTerms | None = None) -> bool:
    try:
        solve(SHOWN, now, policy, terms or ExpiryTerms(shortest=timedelta(0)))
    except PayOrderPayTimeout:
        return False
    return True


def test_with_grace_the_payer_sees_30_minutes_and_the_provider_gets_31():
    deadline = solve(SHOWN, at(0), DeadlinePolicy(grace=MINUTE), ExpiryTerms())
    assert deadline.shown == at(30)
    assert deadline.upstream == at(31)
    assert deadline.watch == at(33)


def test_with_grace_the_last_second_is_taken_and_the_deadline_is_not():
    policy = DeadlinePolicy(grace=MINUTE)
    assert is_taken(at(29, 59), policy)
    assert is_taken(SHOWN - timedelta(microseconds=1), policy)
    assert not is_taken(at(30), policy)


def test_with_cutoff_a_request_in_the_last_minute_is_refused():
    policy = DeadlinePolicy(grace=timedelta(0), cutoff=MINUTE)
    assert is_taken(at(28, 59), policy)
    assert is_taken(at(29), policy)
    assert not is_taken(at(29) + timedelta(microseconds=1), policy)
    assert not is_taken(at(29, 1), policy)


def test_the_source_codes_own_arithmetic_sends_the_remaining_time_less_one_minute():
    policy = DeadlinePolicy(grace=-MINUTE, cutoff=MINUTE)
    assert solve(SHOWN, at(5), policy, ExpiryTerms()).upstream == at(29)
    assert solve(SHOWN, at(5), policy, ExpiryTerms()).upstream - at(5) == 24 * MINUTE


def test_the_source_codes_own_arithmetic_takes_minute_28_and_refuses_from_minute_29():
    policy = DeadlinePolicy(grace=-MINUTE, cutoff=MINUTE)
    assert is_taken(at(28), policy, ExpiryTerms())
    assert not is_taken(at(28, 1), policy, ExpiryTerms())  # 59 s: less than any provider takes
    assert not is_taken(at(29), policy, ExpiryTerms())
    assert is_taken(at(28, 59), policy)  # a provider without a least time takes the last second


def test_too_short_for_the_provider_says_what_it_would_take():
    with pytest.raises(PayOrderPayTimeout) as caught:
        solve(SHOWN, at(29, 30), DeadlinePolicy(grace=timedelta(0)), ExpiryTerms(shortest=MINUTE))
    assert caught.value.code == "PAY_ORDER_PAY_TIMEOUT"
    assert caught.value.details["reason"] == "provider_minimum"
    assert caught.value.details["earliest_upstream"] == at(30, 30).isoformat()


def test_exactly_the_providers_least_time_is_enough():
    policy = DeadlinePolicy(grace=timedelta(0))
    assert is_taken(at(29), policy, ExpiryTerms(shortest=MINUTE))
    assert not is_taken(at(29, 1), policy, ExpiryTerms(shortest=MINUTE))


def test_a_provider_with_a_short_horizon_gets_its_longest_time():
    week = ExpiryTerms(longest=timedelta(days=7))
    deadline = solve(PLACED + timedelta(days=20), PLACED, DeadlinePolicy(), week)
    assert deadline.upstream == PLACED + timedelta(days=7)
    assert deadline.watch > PLACED + timedelta(days=20)


def test_a_duration_provider_gets_whole_minutes_rounded_down():
    minutes = ExpiryTerms(granularity=MINUTE, absolute=False)
    deadline = solve(SHOWN, at(5, 20), DeadlinePolicy(grace=timedelta(0)), minutes)
    assert deadline.upstream == at(29, 20)


def test_a_policy_under_which_late_money_would_be_missed_is_refused():
    with pytest.raises(ValueError, match="negative"):
        DeadlinePolicy(cutoff=-SECOND)
    with pytest.raises(ValueError, match="before the shown deadline"):
        DeadlinePolicy(grace=-5 * MINUTE, watch=MINUTE)


policies = st.builds(
    DeadlinePolicy,
    grace=st.timedeltas(min_value=-2 * MINUTE, max_value=10 * MINUTE),
    cutoff=st.timedeltas(min_value=timedelta(0), max_value=10 * MINUTE),
    watch=st.timedeltas(min_value=2 * MINUTE, max_value=timedelta(hours=1)),
)
terms = st.builds(
    ExpiryTerms,
    shortest=st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=1)),
    longest=st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=15)),
    granularity=st.sampled_from([SECOND, MINUTE, timedelta(minutes=15)]),
    absolute=st.booleans(),
)
moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
)


@given(moments, st.timedeltas(min_value=SECOND, max_value=timedelta(days=30)), policies, terms)
def test_whatever_is_solved_keeps_the_order_of_the_clocks(now, within, policy, expiry):
    shown = now + within
    try:
        deadline = solve(shown, now, policy, expiry)
    except PayOrderPayTimeout:
        reject()
    assert deadline.upstream <= shown + policy.grace
    assert expiry.shortest <= deadline.upstream - now <= expiry.longest
    assert deadline.watch >= deadline.upstream + policy.watch
    assert deadline.watch >= deadline.shown
    if expiry.absolute:
        assert deadline.upstream.timestamp() % expiry.granularity.total_seconds() == 0
    # Nothing better was left out: one step later would break a rule.
    step = deadline.upstream + expiry.granularity
    assert step > shown + policy.grace or step - now > expiry.longest


@given(moments, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=1)), policies)
def test_in_time_means_before_the_deadline_with_the_cutoff_left(shown, left, policy):
    now = shown - left
    if left > timedelta(0) and left >= policy.cutoff:
        check_in_time(shown, now, policy)
    else:
        with pytest.raises(PayOrderPayTimeout):
            check_in_time(shown, now, policy)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("apart", "standing"),
    [
        (0, ClockStanding.NEAR),
        (60, ClockStanding.NEAR),
        (61, ClockStanding.FAR),
        (120, ClockStanding.FAR),
        (121, ClockStanding.TOO_FAR),
    ],
)
def test_clocks_may_be_apart_by_as_much_as_the_watch_outlasts(apart, standing, sign):
    """Over half of it is an alarm, over all of it a refusal (protocol 1.3)."""
    policy = DeadlinePolicy(watch=2 * MINUTE)
    assert policy.standing(sign * apart * SECOND) is standing


def test_over_the_watch_nothing_new_is_begun_and_the_numbers_are_told():
    policy = DeadlinePolicy(watch=2 * MINUTE)
    check_clock("Alipay", -2 * MINUTE, policy)
    with pytest.raises(ProviderClockOff) as refused:
        check_clock("Alipay", -2 * MINUTE - SECOND, policy)
    assert refused.value.details == {"seconds_apart": 121, "seconds_allowed": 120}
    assert "Alipay and ours are 121 s apart" in refused.value.message
    assert "pay another way" in refused.value.message


@pytest.mark.parametrize(
    ("witnesses", "sure"),
    [
        ([], 0),
        ([300], 0),  # one alone may be wrong itself
        ([300, 310], 300),
        ([-310, -300], -300),
        ([300, -300], 0),  # they do not agree
        ([300, 420], 300),
        ([300, 421], 0),
        ([120, 120], 0),  # the watch outlasts it
        ([121, 121], 121),
        ([300, 310, 0], 300),
        ([300, 310, 0, 5], 0),  # as many say that it is right
        ([300, 310, 320, 0, 5], 300),
        ([300, 900, 905], 900),  # the two that agree
        ([300, 310, 0, 5, 10], 0),  # more say that it is right
        ([300, 400, 500], 300),  # two groups, and one that says less
        ([-500, -400, -300], -300),
    ],
)
def test_our_own_clock_is_wrong_if_two_agree_on_it_and_fewer_say_that_it_is_right(witnesses, sure):
    policy = DeadlinePolicy(watch=timedelta(seconds=120))

    off = agreed([timedelta(seconds=each) for each in witnesses], policy)

    assert off == timedelta(seconds=sure)


def test_nothing_is_begun_while_our_own_clock_is_wrong():
    policy = DeadlinePolicy(watch=timedelta(seconds=120))
    check_own_clock(timedelta(seconds=120), policy)
    with pytest.raises(OwnClockOff, match="121 s behind") as refused:
        check_own_clock(timedelta(seconds=121), policy)
    assert refused.value.details == {"seconds_apart": 121, "seconds_allowed": 120}


@pytest.mark.parametrize(
    ("grace", "cutoff", "watch"), [(60, 0, 0), (0, 0, 120), (-120, 0, 120), (-60, 60, 60)]
)
def test_settings_at_their_bounds_are_good(grace, cutoff, watch):
    times = (timedelta(seconds=each) for each in (grace, cutoff, watch))
    DeadlinePolicy(*times)


@pytest.mark.parametrize(
    ("grace", "cutoff", "watch"), [(60, 0, -1), (60, -1, 0), (-121, 0, 120), (0, 0, -1)]
)
def test_settings_that_would_miss_late_money_are_refused(grace, cutoff, watch):
    times = (timedelta(seconds=each) for each in (grace, cutoff, watch))
    with pytest.raises(ValueError, match=r"not negative|must not end before"):
        DeadlinePolicy(*times)


def test_a_provider_of_which_nothing_is_said_takes_a_minute_to_a_week_to_the_second():
    assert ExpiryTerms() == ExpiryTerms(
        shortest=timedelta(minutes=1),
        longest=timedelta(days=7),
        granularity=timedelta(seconds=1),
        absolute=True,
    )


def test_whole_multiples_of_days_count_from_1970():
    terms = ExpiryTerms(granularity=timedelta(days=2))
    now = datetime(2026, 1, 15, 2, tzinfo=UTC)
    policy = DeadlinePolicy(grace=timedelta(0))
    solved = solve(now + timedelta(days=6), now, policy, terms)
    # 20,474 days after 1970-01-01: an even number of them.
    assert solved.upstream == datetime(2026, 1, 21, tzinfo=UTC)


@pytest.mark.parametrize(("left", "told"), [(0.5, 0), (1, 1), (3, 3), (59.9, 59)])
def test_who_comes_too_late_is_told_how_many_seconds_remain(left, told):
    now = datetime(2026, 1, 15, 2, tzinfo=UTC)
    policy = DeadlinePolicy(grace=timedelta(0))
    terms = ExpiryTerms(granularity=timedelta(microseconds=1))
    with pytest.raises(PayOrderPayTimeout, match=rf"^{told} s remain"):
        solve(now + timedelta(seconds=left), now, policy, terms)


def test_no_less_than_nothing_is_told_to_remain():
    now = datetime(2026, 1, 15, 2, tzinfo=UTC)
    policy = DeadlinePolicy(grace=timedelta(seconds=-30))
    with pytest.raises(PayOrderPayTimeout, match=r"^0 s remain"):
        solve(now + timedelta(seconds=10), now, policy, ExpiryTerms())
