"""Whatever happens, in whatever order: every reachable state, and where all of it comes to rest."""

import sys
from dataclasses import replace

import pytest

from retender.tests.model import handlers
from retender.tests.model.configurations import CI, NEVER, ONE_EAGER, ONE_LAZY
from retender.tests.model.explorer import Explorer
from retender.tests.model.world import Model, Rules


@pytest.mark.parametrize("rules", CI, ids=lambda rules: rules.name)
def test_one_payment_is_kept_every_other_given_back_and_everything_ends(rules: Rules) -> None:
    report = Explorer(rules).run()
    sys.stdout.write(f"{report}\n")
    assert not report.broken, "\n".join(map(str, report.broken.values()))
    assert report.rests, "it does come to rest"


def test_the_same_configuration_has_the_same_states_every_time() -> None:
    rules = replace(ONE_LAZY, hands=1)
    one, other = Explorer(rules).run(), Explorer(rules).run()
    assert (one.states, one.transitions, one.depth) == (
        other.states,
        other.transitions,
        other.depth,
    )


def test_the_model_meets_what_it_is_about() -> None:
    """A model in which nothing bad can happen proves nothing."""
    explorer = Explorer(Rules(name="", hands=1, losses=NEVER, deaths=NEVER))
    explorer.run()
    books = {world.books for world in explorer.states}
    orders = {(world.ledger.order.state, len(world.ledger.attempts)) for world in explorer.states}
    assert any(sum(till.state == "paid" for till in book) == 2 for book in books)
    assert any(till.refunds for book in books for till in book)
    assert {("PAID", 2), ("CLOSED", 2), ("EXPIRING", 2), ("CLOSED", 0)} <= orders


SMALL = (
    replace(ONE_LAZY, hands=1),
    replace(ONE_EAGER, hands=1),
    Rules(name="two attempts", hands=1, losses=NEVER, deaths=NEVER),
)


@pytest.mark.parametrize("rules", SMALL, ids=lambda rules: rules.name)
def test_no_shortcut_hides_a_state_of_the_money(rules: Rules, monkeypatch) -> None:
    """What is done at once, or not told apart, must make no difference to anybody."""
    short = money(rules)
    monkeypatch.setattr(handlers, "ONLY_ANSWERS", frozenset())
    monkeypatch.setattr(handlers, "MAY_BE_DIARY", frozenset())
    monkeypatch.setattr(handlers, "STORY_ONLY", frozenset({"self", "work"}))
    monkeypatch.setattr(Model, "_is_stable", lambda *_: False)
    assert money(rules) == short


def money(rules: Rules) -> set[object]:
    """Return every state of order, attempts, refunds and providers that can be reached."""
    explorer = Explorer(rules)
    assert not explorer.run().broken
    return {
        (
            world.phase,
            world.books,
            world.ledger.order.state,
            tuple(attempt.state for attempt in world.ledger.attempts),
            tuple(refund.state for refund in world.ledger.refunds),
        )
        for world in explorer.states
    }
