"""
A trial: a forked process imports the spoilt module in place of ours, and plays tests on it.

Nothing on the disk changes, so whoever works here meanwhile is not disturbed,
and trials run side by side. The parent has imported what is not ours, which a
child need not do again; it must not have imported the module itself.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from time import monotonic
from types import CodeType, ModuleType
from typing import NoReturn

import pytest

from retender.tests.mutation.reach import ROOT

# What a mutant may take before it counts as one that does not end.
MEMORY_BYTES = 4 << 30

_CHILD_FAILED = 70

# How pytest says that a conftest, and so the spoilt module, could not be imported.
_CONFTEST = "ImportError while loading conftest"


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a text as if it stood in the file, and keeps no bytecode of it."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.get_filename(fullname), "exec", dont_inherit=True)


class Instead(importlib.abc.MetaPathFinder):
    """Finds one module as it is written in a text."""

    def __init__(self, module: str, source: str) -> None:
        """Take the module's path from the root, and the text."""
        dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._name = f"retender.{dotted}"
        self._path = str(ROOT / module)
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for that one name alone."""
        del path, target
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._source)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)

    def install(self) -> None:
        """Come before every other finder."""
        if self._name in sys.modules:
            raise RuntimeError(f"{self._name} was imported already: the trial would prove nothing")
        sys.meta_path.insert(0, self)


class _Chosen:
    """Lets pytest play these tests, in this order, and no others; writes down which one failed."""

    def __init__(self, tests: Sequence[str], killer: Path) -> None:
        self._rank = {test: n for n, test in enumerate(tests)}
        self._killer = killer

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._rank]
        items[:] = sorted(chosen, key=lambda item: self._rank[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._killer.write_text(report.nodeid)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    How a trial ended.

    Attributes:
        passed: whether all tests did.
        killer: the test that failed; empty, if the module could not even be
            imported, or the time was over.

    """

    passed: bool
    killer: str = ""


@dataclass(slots=True)
class Trial:
    """
    One forked process.

    Attributes:
        pid: the process, which leads a group of its own.
        until: when it is ended, on the monotonic clock.
        log: what pytest prints.
        ended: whether it is over.

    """

    pid: int
    until: float
    log: Path
    ended: bool = False

    @classmethod
    def begin(
        cls, module: str, source: str, tests: Sequence[str], *, seconds: float, log: Path
    ) -> "Trial":
        """Play tests (pytest ids) on a module's text, for so many seconds at most."""
        _killer(log).unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            _play(module, source, tests, log)
        return cls(pid, monotonic() + seconds, log)

    def verdict(self) -> Verdict | None:
        """
        Say how it ended; None, while it goes on.

        Raises:
            RuntimeError: pytest could not begin, which says nothing of the mutant.

        """
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            if monotonic() < self.until:
                return None
            self.end()
            return Verdict(passed=False)
        self.ended = True
        self._clear_up()
        code = os.waitstatus_to_exitcode(status)
        said = self.log.read_text()
        if code == _CHILD_FAILED or (code == pytest.ExitCode.USAGE_ERROR and _CONFTEST not in said):
            raise RuntimeError(f"pytest could not begin:\n{said[-2000:]}")
        killer = _killer(self.log)
        # Tests that are made from a table's rows can be gone with the row: nothing has failed.
        passed = code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        return Verdict(passed, killer.read_text() if killer.exists() else "")

    def end(self) -> None:
        """End it, with all that it has started; a second time does nothing."""
        if self.ended:
            return
        self.ended = True
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._clear_up()

    def _clear_up(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _killer(log: Path) -> Path:
    return log.with_suffix(".killer")


def _play(module: str, source: str, tests: Sequence[str], log: Path) -> NoReturn:
    """Be the child."""
    code = _CHILD_FAILED
    try:
        os.setsid()
        os.chdir(ROOT)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for fd in (1, 2):
            os.dup2(out, fd)
        os.environ.pop("NO_SKIP", None)
        Instead(module, source).install()
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        options = ["-x", "-q", "--no-header", "-p", "no:randomly", "-p", "no:cacheprovider"]
        # The parent has imported some of what pytest would rewrite, and it warns of that.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        # What a mutant leaves behind, a socket, can make pytest itself raise at its end.
        code = pytest.ExitCode.INTERNAL_ERROR
        code = pytest.main([*options, *files], plugins=[_Chosen(tests, _killer(log))])
    except BaseException:  # noqa: BLE001 - a forked child must end here, whatever happens
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
