"""The pictures are true: drawn from the code, the same as in docs, and nothing is missing."""

import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from retender.domain.model.transition import TABLE, State, edges
from retender.entrypoints.cli.main import app
from retender.entrypoints.cli.picture.arrows import ROOMS, arrow_picture
from retender.entrypoints.cli.picture.canvas import Box
from retender.entrypoints.cli.picture.states import HEIGHT, MACHINES, WIDTH, state_picture

ROOT = next(path for path in Path(__file__).parents if (path / "pyproject.toml").is_file())
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> ET.Element:
    return ET.fromstring(state_picture())  # noqa: S314 -- our own text


def machine_of(state: State) -> str:
    return type(state).__name__


def shown(drawn: ET.Element) -> list[dict[str, str]]:
    return [
        {name.removeprefix("data-"): value for name, value in group.attrib.items()}
        for group in drawn.iter(f"{SVG}g")
        if "data-event" in group.attrib
    ]


@pytest.mark.parametrize(
    ("name", "draw"), [("states.svg", state_picture), ("arrows.svg", arrow_picture)]
)
def test_the_picture_in_the_documents_is_the_one_that_the_code_draws(name, draw):
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert kept == draw(), "draw it again: make states"


def test_every_edge_of_the_table_is_drawn_and_no_other(drawn):
    pictured = {
        (arrow["machine"], source, arrow["event"], arrow["to"])
        for arrow in shown(drawn)
        for source in arrow["from"].split()
    }
    assert pictured == {
        (machine_of(source), str(source), str(event), str(target))
        for source, event, target in edges()
    }


def test_every_arrow_begins_at_all_its_sources_and_ends_at_its_target(drawn):
    """A frame around states stands for each of them, so it must hold exactly those."""
    for group in drawn.iter(f"{SVG}g"):
        if "data-event" not in group.attrib:
            continue
        machine = next(
            m for kind, m in MACHINES.items() if kind.__name__ == group.get("data-machine")
        )
        path = group.find(f"{SVG}path")
        head = group.find(f"{SVG}polygon")
        assert path is not None
        assert head is not None
        start = tuple(map(float, path.attrib["d"][1:].split("L")[0].split()))
        end = tuple(map(float, head.attrib["points"].split()[0].split(",")))
        names = group.attrib["data-from"].split()
        boxes = {str(state): box for state, box in machine.boxes.items()}
        frames = [frame.box for frame in machine.frames if {*map(str, frame.states)} == {*names}]
        origin = frames[0] if frames else boxes[names[0]]
        held = {name for name, box in boxes.items() if origin.holds(box)}
        assert on_border(origin, start), group.attrib
        assert held == set(names), group.attrib
        assert on_border(boxes[group.attrib["data-to"]], end), group.attrib


def on_border(box: Box, point: tuple[float, ...]) -> bool:
    x, y = point
    across = box.x <= x <= box.x + box.width
    down = box.y <= y <= box.y + box.height
    at_side = x in {box.x, box.x + box.width}
    at_end = y in {box.y, box.y + box.height}
    return across and down and (at_side or at_end)


def test_every_row_has_its_words_in_the_picture(drawn):
    words = " ".join(" ".join(group.itertext()) for group in drawn.iter(f"{SVG}g"))
    for row in TABLE:
        assert str(row.event) in words
        assert row.because in words


def test_every_state_has_a_box_inside_the_picture_that_no_other_covers():
    for kind, machine in MACHINES.items():
        assert set(map(str, machine.boxes)) == set(map(str, kind)), kind
    boxes = [box for machine in MACHINES.values() for box in machine.boxes.values()]
    assert len(boxes) == sum(map(len, MACHINES))
    card = Box("", 0, 0, WIDTH, HEIGHT)
    for index, box in enumerate(boxes):
        assert card.holds(box)
        assert not any(overlap(box, other) for other in boxes[index + 1 :])


def overlap(one: Box, other: Box) -> bool:
    apart = one.x + one.width <= other.x or other.x + other.width <= one.x
    above = one.y + one.height <= other.y or other.y + other.height <= one.y
    return not (apart or above)


def test_the_picture_is_for_light_and_dark():
    assert "prefers-color-scheme:dark" in state_picture()


def test_the_arrows_are_those_of_the_import_contract():
    """A picture that shows an arrow which the contract forbids would mislead."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    (layers,) = [c["layers"] for c in contracts if c["type"] == "layers"]
    height = {
        room.strip().removeprefix("retender."): index
        for index, layer in enumerate(layers)
        for room in layer.split("|")
    }
    assert set(ROOMS) == set(height)
    drawn = ET.fromstring(arrow_picture())  # noqa: S314 -- our own text
    arrows = [group for group in drawn.iter(f"{SVG}g") if "data-from" in group.attrib]
    touched = set()
    for arrow in arrows:
        sources, targets = arrow.attrib["data-from"].split(), arrow.attrib["data-to"].split()
        touched |= {*sources, *targets}
        assert max(height[s] for s in sources) < min(height[t] for t in targets), arrow.attrib
    assert touched == set(ROOMS)


def test_the_table_can_be_read_without_a_picture():
    runner = CliRunner()
    text = runner.invoke(app, ["states", "--format", "text"])
    mermaid = runner.invoke(app, ["states", "--format", "mermaid"])
    rows = runner.invoke(app, ["states", "--json"])
    assert (text.exit_code, mermaid.exit_code, rows.exit_code) == (0, 0, 0)
    assert len(json.loads(rows.stdout)) == len(TABLE)
    for row in TABLE:
        assert f"{row.event}: {row.because}" in text.stdout
        for source in row.sources:
            assert f"{source} --> {row.target}: {row.event}" in mermaid.stdout
    assert mermaid.stdout.count("stateDiagram-v2") == len(MACHINES)


def test_the_command_writes_what_the_documents_keep():
    assert CliRunner().invoke(app, ["states"]).stdout == state_picture()
    assert CliRunner().invoke(app, ["states", "--rooms"]).stdout == arrow_picture()
