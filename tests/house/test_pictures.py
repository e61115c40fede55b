"""The pictures in the documents are true: the states by the table, the rooms by their imports."""

import re
from itertools import pairwise, product

import grimp
import pytest

from retender.entrypoints.cli.states import markdown
from retender.tests.house.tree import ROOT, pyproject

_LINK = re.compile(r"\s+(?:--(?:\s*\".*?\"\s*--)?>)\s+")


def rooms_in_layers() -> dict[str, int]:
    """Name the rooms with the height that the contract gives them; tests are no room."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    (layers,) = (c["layers"] for c in contracts if c["name"] == "arrows point inward")
    heights = {
        room.strip(): -depth for depth, layer in enumerate(layers) for room in layer.split("|")
    }
    assert heights.pop("tests") == 0
    return heights


def drawn() -> set[tuple[str, str]]:
    """Read the arrows of the picture."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"```mermaid\nflowchart TD\n(.*?)```", text, flags=re.DOTALL)
    return arrows_of(picture)


def arrows_of(picture: str) -> set[tuple[str, str]]:
    """Read the arrows of a Mermaid flowchart: ``a & b -- "why" --> c --> d``."""
    arrows: set[tuple[str, str]] = set()
    for line in filter(None, map(str.strip, picture.splitlines())):
        stops = [stop.split(" & ") for stop in _LINK.split(line)]
        assert len(stops) > 1, f"not an arrow: {line}"
        for sources, targets in pairwise(stops):
            arrows |= set(product(sources, targets))
    return arrows


@pytest.fixture(scope="module")
def imported() -> set[tuple[str, str]]:
    """Which rooms really import which."""
    graph = grimp.build_graph("retender", cache_dir=None)
    return {
        (importer, imported)
        for importer, imported in product(rooms_in_layers(), repeat=2)
        if importer != imported
        and graph.direct_import_exists(
            importer=f"retender.{importer}", imported=f"retender.{imported}", as_packages=True
        )
    }


def test_the_page_of_states_is_what_the_table_says() -> None:
    page = (ROOT / "docs/states.md").read_text(encoding="utf-8")
    assert page == markdown(), "write it again: retender states --format markdown > docs/states.md"


def test_every_arrow_points_inward_and_every_room_is_drawn() -> None:
    heights = rooms_in_layers()
    assert {room for arrow in drawn() for room in arrow} == set(heights)
    assert {arrow for arrow in drawn() if heights[arrow[0]] <= heights[arrow[1]]} == set()


def test_every_arrow_is_an_import_that_is_there(imported: set[tuple[str, str]]) -> None:
    assert drawn() - imported == set()


def test_every_import_between_rooms_follows_arrows(imported: set[tuple[str, str]]) -> None:
    """An arrow may skip the rooms on its way."""
    ways = drawn()
    while further := {(a, d) for (a, b), (c, d) in product(ways, repeat=2) if b == c} - ways:
        ways |= further
    assert imported - ways == set()


def test_a_picture_is_read_as_it_is_drawn() -> None:
    assert arrows_of('    a & b -- "why, c" --> c --> d\n') == {("a", "c"), ("b", "c"), ("c", "d")}
