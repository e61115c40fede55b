"""``retender incidents``: all that ever waited for a human, with how it ended."""

from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.asking import ask
from retender.entrypoints.cli.say import AsJson, answer
from retender.entrypoints.cli.shelf import examples, new_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.domain.model.incident import Incident

app = new_app()


@app.command(epilog=examples("retender incidents", "retender incidents --limit 10 --json"))
def incidents(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """
    List all that ever waited for a human.

    The newest first, with how, why and by whom each was ended. What still waits is under
    `retender attention`.
    """
    from retender.entrypoints.http.incident_view import IncidentView

    found = ask(ctx, lambda container: container.list_incidents()(limit=limit))
    data = [IncidentView.of(incident).model_dump(mode="json") for incident in found]
    answer(data, lambda console: _show(console, found), as_json=as_json)


def _show(console: "Console", found: "Sequence[Incident]") -> None:
    from rich.markup import escape

    from retender.entrypoints.cli.look import either, instant, table

    if not found:
        console.print("[green]No incidents.[/green]")
        return
    rows = table("when", "why", "order", "account", "number", "how it ended")
    for incident in found:
        ending = incident.ending
        ended = "[yellow]it waits[/yellow]"
        if ending is not None:
            ended = escape(f"{ending.resolution}, {ending.by}: {ending.why}")
        code = f"[bold red]{incident.code}[/bold red]"
        of = (escape(either(incident.order_no)), either(incident.account), escape(incident.number))
        rows.add_row(instant(incident.at), code, *of, ended)
    console.print(rows)
