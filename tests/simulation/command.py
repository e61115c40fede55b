"""``make simulate`` and ``make mutants``: seeds and mutants for people to look at."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from time import process_time

from retender.tests.simulation.mutants import FOR_THE_MODEL, MUTANTS, hunt
from retender.tests.simulation.plan import ORDERS, make_plan
from retender.tests.simulation.seed import Outcome, play
from retender.tests.simulation.shrink import shrink
from retender.tests.simulation.timeline import report

_SHRINKING = 60
"""How many plays the search for a shorter story may take."""


def main(arguments: list[str]) -> int:
    """Do what was asked; 1 if something was not as promised."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    simulate = verbs.add_parser("simulate", help="play one seed, or as many as hold so many orders")
    simulate.add_argument("--seed", type=int, help="play this one, and show its timeline")
    simulate.add_argument("--orders", type=int, default=100, help="at least so many orders")
    simulate.add_argument("--first", type=int, default=0, help="the first of many seeds")
    mutants = verbs.add_parser("mutants", help="see every planted mistake caught")
    mutants.add_argument("--most", type=int, default=200, help="give up on one after so many seeds")
    given = parser.parse_args(arguments)
    if given.verb == "mutants":
        return _hunt_all(given.most)
    return _one(given.seed) if given.seed is not None else _many(given.first, given.orders)


def _one(seed: int) -> int:
    outcome = play(make_plan(seed))
    _say(report(outcome))
    _say(
        f"{'NOT as promised' if outcome.problems else 'all is as promised'}: {_counted([outcome])}"
    )
    if not outcome.problems:
        return 0
    shorter = shrink(outcome, most=_SHRINKING)
    _say(f"\nThe shortest story found, in {len(shorter.plan.orders)} orders:\n{report(shorter)}")
    return 1


def _many(first: int, orders: int) -> int:
    began, done, failed = process_time(), [], []
    for seed in count(first):
        outcome = play(make_plan(seed))
        done.append(outcome)
        if outcome.problems:
            failed.append(seed)
            _say(report(outcome))
        if len(done) * ORDERS >= orders:
            break
    pace = len(done) * ORDERS / (process_time() - began) * 60
    _say(f"{len(done)} seeds, {len(done) * ORDERS} orders, {pace:.0f} orders a minute and core")
    _say(_counted(done))
    for line in _exposures(done):
        _say(line)
    _say(f"failed: {failed or 'none'}")
    return 1 if failed else 0


def _counted(outcomes: list[Outcome]) -> str:
    counts: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        for name, number in outcome.counts.items():
            counts[name] += number
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))


def _exposures(outcomes: list[Outcome]) -> Iterator[str]:
    """Say for how long payers could have paid twice, by policy."""
    policies = sorted({outcome.plan.policy for outcome in outcomes})
    for policy in policies:
        mine = [outcome for outcome in outcomes if outcome.plan.policy is policy]
        seconds = sum(sum(outcome.exposure.values()) for outcome in mine)
        switched = sum(outcome.switched for outcome in mine)
        each = seconds / switched if switched else 0.0
        yield f"exposure_seconds under {policy}: {each:.0f} an order with two pages ({switched})"


def _hunt_all(most: int) -> int:
    missed = 0
    _say(f"{'mutant':<22} {'seeds':>5} {'seconds':>8}  caught by")
    for mutant in MUTANTS:
        catch = hunt(mutant, most=most)
        missed += catch.problem is None
        what = catch.problem or "MISSED"
        _say(f"{mutant.name:<22} {catch.seeds:>5} {catch.seconds:>8.1f}  {what[:100]}")
    for mutant in FOR_THE_MODEL:
        _say(f"{mutant.name:<22} {'-':>5} {'-':>8}  left to an exhaustive model: {mutant.mistake}")
    return 1 if missed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
