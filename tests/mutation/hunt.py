"""
The hunt: every mutant is given to the tests that run its lines, until one of them fails.

Quick tests come first, so that most mutants cost a second. What survives those
meets the others, up to a bound, as some lines are run by thousands of tests.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from retender.tests.mutation.making import Fate, Key, Mutant, Session
from retender.tests.mutation.reach import ROOT, Reached, of_module
from retender.tests.mutation.trial import Trial, Verdict

log = logging.getLogger(__name__)

# The first tests of a mutant, and all that it meets, by the seconds that they took unspoilt.
FIRST_SECONDS = 1.0
ALL_SECONDS = 8.0
MOST_TESTS = 150

# Beyond these bounds every file of tests has a say with its quickest ones: those of races play
# on real servers and are slow, and see what no other does.
SAY_OF_A_FILE = 2
LONGEST_SECONDS = 5.0

# A test of a spoilt module may take so many times as long, and this to begin with.
PATIENCE = 4.0
HEAD_START = 20.0


def choose(known: Iterable[Reached], mutant: Mutant) -> tuple[list[str], list[str]]:
    """
    Return the tests that a mutant meets first, and those for what is left.

    Those of a file that bears the module's name come first, then those that run least else:
    a store's own tests know it better than a whole payment does.
    """
    name = Path(mutant.module).stem
    fit = [each for each in known if each.seconds < LONGEST_SECONDS]
    # What runs when its module is imported, such as a table's maker, no test runs by itself.
    its = of_module(fit, mutant.module, mutant.lines) or of_module(fit, mutant.module, ())
    its = its or _beside(fit, mutant.module)
    met = sorted(
        its,
        key=lambda each: (name not in Path(each.file).stem, each.breadth, each.seconds),
    )
    spent = list(accumulate(each.seconds for each in met))
    first = [each for each, s in zip(met, spent, strict=True) if s <= FIRST_SECONDS] or met[:1]
    said = Counter(each.file for each in first)
    rest = []
    for n, each in enumerate(met[len(first) :], len(first)):
        within = n < MOST_TESTS and spent[n] <= ALL_SECONDS
        if within or said[each.file] < SAY_OF_A_FILE:
            rest.append(each)
            said[each.file] += 1
    return [each.test for each in first], [each.test for each in rest]


def _beside(known: Iterable[Reached], module: str) -> list[Reached]:
    """
    Return the tests of a module's neighbours, and of the folder of tests that mirrors its own.

    A table without a function is made when it is imported, which is while tests are collected:
    none of them runs it.
    """
    room = Path(module).parent
    return [
        each
        for each in known
        if Path(each.file).parent == Path("tests", room)
        or any(Path(name).parent == room for name in each.lines)
    ]


@dataclass(frozen=True, slots=True)
class Met:
    """What a hunt has found out of one mutant; `by` is the test that failed, if one did."""

    key: Key | None
    fate: Fate
    by: str = ""


class Hunt:
    """Tries mutants, some at a time, and tells of each at once."""

    def __init__(self, known: dict[str, Reached], folder: Path, tell: Callable[[Met], None]):
        """Take which test runs what, a folder for what pytest prints, and who wants to know."""
        self._known = known
        self._folder = folder
        self._tell = tell
        self._sound: set[tuple[str, str]] = set()
        self._left_out: set[str] = set()
        self._logs = 0

    def run(self, mutants: Sequence[tuple[Session, Mutant]], *, at_once: int, until: float) -> int:
        """
        Try these mutants until a moment of the monotonic clock; return how many are left.

        What was under way then is forgotten, and tried anew the next time.
        """
        waiting = iter(mutants)
        active: list[Generator[None, None, None]] = []
        done = 0
        while time.monotonic() < until:
            while len(active) < at_once and (pair := next(waiting, None)):
                active.append(self._one(*pair))
            if not active:
                break
            still = [each for each in active if next(each, self) is None]
            done += len(active) - len(still)
            active = still
            time.sleep(0.01)
        for each in active:
            each.close()
        return len(mutants) - done

    def _one(self, session: Session, mutant: Mutant) -> Generator[None, None, None]:
        """Try one mutant; yields while its tests are at it."""
        spoilt = mutant.spoil()
        if spoilt is None:
            session.keep(mutant, Fate.SENSELESS)
            self._tell(Met(None, Fate.SENSELESS))
            return
        for tests in choose(self._known.values(), mutant):
            if not tests:
                continue
            verdict = yield from self._play(mutant.module, spoilt.source, tests)
            if verdict.passed:
                continue
            if not (yield from self._passes(mutant.module, verdict.killer or tests[0])):
                yield from self._one(session, mutant)  # again without that test
                return
            session.keep(mutant, Fate.KILLED, by=verdict.killer)
            self._tell(Met(spoilt.key, Fate.KILLED, verdict.killer))
            return
        session.keep(mutant, Fate.SURVIVED)
        self._tell(Met(spoilt.key, Fate.SURVIVED))

    def _passes(self, module: str, test: str) -> Generator[None, None, bool]:
        """Tell whether a test that failed passes on the module as it is; if not, leave it out."""
        if (module, test) in self._sound:
            return True
        verdict = yield from self._play(module, (ROOT / module).read_text(), [test])
        if verdict.passed:
            self._sound.add((module, test))
            return True
        if test not in self._left_out:
            if self._known.pop(test, None) is None:
                raise RuntimeError(f"It fails on our own code, and cannot be left out: {test}")
            self._left_out.add(test)
            log.warning("left out, as it fails on our own code: %s", test)
        return False

    def _play(self, module: str, source: str, tests: list[str]) -> Generator[None, None, Verdict]:
        self._logs += 1
        log = self._folder / f"{self._logs % 100}.log"
        took = sum(self._known[test].seconds for test in tests if test in self._known)
        trial = Trial.begin(module, source, tests, seconds=HEAD_START + PATIENCE * took, log=log)
        try:
            while (verdict := trial.verdict()) is None:
                yield
            return verdict
        finally:
            trial.end()
