"""A change is met by the tests that lean on it, however they come to it."""

import os
import subprocess
import sys

import pytest

from retender.tests.house.tree import ROOT
from retender.tests.selection.changed import Reach, path_of
from retender.tests.selection.minute import Minute


@pytest.fixture(scope="module")
def reach() -> Reach:
    return Reach()


@pytest.mark.parametrize(
    ("changed", "met"),
    [
        ("domain/model/money.py", "tests/domain/model/test_money.py"),
        # By the container, and by names in pyproject.toml.
        ("adapters/sql/orders.py", "tests/entrypoints/http/test_paying.py"),
        ("plugins/sandbox/codes.py", "tests/entrypoints/test_container.py"),
        ("simulators/sandbox/pages.py", "tests/simulators/kit/test_installed.py"),
        ("entrypoints/cli/explain.py", "tests/entrypoints/cli/test_help.py"),
        ("tests/simulation/plan.py", "tests/entrypoints/cli/test_drill.py"),
        # By what pytest loads.
        ("tests/domain/conftest.py", "tests/domain/use_cases/test_refunds.py"),
        ("tests/conftest.py", "tests/plugins/test_host.py"),
        # What is no Python.
        ("tests/plugins/wechat_pay/vectors.json", "tests/plugins/wechat_pay/test_signing.py"),
        ("entrypoints/views/page.html", "tests/entrypoints/http/test_paying.py"),
        ("README.md", "tests/house/test_readme.py"),
        (".pre-commit-config.yaml", "tests/house/test_style.py"),
        ("pyproject.toml", "tests/domain/model/test_money.py"),
    ],
)
def test_what_leans_on_a_file_is_found(reach, changed, met):
    assert met in reach.broken_by([changed])


@pytest.mark.parametrize(
    ("changed", "let_be"),
    [
        ("plugins/alipay/bills.py", "tests/plugins/wechat_pay/test_signing.py"),
        ("tests/domain/model/test_money.py", "tests/domain/model/test_lease.py"),
        ("README.md", "tests/domain/model/test_money.py"),
    ],
)
def test_what_does_not_is_let_be(reach, changed, let_be):
    assert let_be not in reach.broken_by([changed])


def test_the_nearest_comes_first(reach):
    files = reach.broken_by(["domain/model/money.py", "tests/plugins/test_port.py"])
    assert files[0] == "tests/plugins/test_port.py"
    assert files.index("tests/domain/model/test_money.py") < files.index(
        "tests/entrypoints/http/test_paying.py"
    )


def test_no_change_asks_for_no_test(reach):
    assert reach.broken_by([]) == []


def test_a_changed_test_is_met_by_itself(reach):
    """One that leans on nothing of ours, too."""
    tests = [path_of(test) for test in reach.tests]
    assert set(tests) <= set(reach.broken_by(tests))


def test_after_the_time_tests_are_left_out_aloud(request):
    minute = Minute(60)
    minute.pytest_runtest_setup(request.node)
    minute.until = 0
    with pytest.raises(pytest.skip.Exception, match="make test plays the rest"):
        minute.pytest_runtest_setup(request.node)


def test_it_plays_what_it_chose_and_says_what_it_left_out():
    only = ["--changed", "plugins/text_limit.py", "-k", "text_limit"]
    done = subprocess.run(
        [sys.executable, "-m", "retender.tests.selection", "--seconds", "0", *only],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "build/tree"), "NO_SKIP": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Changed files: 1; ")
    assert "the time of make quick is over" in done.stdout
    assert "skipped" in done.stdout.splitlines()[-1]
