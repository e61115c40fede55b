"""``retender states``: the states and transitions, told from the one table."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from retender.domain.model.transition import TABLE, Transition, edges
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_json

app = new_app()

_PAGE = """\
# States and transitions

`retender states --format markdown` writes this page from the table in `domain/model/transition.py`,
and a test compares the two. A change that is not here does not exist: it raises.
"""


class Format(StrEnum):
    """In which form the table is told."""

    MERMAID = "mermaid"
    MARKDOWN = "markdown"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Machine:
    """The rows of one machine."""

    name: str
    rows: tuple[Transition, ...]


@app.command(
    epilog=examples(
        "retender states",
        "retender states --format text",
        "retender states --format markdown > docs/states.md",
    )
)
def states(
    *,
    form: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.MERMAID,
    as_json: AsJson = False,
) -> None:
    """
    Draw the states of orders, attempts and refunds.

    As Mermaid, which forges and editors draw; as a Markdown page that also says what must be
    known for each change; or as plain text.
    """
    if as_json:
        print_json([_row_json(row) for row in TABLE])
    else:
        tell = {Format.MERMAID: mermaid, Format.MARKDOWN: markdown, Format.TEXT: text}[form]
        typer.echo(tell(), nl=False)


def machines() -> list[Machine]:
    """Part the table into its machines."""
    kinds = dict.fromkeys(type(row.target) for row in TABLE)
    return [
        Machine(
            kind.__name__.removesuffix("State"),
            tuple(row for row in TABLE if type(row.target) is kind),
        )
        for kind in kinds
    ]


def mermaid() -> str:
    """Return each machine as a Mermaid diagram."""
    return "\n".join(f"%% {each.name}\n{_diagram(each)}" for each in machines())


def markdown() -> str:
    """Return the page of the documents: a diagram of each machine, and its rows in words."""
    parts = [_PAGE]
    for each in machines():
        parts += [f"## {each.name}\n", f"```mermaid\n{_diagram(each)}```\n", _listed(each)]
    return "\n".join(parts)


def text() -> str:
    """Return the table as text, one machine after the other."""
    return "\n".join(line for each in machines() for line in [each.name, *_lines(each.rows), ""])


def _diagram(machine: Machine) -> str:
    return "\n".join(["stateDiagram-v2", *_arrows(machine.rows), ""])


def _arrows(rows: tuple[Transition, ...]) -> Iterator[str]:
    yield f"    [*] --> {rows[0].sources[0]}"
    for source, event, target in edges(rows):
        yield f"    {source} --> {target}: {event}"
    left_again = {source for row in rows for source in row.sources}
    for target in dict.fromkeys(row.target for row in rows):
        if target not in left_again:
            yield f"    {target} --> [*]"


def _listed(machine: Machine) -> str:
    return "\n".join([*(f"- **{row.event}**: {row.because}" for row in machine.rows), ""])


def _lines(rows: tuple[Transition, ...]) -> Iterator[str]:
    sources = {row.event: ", ".join(row.sources) for row in rows}
    widest = max(map(len, sources.values()))
    longest = max(len(row.target) for row in rows)
    for row in rows:
        arrow = f"{sources[row.event]:>{widest}} -> {row.target:<{longest}}"
        yield f"  {arrow}  {row.event}: {row.because}"


def _row_json(row: Transition) -> dict[str, object]:
    return {
        "machine": type(row.target).__name__.removesuffix("State").lower(),
        "event": str(row.event),
        "from": [str(source) for source in row.sources],
        "to": str(row.target),
        "because": row.because,
    }
