"""Whatever happens, in whatever order: every reachable state, and where all of it comes to rest."""

import sys
from dataclasses import replace

import pytest

from retender.domain.model.refund import RefundCause
from retender.tests.model import handlers, places
from retender.tests.model.configurations import (
    ANNOUNCERS,
    CI,
    HUMAN_REFUNDS,
    HUMAN_SURPLUS,
    LARGE,
    LATE_PAYMENTS,
    ONE_EAGER,
    ONE_LAZY,
    SHOP_REFUNDS,
    SURPLUS_BY_HAND,
    WIDE,
)
from retender.tests.model.explorer import Bound, Explorer, Report
from retender.tests.model.other_kind import OTHER_HAND, TAKEN_TWICE_NAMED
from retender.tests.model.rules import NEVER, Rules
from retender.tests.model.world import Model


@pytest.mark.parametrize("rules", CI, ids=[rules.name for rules in CI])
def test_one_payment_is_kept_every_other_given_back_and_everything_ends(rules):
    report = Explorer(rules).run()
    sys.stdout.write(f"{report}\n")
    assert not report.broken, "\n".join(map(str, report.broken.values()))
    assert report.rests, "it does come to rest"
    assert not report.waiting


QUIET = Rules(name="two attempts", hands=1, losses=NEVER, deaths=NEVER)
SMALL = (
    replace(ONE_LAZY, hands=1),
    replace(ONE_EAGER, hands=1),
    QUIET,
    replace(SHOP_REFUNDS, tires=False, operator=False, deaths=NEVER),
    replace(HUMAN_REFUNDS, presses=1),
)


def cores(rules: Rules):
    """Return every core of a configuration that holds."""
    explorer = Explorer(rules)
    report = explorer.run()
    assert not report.broken, "\n".join(map(str, report.broken.values()))
    return explorer.cores()


def test_the_model_meets_what_it_is_about():
    """A model in which nothing bad can happen proves nothing."""
    met = cores(QUIET)
    books = {core.books for core in met}
    orders = {(core.ledger.order.state, len(core.ledger.attempts)) for core in met}
    assert any(sum(till.state == "paid" for till in book) == 2 for book in books)
    assert any(till.refunds for book in books for till in book)
    assert {("PAID", 2), ("CLOSED", 2), ("EXPIRING", 2), ("CLOSED", 0)} <= orders


def test_the_model_meets_refunds_of_every_kind():
    states = {
        (attempt.state, refund.state)
        for core in cores(SURPLUS_BY_HAND)
        for refund in core.ledger.refunds
        for attempt in core.ledger.attempts
        if attempt.attempt_id == refund.attempt_id
    }
    assert {("REFUND_STUCK", "STUCK"), ("REFUNDED", "DONE"), ("REFUNDING", "SENT")} <= states
    closed = [core for core in cores(LATE_PAYMENTS) if core.ledger.order.state == "CLOSED"]
    assert any(refund.state == "DONE" for core in closed for refund in core.ledger.refunds)
    shops = {
        tuple(refund.state for refund in core.ledger.refunds if refund.cause is RefundCause.SHOP)
        for core in cores(SMALL[-2])
    }
    assert {("STUCK", "DONE"), ("STUCK", "STUCK"), ("DONE",)} <= shops


def test_the_model_meets_refunds_that_another_hand_made_and_those_that_fail_late():
    met = cores(replace(OTHER_HAND, hands=1))
    states = {(refund.cause, refund.state) for core in met for refund in core.ledger.refunds}
    assert states >= {
        ("external", "DONE"),
        *(("shop", state) for state in ("DOUBTED", "DONE", "OVERTAKEN", "STUCK")),
    }


def test_the_model_meets_captures_under_one_number_in_either_order():
    met = cores(TAKEN_TWICE_NAMED)
    known = {
        (attempt.provider_trade_no, capture.provider_trade_no)
        for core in met
        for attempt in core.ledger.attempts
        for capture in core.ledger.captures
    }
    assert {(b, a) for a, b in known} == known
    states = {(refund.cause, refund.state) for core in met for refund in core.ledger.refunds}
    assert {("further", "DONE"), ("shop", "DONE")} <= states


def test_the_model_meets_the_second_of_three_payments():
    rules = next(rules for rules in CI if rules.name == "three, best effort, nothing fails")
    ends = {tuple(attempt.state for attempt in core.ledger.attempts) for core in cores(rules)}
    assert {("REFUNDED", "CLOSED", "SUCCEEDED"), ("SUCCEEDED", "CLOSED", "REFUNDED")} <= ends


def test_no_two_configurations_bear_one_name():
    """They are chosen by their names, and found by them in what is reported."""
    names = [rules.name for rules in (*CI, *WIDE, *LARGE)]
    assert len(set(names)) == len(names)


def test_the_model_meets_humans_who_are_called_and_what_they_say():
    """Each word changes what it should, and one that comes too late changes nothing."""
    met = cores(HUMAN_SURPLUS)
    codes = {waits.code for core in met for waits in core.ledger.waiting}
    assert codes == {"UNKNOWN_TOO_LONG", "REFUND_TOO_LONG", "REFUND_STUCK"}
    stuck = [
        (refund.state, waits.code)
        for core in met
        for refund in core.ledger.refunds
        for waits in core.ledger.waiting
        if waits.subject == refund.refund_no
    ]
    assert {("STUCK", "REFUND_STUCK"), ("SENT", "REFUND_TOO_LONG")} <= set(stuck)
    assert ("DUE", "REFUND_STUCK") in stuck, "sent again, though its call was not ended by that"
    assert any(core.untrue for core in met), "said before it was so"
    handed_over = [
        till for core in met for till in core.books if any("HR" in n for n, _ in till.refunds)
    ]
    assert handed_over


def test_the_model_meets_two_announcers_at_once():
    explorer = Explorer(ANNOUNCERS)
    explorer.run()
    assert any(crew.names == ("announce", "announce") for crew in explorer.crews)


# --- that the shortcuts hide nothing --------------------------------------------------------


@pytest.mark.parametrize("rules", SMALL, ids=lambda rules: rules.name)
def test_no_shortcut_hides_a_state_of_the_money(rules, monkeypatch):
    """What is done at once, or not told apart, must make no difference to anybody."""
    short = money(rules)
    take_every_step(monkeypatch)
    assert money(rules) == short


@pytest.mark.parametrize("rules", SMALL, ids=lambda rules: rules.name)
def test_the_order_in_which_states_are_found_makes_no_difference(rules, monkeypatch):
    """Places are told apart by all that matters, whoever came there first."""
    plain = Explorer(rules).run()
    forward = Explorer._moves
    monkeypatch.setattr(
        Explorer, "_moves", lambda self, state: reversed(list(forward(self, state)))
    )
    backward = Explorer(rules).run()
    assert (plain.states, plain.transitions, plain.depth, plain.rests) == (
        backward.states,
        backward.transitions,
        backward.depth,
        backward.rests,
    )


def take_every_step(monkeypatch) -> None:
    """Explore without any shortcut."""
    monkeypatch.setattr(handlers, "ONLY_SHOWS", frozenset())
    monkeypatch.setattr(handlers, "MAY_BE_DIARY", frozenset())
    monkeypatch.setattr(places, "STORY_ONLY", frozenset({"self", "work"}))
    monkeypatch.setattr(Model, "_is_stable", lambda *_: False)


def money(rules: Rules) -> set[object]:
    """Return every state of order, attempts, refunds and providers that can be reached."""
    return {
        (
            core.phase,
            core.books,
            core.ledger.order.state,
            tuple(attempt.state for attempt in core.ledger.attempts),
            tuple(refund.state for refund in core.ledger.refunds),
        )
        for core in cores(rules)
    }


# --- bounds ---------------------------------------------------------------------------------


def test_a_bound_stops_it_and_the_report_says_how_far_it_came():
    heard: list[Report] = []
    bound = Bound(states=20_000)
    progress = heard.append
    report = Explorer(ONE_EAGER, bound=bound, progress=progress).run()
    assert report.waiting > 0
    assert not report.rests
    assert "BOUND REACHED" in str(report)
    assert heard
