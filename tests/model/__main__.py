"""
``make model``: explore, and say how much there was.

Without arguments, the configurations of CI and then wider ones; with words, those
whose names contain them, and what is known not to hold, if its name does.
``mutants`` shows what each mistake breaks, and how few steps it takes. ``large``
climbs a ladder of three attempts, one kind of fault at a time and then everything at
once, as far as the bounds go; ``--minutes`` and ``--gigabytes`` set them for each.
"""

import argparse
import sys

from retender.tests.model.configurations import CI, LARGE, WIDE
from retender.tests.model.explorer import Bound
from retender.tests.model.parallel import explorations, hunts


def say(line: str) -> None:
    """Show a line at once: some of these runs take long."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show_mutants() -> int:
    """Plant every mistake, and count those that nobody notices."""
    missed = 0
    for mutant, report in hunts():
        shortest = report.broken.get(mutant.breaks)
        found = "NOT FOUND" if shortest is None else f"{len(shortest.steps)} steps"
        missed += shortest is None
        alone = f"  only here: {mutant.simulated}" if mutant.simulated else ""
        line = f"{mutant.name:50} {mutant.breaks:3} {found:>10} {report.states:>8,} states"
        say(f"{line} {report.seconds:5.1f} s{alone}")
    return missed


def main(arguments: list[str]) -> int:
    """Explore what is asked for; 1 if anything is broken that should hold."""
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("words", nargs="*", help="mutants, large, or parts of names")
    parser.add_argument("--minutes", type=float, default=10**6, help="stop each after so long")
    parser.add_argument("--gigabytes", type=float, default=4, help="stop each at so much memory")
    parser.add_argument("--workers", type=int, help="how many at once; default: one a core")
    asked = parser.parse_args(arguments)
    if asked.words == ["mutants"]:
        return bool(show_mutants())
    large = asked.words[:1] == ["large"]
    words = asked.words[large:]
    rules = [
        one
        for one in (LARGE if large else (*CI, *WIDE))
        if not words or any(word in one.name for word in words)
    ]
    bound = Bound(megabytes=int(asked.gigabytes * 1000), seconds=asked.minutes * 60)
    bad = 0
    for report in explorations(rules, bound, every=30, workers=asked.workers):
        bad += bool(report.broken)
        say("\n".join(map(str, (report, *report.broken.values()))))
    if not rules:
        say("no configuration has such a name")
    return bool(bad or not rules)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
