"""``retender incidents``: evidence that fits nothing, for a human to judge."""

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
    List evidence that fits nothing, for a human to judge.

    The newest first. A provider's word on an unknown number, another amount, another merchant:
    nothing was changed by it, and nothing of it is lost.
    """
    found = ask(ctx, lambda container: container.list_incidents()(limit=limit))
    data = [
        {
            "incident_id": incident.incident_id,
            "code": str(incident.code),
            "account": incident.account,
            "number": incident.number,
            "at": incident.at.isoformat(),
            "source": incident.source,
            "data": incident.data,
        }
        for incident in found
    ]
    answer(data, lambda console: _show(console, found), as_json=as_json)


def _show(console: "Console", found: "Sequence[Incident]") -> None:
    from rich.markup import escape

    from retender.entrypoints.cli.look import instant, table

    if not found:
        console.print("[green]No incidents.[/green]")
        return
    rows = table("when", "what", "account", "number", "heard by", "claim")
    for incident in found:
        claim = ", ".join(f"{name} {value}" for name, value in incident.data.items() if value)
        code = f"[bold red]{incident.code}[/bold red]"
        who = (incident.account, escape(incident.number), incident.source)
        rows.add_row(instant(incident.at), code, *who, escape(claim))
    console.print(rows)
