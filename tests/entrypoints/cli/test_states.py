"""``retender states`` tells the whole table, in each of its forms."""

import json
import re

import pytest
from typer.testing import CliRunner

from retender.domain.model.transition import TABLE, AttemptState, OrderState, RefundState
from retender.entrypoints.cli.main import app

MACHINES = [OrderState, AttemptState, RefundState]
ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["states", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def machines_in(mermaid: str) -> list[str]:
    _, *diagrams = mermaid.split("stateDiagram-v2\n")
    return diagrams


@pytest.mark.parametrize("form", ["mermaid", "markdown"])
def test_every_change_of_the_table_is_an_arrow_in_its_machines_diagram_and_no_other(form):
    diagrams = machines_in(told("--format", form))
    assert len(diagrams) == len(MACHINES)
    for kind, diagram in zip(MACHINES, diagrams, strict=True):
        assert set(ARROW.findall(diagram)) == {
            (str(source), str(row.target), str(row.event))
            for row in TABLE
            if isinstance(row.target, kind)
            for source in row.sources
        }


def test_every_state_is_drawn_with_where_it_begins_and_ends():
    for kind, diagram in zip(MACHINES, machines_in(told()), strict=True):
        assert set(re.findall(r"\b[A-Z_]+\b", diagram)) == {*map(str, kind)}
        left = {source for source, _, _ in ARROW.findall(diagram)}
        assert {*re.findall(r"(\w+) --> \[\*\]", diagram)} == {*map(str, kind)} - left
        assert re.findall(r"\[\*\] --> (\w+)", diagram) == [str(next(iter(kind)))]


@pytest.mark.parametrize("form", ["markdown", "text"])
def test_what_must_be_known_is_said_of_every_row(form):
    plain = told("--format", form).replace("*", "")
    for row in TABLE:
        assert f"{row.event}: {row.because}" in plain


def test_mermaid_is_what_it_writes_unasked():
    assert told() == told("--format", "mermaid")


def test_programs_get_every_row():
    rows = json.loads(told("--json"))
    assert [(row["event"], row["to"]) for row in rows] == [(r.event, r.target) for r in TABLE]
    assert [row["from"] for row in rows] == [[*map(str, r.sources)] for r in TABLE]
