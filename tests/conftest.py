"""What holds for every test: where nothing may be skipped, a skip is a failure."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

NO_SKIP = "NO_SKIP"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _refuse_skip(report: Report) -> Report:
    """
    Turn a skip into a failure that repeats the reason, if ``NO_SKIP`` is set.

    An expected failure (``xfail``) is reported by pytest as a skip too, but it
    did run, so it stays what it is.
    """
    if os.environ.get(NO_SKIP) and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped although {NO_SKIP} is set: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at every test's outcome."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at every module's outcome, as a whole module can be skipped."""
    return _refuse_skip((yield))
