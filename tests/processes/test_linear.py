"""The history checker finds the lies that a store could tell, and lets good histories pass."""

import pytest

from retender.tests.processes.linear import Call, Outcome, Seen, check_history

LASTS = 60.0


def call(verb, began, ended, seen=None, *, outcome=Outcome.OK, about=""):
    return Call("A-1", verb, began, ended, outcome, about, seen)


def shown(state, winner=None, attempts=(), refunds=None):
    return Seen(state, winner, frozenset(attempts), refunds or {}, whole=True)


PLACED = call("place", 0, 1, Seen("NEW"))
PAGE = call("pay", 2, 3, Seen(attempts=frozenset({"a"})))
PAYMENT = call("act", 4, 5)
GIVEN_BACK = call("refund", 8, 9, Seen(refunds={"R-1": "DUE"}), about="R-1")

GOOD = [
    PLACED,
    PAGE,
    call("show", 3.1, 3.2, shown("NEW", attempts="a")),
    PAYMENT,
    # These two overlap: the one that ends later may show less.
    call("show", 4.5, 6, shown("PAID", "a", "a")),
    call("show", 4.6, 7, shown("NEW", attempts="a")),
    call("show", 7.1, 7.2, shown("PAID", "a", "a")),
    GIVEN_BACK,
    call("show", 10, 11, shown("PAID", "a", "a", {"R-1": "SENT"})),
    call("show", 10, 12, shown("PAID", "a", "a", {"R-1": "DONE"})),
    call("show", 13, 14, shown("PAID", "a", "a", {"R-1": "DONE"})),
]


def test_a_good_history_passes():
    assert check_history(GOOD, LASTS) == []


def test_a_lost_answer_may_have_acted_or_not():
    unknown = Outcome.UNKNOWN
    for state in ("NEW", "EXPIRING", "CLOSED"):
        lost = [
            call("place", 0, 1, outcome=unknown),
            call("close", 2, 3, outcome=unknown),
            call("show", 4, 5, shown(state)),
        ]
        assert check_history(lost, LASTS) == []


def test_a_refused_close_may_have_given_the_order_up_until_it_was_found_paid():
    given_up = [
        PLACED,
        PAGE,
        call("close", 4, 8, outcome=Outcome.REFUSED),
        PAYMENT,
        call("show", 5, 6, shown("EXPIRING", attempts="a")),
        call("show", 9, 10, shown("PAID", "a", "a")),
    ]
    assert check_history(given_up, LASTS) == []


def test_an_order_may_end_by_itself_in_its_time():
    assert check_history([PLACED, call("show", 61, 62, shown("CLOSED"))], LASTS) == []


BAD = {
    "a read goes back": (
        [call("show", 15, 16, shown("NEW", None, "a", {"R-1": "DONE"}))],
        "says NEW, after the order was further",
    ),
    "another server still shows it as open": (
        [call("place", 15, 16, Seen("NEW"))],
        "says NEW, after the order was further",
    ),
    "the order is gone": (
        [call("show", 15, 16, outcome=Outcome.REFUSED)],
        "finds no order that was there",
    ),
    "an acknowledged attempt is gone": (
        [call("show", 15, 16, shown("PAID", "a", "", {"R-1": "DONE"}))],
        "lacks attempt a",
    ),
    "an acknowledged refund is gone": (
        [call("show", 15, 16, shown("PAID", "a", "a"))],
        "lacks refund R-1",
    ),
    "a refund goes back": (
        [call("show", 15, 16, shown("PAID", "a", "a", {"R-1": "SENT"}))],
        "refund R-1 is SENT, after it was DONE",
    ),
    "it is paid twice": (
        [call("show", 15, 16, shown("PAID", "b", "ab", {"R-1": "DONE"}))],
        "paid by a, b",
    ),
    "it is paid and closed": (
        [call("show", 15, 16, shown("CLOSED", None, "a", {"R-1": "DONE"}))],
        "as PAID and as CLOSED",
    ),
    "a refund out of nothing": (
        [call("show", 15, 16, shown("PAID", "a", "a", {"R-1": "DONE", "R-2": "DUE"}))],
        "R-2, which nobody had asked for",
    ),
    "it is refunded before anybody asked": (
        [call("show", 6.1, 6.2, shown("PAID", "a", "a", {"R-1": "DUE"}))],
        "R-1, which nobody had asked for",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history_is_found(name):
    more, problem = BAD[name]
    assert any(problem in found for found in check_history([*GOOD, *more], LASTS))


@pytest.mark.parametrize(
    ("calls", "problem"),
    [
        ([PLACED, PAGE, call("show", 3, 3.5, shown("PAID", "a", "a"))], "before anybody had paid"),
        ([PLACED, call("show", 2, 3, shown("CLOSED"))], "before its time"),
        ([PLACED, call("show", 2, 3, shown("EXPIRING"))], "before its time"),
        (
            [
                PLACED,
                call("close", 2, 3, outcome=Outcome.REFUSED),
                call("show", 4, 5, shown("CLOSED")),
            ],
            "says CLOSED before its time",
        ),
        (
            [
                PLACED,
                call("close", 2, 3, outcome=Outcome.FAILED),
                call("show", 4, 5, shown("EXPIRING")),
            ],
            "says EXPIRING before its time",
        ),
        ([call("show", 2, 3, shown("NEW"))], "nobody had placed"),
        (
            [
                call("place", 0, 1, outcome=Outcome.FAILED),
                call("show", 2, 3, shown("NEW")),
            ],
            "nobody had placed",
        ),
        (
            [PLACED, call("close", 2, 3, Seen()), call("show", 4, 5, shown("NEW"))],
            "says NEW, after the order was further",
        ),
        (
            [
                PLACED,
                PAGE,
                PAYMENT,
                call("refund", 6, 7, outcome=Outcome.FAILED, about="R-1"),
                call("show", 8, 9, shown("PAID", "a", "a", {"R-1": "DUE"})),
            ],
            "R-1, which nobody had asked for",
        ),
    ],
    ids=[
        "paid by nobody",
        "too early",
        "given up too early",
        "closed although it was refused",
        "given up by a request that was not heard",
        "never placed",
        "failed yet done",
        "close undone",
        "refund",
    ],
)
def test_what_nobody_did_is_found(calls, problem):
    assert any(problem in found for found in check_history(calls, LASTS))
