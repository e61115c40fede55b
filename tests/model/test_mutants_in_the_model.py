"""A model that cannot fail is no evidence: each deliberate error must break what it should."""

import sys

import pytest

from retender.tests.model.mutants import MUTANTS, Mutant, hunt


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_money_would_be_lost_or_kept_twice_if(mutant: Mutant) -> None:
    report = hunt(mutant)
    assert mutant.breaks in report.broken, f"only {sorted(report.broken)}"
    sys.stdout.write(f"{report.broken[mutant.breaks]}\n")
