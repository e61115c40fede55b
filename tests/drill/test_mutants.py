"""A simulation that catches no mistake proves nothing: some are planted and must be caught."""

import pytest

from retender.tests.drill.mutants import ALL, hunt
from retender.tests.simulation.plan import make_plan
from retender.tests.simulation.seed import play
from retender.tests.simulation.shrink import shrink

QUICK = (
    "last writer wins",
    "surplus swallowed",
    "refund number",
    "told is noted first",
    "told without claim",
    "relative expiry",
)
BY_NAME = {mutant.name: mutant for mutant in ALL}


@pytest.mark.parametrize("name", QUICK)
def test_a_mistake_in_the_protocol_is_caught(name):
    """``make mutants`` plants all of them."""
    assert hunt(BY_NAME[name], most=20).problem


def test_a_failing_story_is_told_without_what_it_fails_without():
    with BY_NAME["surplus swallowed"].on():
        failed = next(
            outcome for seed in range(20) if (outcome := play(make_plan(seed, 4))).problems
        )
        short = shrink(failed, most=6)
    assert short.problems
    assert len(short.plan.orders) < len(failed.plan.orders)
