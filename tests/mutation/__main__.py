"""
Mutation testing: spoil one line at a time, and see a test fail.

`make mutation` first writes down which test runs which line (some minutes,
again only for test files that have changed), then tries every mutant of the
modules where money is decided, and a sample of the others. It can be stopped
and started again at any time: what was tried stands in build/mutation.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from retender.tests.mutation import survivors
from retender.tests.mutation.hunt import Hunt, Met
from retender.tests.mutation.making import Fate, Key, Mutant, Session
from retender.tests.mutation.modules import MONEY, elsewhere, shuffled
from retender.tests.mutation.reach import REACH_FILE, ROOT, digest, read

FOLDER = ROOT / "build" / "mutation"

# Folders whose tests run our code in their own process, and in minutes.
TESTED = ("domain", "plugins", "simulators", "contracts", "adapters", "entrypoints")

# Of those that change what the code does, so many must be seen by a test.
LEAST_RATE = 0.95

# Where somebody looks on, the line that says how far it is is written over.
_CLEAR = "\r\033[K" if sys.stdout.isatty() else ""

EXAMPLES = """
examples:
  make mutation                                      everything; hours on one core
  make mutation ARGS="--minutes 30"                  go on for half an hour
  make mutation ARGS="--modules captured deadline"   modules of these names only
  make mutation ARGS="--again --modules deadline"    give survivors to the tests once more
  make mutation ARGS=--report                        what is known, without trying more
"""


def main() -> int:
    """Run from the command line; 0 if every survivor is explained and enough are killed."""
    asked = _arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    reach = asked.folder / "reach.jsonl"
    until = time.monotonic() + asked.minutes * 60
    if not asked.report:
        _write_down_reach(asked.tests, reach)
    known = read(reach)
    jobs = list(_jobs(asked))
    board = Board(len(jobs))
    if not asked.report:
        _load_what_is_not_ours()
        waiting = [job for job in jobs if _is_waiting(*job, again=asked.again)]
        _say(f"{len(jobs)} places, {len(waiting)} to try, {len(known)} tests known")
        left = Hunt(known, asked.folder, board.tell).run(
            waiting, at_once=asked.at_once, until=until
        )
        _say(f"\n{left} left to try" if left else "\nall tried")
    return _report(jobs, asked.folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "make mutation",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--modules", nargs="+", default=[], help="names that the path must contain")
    parser.add_argument(
        "--tests", nargs="+", default=[f"tests/{t}" for t in TESTED], help="folders or files"
    )
    parser.add_argument("--sample", type=int, default=400, help="mutants of other modules (400)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="stop after so many")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--most", type=int, help="mutants where money is decided (all)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what is kept between runs")
    parser.add_argument("--again", action="store_true", help="try survivors again")
    parser.add_argument("--report", action="store_true", help="say what is known, try nothing")
    return parser.parse_args()


def _write_down_reach(folders: list[str], reach: Path) -> None:
    """Play the test files that are not known as they are now."""
    known = {each.file for each in read(reach).values()}
    # Files without a test that passes here; what is new is played again.
    bare = reach.with_name("no-reach.txt")
    none = set(bare.read_text().split()) if bare.exists() else set()
    files = [str(path.relative_to(ROOT)) for folder in folders for path in _test_files(folder)]
    new = [file for file in files if file not in known and _version(file) not in none]
    if not new:
        return
    _say(f"Writing down what the tests of {len(new)} files run")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]
    command += ["-p", "retender.tests.mutation.reach", *new]
    subprocess.run(command, cwd=ROOT, env=os.environ | {REACH_FILE: str(reach)}, check=False)
    with bare.open("a") as file:
        file.writelines(f"{_version(name)}\n" for name in new)


def _test_files(folder: str) -> list[Path]:
    path = ROOT / folder
    return [path] if path.is_file() else sorted(path.rglob("test_*.py"))


def _version(file: str) -> str:
    return f"{file}:{digest(ROOT / file)}"


def _jobs(asked: argparse.Namespace) -> Iterator[tuple[Session, Mutant]]:
    """Yield every mutant where money is decided, then a sample of those elsewhere."""
    wanted = [m for m in MONEY if not asked.modules or any(name in m for name in asked.modules)]
    sessions = [Session(asked.folder / "sessions", module) for module in wanted]
    places = [(session, mutant) for session in sessions for mutant in session.mutants]
    yield from places if asked.most is None else shuffled(places, asked.seed)[: asked.most]
    others = [m for m in elsewhere() if not asked.modules or any(n in m for n in asked.modules)]
    sessions = [
        Session(asked.folder / "sessions", module) for module in (others if asked.sample else ())
    ]
    places = [(session, mutant) for session in sessions for mutant in session.mutants]
    # A place that turns out to be senseless is replaced by the next one.
    sample = (p for p in shuffled(places, asked.seed) if _makes_sense(*p))
    yield from islice(sample, asked.sample)


def _makes_sense(session: Session, mutant: Mutant) -> bool:
    fate = session.fates.get(mutant.job)
    if fate is None and mutant.spoil() is None:
        session.keep(mutant, Fate.SENSELESS)
        return False
    return fate is not Fate.SENSELESS


def _is_waiting(session: Session, mutant: Mutant, *, again: bool) -> bool:
    fate = session.fates.get(mutant.job)
    return fate is None or (again and fate is Fate.SURVIVED)


def _load_what_is_not_ours() -> None:
    """Import once what each child would import anew."""
    import alembic.command  # noqa: F401, PLC0415
    import dependency_injector.containers  # noqa: F401, PLC0415
    import httpx  # noqa: F401, PLC0415
    import hypothesis  # noqa: F401, PLC0415
    import sqlalchemy.ext.asyncio  # noqa: F401, PLC0415


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


class Board:
    """Tells how far the hunt is."""

    def __init__(self, total: int) -> None:
        self._fates: Counter[Fate] = Counter()
        self._total = total
        self._began = time.monotonic()

    def tell(self, met: Met) -> None:
        """Say what became of one; survivors stay on the screen."""
        self._fates[met.fate] += 1
        done = self._fates.total()
        if met.fate is Fate.SURVIVED:
            _say(f"{_CLEAR}survived  {met.key}")
        speed = done / max(time.monotonic() - self._began, 1e-9) * 60
        line = f"{done} tried, {self._fates[Fate.SURVIVED]} survived, {speed:.0f} a minute"
        if sys.stdout.isatty():
            _say(f"{_CLEAR}{line}", end="")
        elif done % 50 == 0:
            _say(line)


def _report(jobs: list[tuple[Session, Mutant]], folder: Path) -> int:
    """Print the table and the survivors that nobody has explained; return the exit code."""
    explained = survivors.read()
    table: dict[str, Counter[str]] = defaultdict(Counter)
    new: list[Key] = []
    for session, mutant in jobs:
        row = table[mutant.module if mutant.module in MONEY else "elsewhere, sampled"]
        fate = session.fates.get(mutant.job)
        row["waiting" if fate is None else fate.value] += 1
        if fate is Fate.SURVIVED and (spoilt := mutant.spoil()):
            known = explained.get(spoilt.key)
            row["equivalent"] += bool(known and known.equivalent)
            if not known:
                new.append(spoilt.key)
    head = ("killed", "survived", "equivalent", "waiting")
    _say(f"{'module':44}" + "".join(f"{name:>12}" for name in head) + f"{'rate':>8}")
    total: Counter[str] = Counter()
    for name, row in table.items():
        total += row
        _say(_row(name, row, head))
    _say(_row("all", total, head))
    if new:
        path = folder / "unexplained.toml"
        path.write_text(survivors.as_toml(new))
        _say(f"\n{len(new)} survivors that nobody has explained: {path}")
    return int(bool(new) or _rate(total) < LEAST_RATE)


def _rate(row: Counter[str]) -> float:
    tried = row["killed"] + row["survived"] - row["equivalent"]
    return row["killed"] / tried if tried else 1.0


def _row(name: str, row: Counter[str], head: tuple[str, ...]) -> str:
    return f"{name:44}" + "".join(f"{row[h]:12}" for h in head) + f"{_rate(row):8.1%}"


if __name__ == "__main__":
    sys.exit(main())
