"""A model that cannot fail is no evidence: each deliberate error must break what it should."""

import sys

import pytest

from retender.tests.drill.mutants import ELSEWHERE
from retender.tests.model.configurations import CI
from retender.tests.model.explorer import Explorer
from retender.tests.model.invariants import MEANING
from retender.tests.model.mutants import MUTANTS, Mutant, hunt
from retender.tests.model.test_model import take_every_step


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.name for m in MUTANTS])
def test_money_would_be_lost_or_kept_twice_if(mutant):
    report = hunt(mutant)
    assert mutant.breaks in report.broken, f"only {sorted(report.broken)}"
    sys.stdout.write(f"{report.broken[mutant.breaks]}\n")


def test_every_invariant_is_broken_by_some_mistake():
    assert {mutant.breaks for mutant in MUTANTS} == set(MEANING)


def test_what_the_simulation_leaves_to_the_model_is_found_here():
    left = {mutant.name for mutant, where in ELSEWHERE if "tests/model" in where}
    assert {mutant.simulated for mutant in MUTANTS} - {""} == left


BY_RULES = {
    mutant.rules.name: mutant.rules
    for mutant in MUTANTS
    if mutant.is_in_the_code and mutant.rules not in CI and mutant.rules.hands == 1
}


@pytest.mark.parametrize("rules", BY_RULES.values(), ids=BY_RULES)
def test_without_the_mistake_the_same_configuration_keeps_that_promise(rules):
    """Otherwise it would be the configuration that is found, not the mistake."""
    promises = {mutant.breaks for mutant in MUTANTS if mutant.rules == rules} - {"L1", "L2", "L3"}
    broken = Explorer(rules).run().broken
    assert not promises & set(broken)
    if rules.janitor:
        assert not broken


SMALL = [m for m in MUTANTS if m.is_in_the_code and m.rules.hands == 1 and m.rules.attempts == 1]


@pytest.mark.parametrize("mutant", SMALL, ids=lambda mutant: mutant.name)
def test_without_the_shortcuts_the_same_mistakes_are_found(mutant: Mutant, monkeypatch):
    take_every_step(monkeypatch)
    assert mutant.breaks in hunt(mutant).broken
