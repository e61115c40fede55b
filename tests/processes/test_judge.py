"""The judge sees what would be wrong, and lets good books pass."""

from types import SimpleNamespace

import pytest

from retender.tests.processes.judge import Ours, compare

TOLD = {("A-1", "e-1"): 1}


def rows(**facts):
    """One paid order: its payment was taken, and a surplus was given back."""
    order = SimpleNamespace(order_no="A-1", state="PAID", winner="a", amount_minor=100)
    won = attempt("a", "SUCCEEDED")
    back = attempt("b", "REFUNDED")
    refund = SimpleNamespace(
        refund_no="Rb",
        number="Rb",
        attempt_id="b",
        amount_minor=100,
        cause="duplicate",
        state="DONE",
        problem=None,
    )
    event = SimpleNamespace(kind="order.paid", event_id="e-1", sent_at=1)
    found = {"row": order, "attempts": [won, back], "refunds": [refund], "events": [event]}
    return Ours(**{**found, **facts})


def attempt(name, state):
    return SimpleNamespace(
        attempt_id=name, number=name, account="alipay", state=state, amount_minor=100
    )


def book(captured, **refunds):
    return {"captured_minor": captured, "refunded_minor": sum(refunds.values()), "refunds": refunds}


def books(a=None, b=None, **more):
    found = {"a": a or book(100), "b": b or book(100, Rb=100), **more}
    return {("alipay", number): line for number, line in found.items()}


def test_good_books_pass():
    summary = compare([rows()], books(), TOLD)
    assert summary.problems == []
    assert summary.counts["captured payments"] == 2
    assert summary.counts["surpluses given back"] == 1


@pytest.mark.parametrize(
    ("theirs", "problem"),
    [
        (books(b=book(100)), "DOUBLED: kept is 200"),
        (books(b=book(100)), "Rb is DONE, and no book knows"),
        (books(a=book(100, Ra=100)), "LOST: kept is 0"),
        (books(a=book(100, Ra=100)), "refund Ra of 100 was made"),
        (books(b=book(100, Rb=100, Rc=50)), "refund Rc of 50 was made"),
        (books(b=book(200, Rb=100)), "took 200 under b, asked for was 100"),
        (books(a=book(0)), "took nothing under a"),
        (books(c=book(100)), "LOST: alipay took money under c, unknown to us"),
    ],
)
def test_books_that_do_not_fit_are_found(theirs, problem):
    assert any(problem in found for found in compare([rows()], theirs, TOLD).problems)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"attempts": [attempt("a", "SUCCEEDED"), attempt("b", "CLOSED")]}, "ours is CLOSED"),
        ({"attempts": [attempt("a", "SUCCEEDED"), attempt("b", "SUCCEEDED")]}, "succeeded have"),
        ({"attempts": [attempt("a", "SUCCEEDED"), attempt("b", "CLOSING")]}, "still CLOSING"),
        ({"refunds": []}, "refund Rb of 100 was made"),
        ({"events": []}, "with 0 events"),
        ({"events": rows().events * 2}, "with 2 events"),
        (
            {"events": [SimpleNamespace(kind="order.paid", event_id="e-2", sent_at=1)]},
            "e-2 was never announced",
        ),
        (
            {"events": [SimpleNamespace(kind="order.paid", event_id="e-1", sent_at=None)]},
            "e-1 is noted as not told",
        ),
    ],
)
def test_rows_that_do_not_fit_are_found(facts, problem):
    assert any(problem in found for found in compare([rows(**facts)], books(), TOLD).problems)


@pytest.mark.parametrize("state", ["NEW", "EXPIRING", "CLOSED"])
def test_a_payment_of_an_order_that_is_not_paid_is_found(state):
    order = SimpleNamespace(order_no="A-1", state=state, winner=None, amount_minor=100)
    problems = compare([rows(row=order)], books(), TOLD).problems
    assert any("DOUBLED: kept is 100, and it should be 0" in found for found in problems)


def test_a_kept_payment_that_went_back_by_itself_is_found():
    refund = rows().refunds[0]
    refund.attempt_id = "a"
    problems = compare([rows(refunds=[refund])], books(), TOLD).problems
    assert any("the kept payment was given back by Rb" in found for found in problems)
