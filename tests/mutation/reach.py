"""
Reach: which test runs which lines, written down once and looked up for every mutant.

It is a pytest plugin (`-p retender.tests.mutation.reach`) and a file: one line
of JSON a test. A test file that has changed since is played again; a module
that has changed is known as a whole only, until its tests are played again.
"""

import hashlib
import json
import os
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

import pytest
from coverage import Coverage

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "ports", "adapters", "plugin", "plugins", "simulators", "entrypoints")

# Where the plugin writes. It is set for the process that plays the tests, and for no other.
REACH_FILE = "RETENDER_REACH_FILE"


def digest(path: Path) -> str:
    """Return what tells whether a file is still what it was."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Reached:
    """
    What one test runs.

    Attributes:
        test: its pytest id, from the project's root.
        seconds: how long it takes, set-up included.
        lines: for each module (a path from the root), the lines that ran.

    """

    test: str
    seconds: float
    lines: dict[str, frozenset[int]]

    @property
    def breadth(self) -> int:
        """How many lines it runs, of all modules; the fewer, the more it is about each of them."""
        return sum(len(ran) for ran in self.lines.values())

    @property
    def file(self) -> str:
        """The file that the test stands in."""
        return self.test.partition("::")[0]

    def to_json(self, digests: dict[str, str]) -> str:
        """Write it on one line; lines are the bits of a number, as most run together."""
        lines = {name: f"{sum(1 << n for n in ran):x}" for name, ran in self.lines.items()}
        return json.dumps(
            {
                "test": self.test,
                "seconds": round(self.seconds, 4),
                "digest": digests[self.file],
                "lines": lines,
            }
        )

    @classmethod
    def from_json(cls, record: dict[str, object]) -> Self:
        """Read what `to_json` has written."""
        bits = {str(k): int(str(v), 16) for k, v in dict(record["lines"]).items()}  # type: ignore[call-overload]
        return cls(
            str(record["test"]),
            float(str(record["seconds"])),
            {name: frozenset(_set_bits(number)) for name, number in bits.items()},
        )


def _set_bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def read(path: Path) -> dict[str, Reached]:
    """Read what is known and still true of the tests as they are now."""
    now: dict[str, str] = {}
    known: dict[str, Reached] = {}
    if not path.exists():
        return known
    for line in path.read_text().splitlines():
        if not line.endswith("}}"):
            continue  # whoever wrote was ended in the middle
        record = json.loads(line)
        file = record["test"].partition("::")[0]
        if file not in now:
            now[file] = digest(ROOT / file) if (ROOT / file).exists() else "gone"
        if record["digest"] == now[file]:
            known[record["test"]] = Reached.from_json(record)
    return known


class Recorder:
    """Watches every test that passes, and writes down what it ran."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[str, str] = {}
        self._coverage = Coverage(
            data_file=None,
            config_file=False,
            source=[str(ROOT / room) for room in ROOMS],
            concurrency=["thread", "greenlet"],
            messages=False,
        )
        # A test that runs nothing of ours is no trouble here.
        self._coverage.set_option("run:disable_warnings", ["no-data-collected"])
        self._failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Trace one test, from its set-up to its clearing up."""
        began = perf_counter()
        self._coverage.erase()
        self._coverage.start()
        try:
            return (yield)
        finally:
            self._coverage.stop()
            if item.nodeid not in self._failed:
                self._write(item.nodeid, perf_counter() - began)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what did not pass: it would kill every mutant."""
        if not report.passed:
            self._failed.add(report.nodeid)

    def _write(self, test: str, seconds: float) -> None:
        data = self._coverage.get_data()
        lines = {
            str(Path(name).relative_to(ROOT)): frozenset(data.lines(name) or ())
            for name in data.measured_files()
        }
        reached = Reached(test, seconds, {name: ran for name, ran in lines.items() if ran})
        if reached.file not in self._digests:
            self._digests[reached.file] = digest(ROOT / reached.file)
        with self._path.open("a") as file:
            file.write(reached.to_json(self._digests) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Switch the recorder on where a file is named."""
    if path := os.environ.get(REACH_FILE):
        config.pluginmanager.register(Recorder(Path(path)), "reach-recorder")


def of_module(known: Iterable[Reached], module: str, lines: Collection[int]) -> list[Reached]:
    """Return the tests that run one of these lines of a module; any line, if none is named."""
    return [
        each
        for each in known
        if (ran := each.lines.get(module)) and (not lines or not ran.isdisjoint(lines))
    ]
