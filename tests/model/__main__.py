"""
``make model``: explore, and say how much there was.

Without arguments, the configurations of CI and then the large ones; with words,
the ones whose names contain them; ``mutants`` shows what each mutant breaks.
"""

import sys

from retender.tests.model.configurations import CI, LARGE
from retender.tests.model.explorer import Explorer
from retender.tests.model.mutants import MUTANTS, hunt


def say(line: str) -> None:
    """Show a line at once: some of these runs take long."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: list[str]) -> int:
    """Explore what is asked for; 1 if anything is broken that should hold."""
    bad = 0
    if words == ["mutants"]:
        for mutant in MUTANTS:
            report = hunt(mutant)
            shortest = report.broken.get(mutant.breaks)
            found = "not found" if shortest is None else f"{len(shortest.steps)} steps"
            bad += shortest is None
            line = f"{mutant.name:52} {mutant.breaks:3} {found:>10} {report.states:>8,} states"
            say(f"{line} {report.seconds:5.1f} s")
        return bool(bad)
    for rules in (*CI, *LARGE):
        if not words or any(word in rules.name for word in words):
            report = Explorer(rules).run()
            bad += bool(report.broken)
            say("\n".join(map(str, (report, *report.broken.values()))))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
