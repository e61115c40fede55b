"""``retender states``: the state picture, drawn from the transition table."""

from enum import StrEnum
from typing import Annotated

import typer

from retender.domain.model.transition import TABLE, Transition
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import AsJson, print_json

app = new_app()


class Format(StrEnum):
    """In which form the table is shown."""

    SVG = "svg"
    TEXT = "text"
    MERMAID = "mermaid"


@app.command(
    epilog=examples(
        "retender states --format text",
        "retender states > docs/states.svg",
        "retender states --rooms > docs/arrows.svg",
    )
)
def states(
    *,
    form: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.SVG,
    rooms: Annotated[
        bool, typer.Option("--rooms", help="Draw the rooms and their arrows instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Draw the states of orders, attempts and refunds.

    Everything comes from the one transition table in the code, so the picture
    cannot be out of date; SVG goes to stdout.
    """
    if as_json:
        print_json([_row_json(row) for row in TABLE])
    elif rooms:
        from retender.entrypoints.cli.picture.arrows import arrow_picture

        typer.echo(arrow_picture(), nl=False)
    else:
        from retender.entrypoints.cli.picture.states import state_picture
        from retender.entrypoints.cli.picture.words import state_mermaid, state_text

        draw = {
            Format.SVG: state_picture,
            Format.TEXT: state_text,
            Format.MERMAID: state_mermaid,
        }[form]
        typer.echo(draw(), nl=False)


def _row_json(row: Transition) -> dict[str, object]:
    return {
        "machine": type(row.target).__name__.removesuffix("State").lower(),
        "event": str(row.event),
        "from": [str(source) for source in row.sources],
        "to": str(row.target),
        "because": row.because,
    }
