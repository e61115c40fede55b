"""Where nothing may be skipped, a skip is a failure; elsewhere it is a skip."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SKIPPING = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="the browser is out")
    def test_is_skipped_by_a_mark():
        pass

    def test_skips_itself():
        pytest.skip("the moon is full")

    @pytest.mark.xfail(strict=True)
    def test_is_known_to_fail():
        raise AssertionError
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A small suite with our own conftest, some of it skipping."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(
        test_some=SKIPPING,
        test_none='import pytest\npytest.skip("no such system", allow_module_level=True)',
    )
    return pytester


def test_a_skip_is_a_skip_on_a_desk(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SKIP", raising=False)
    suite.runpytest("-p", "no:asyncio").assert_outcomes(passed=1, skipped=3, xfailed=1)


def test_a_skip_is_a_failure_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_SKIP", "1")
    result = suite.runpytest("-p", "no:asyncio", "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, failed=1, errors=2, xfailed=1)
    result.stdout.fnmatch_lines(["*Skipped although NO_SKIP is set*moon is full*"])
