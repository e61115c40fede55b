"""Tests are marked by what they use; pyproject.toml says the same names to people."""

import pytest

from retender.tests.house.tree import pyproject
from retender.tests.selection.markers import MARKERS

CONFTEST = """
    from retender.tests.selection.markers import group_of, markers_of

    def pytest_collection_modifyitems(items):
        for item in items:
            marks = " ".join(markers_of(item)) or "none"
            print(f"\\n{item.name}: {marks} ({group_of(item)})")
"""

SUITE = """
    import subprocess
    import pytest
    from retender.tests.simulation.plan import make_plan

    async def a_database(): ...

    def start():
        subprocess.run(["x"])

    @pytest.fixture
    def running():
        start()

    @pytest.fixture
    def made(running): ...

    def test_plain(): ...
    def test_starts(): start()
    def test_asks_for_what_starts(made): ...
    async def test_speaks_of_a_server(): await a_database()

    @pytest.mark.parametrize("url", ["sqlite_url", "mariadb_url"])
    def test_any(url): ...
"""

DEAR = """
    import pytest

    @pytest.fixture(scope="module")
    def dear(): ...

    def test_a(dear): ...
    def test_b(): ...
"""


@pytest.fixture
def marked(pytester: pytest.Pytester) -> dict[str, str]:
    """A small suite's tests, with the markers that they get."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_some=SUITE)
    said = pytester.runpytest("--collect-only", "-s", "-q", "-p", "no:asyncio").outlines
    return dict(line.rsplit(" (", 1)[0].split(": ", 1) for line in said if " (" in line)


def test_a_test_is_marked_by_what_it_uses(marked):
    assert marked == {
        "test_plain": "simulation",
        "test_starts": "processes simulation",
        "test_asks_for_what_starts": "processes simulation",
        "test_speaks_of_a_server": "servers simulation",
        "test_any[sqlite_url]": "simulation",
        "test_any[mariadb_url]": "servers simulation",
    }


def test_every_marker_is_told_to_people():
    told = pyproject()["tool"]["pytest"]["ini_options"]["markers"]
    assert [line.partition(":")[0] for line in told] == list(MARKERS)


def test_what_is_made_once_for_a_file_is_made_in_one_process(pytester: pytest.Pytester):
    pytester.makeconftest(CONFTEST)
    folder = pytester.mkdir("tests")
    text = (
        "import pytest\n@pytest.fixture(scope='module')\ndef dear(): ...\ndef test_a(dear): ...\n"
    )
    (folder / "test_dear.py").write_text(f"{text}def test_b(): ...\n", encoding="utf-8")
    said = pytester.runpytest("--collect-only", "-s", "-q", "-p", "no:asyncio").stdout.str()
    assert "test_a: none (tests/test_dear.py)" in said
    assert "test_b: none (None)" in said
