"""What holds for every test: its markers, its place in the order, and skips that are failures."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

from retender.tests.selection.markers import group_of, markers_of

NO_SKIP = "NO_SKIP"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


_LONG = ("model", "simulation", "processes")
"""The longest first: where many play side by side, none is left alone with them in the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its markers, before ``-m`` looks at them."""
    for item in items:
        for name in markers_of(item):
            item.add_marker(name)


class SideBySide:
    """What holds in each process of pytest-xdist, after others have shuffled the tests."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep together what shares something costly, and begin with what takes long."""
        for item in items:
            if group := group_of(item):
                item.add_marker(pytest.mark.xdist_group(group))
        items.sort(key=lambda item: not any(map(item.get_closest_marker, _LONG)))


def pytest_configure(config: pytest.Config) -> None:
    """See whether this is such a process."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(SideBySide())


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
