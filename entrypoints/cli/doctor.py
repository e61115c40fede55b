"""``retender doctor``: checks everything that can be wrong, and says how to mend it."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import REFUSED, AsJson, print_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from retender.entrypoints.cli.check_result import CheckResult

app = new_app()

_MARKS = {
    "well": "[bold green]✓[/bold green]",
    "note": "[bold yellow]![/bold yellow]",
    "wrong": "[bold red]✗[/bold red]",
}


@app.command(
    epilog=examples("retender doctor", "retender doctor --online", "retender doctor --json")
)
def doctor(
    ctx: typer.Context,
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask every gateway, and compare clocks.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Check settings, database, keys and clocks, with a fix each.

    Nothing is changed and no money is moved. Exit code 1: something is wrong.
    """

    async def check() -> "list[CheckResult]":
        from retender.entrypoints.cli.doctor_checks import check_everything

        return [result async for result in check_everything(ctx.obj, online=online)]

    found = asyncio.run(check())
    print_result([asdict(each) for each in found], lambda it: _show(it, found), as_json=as_json)
    if any(each.state == "wrong" for each in found):
        raise typer.Exit(REFUSED)


def _show(console: "Console", found: "Sequence[CheckResult]") -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for each in found:
        fix = f"\n[cyan]{escape(each.fix)}[/cyan]" if each.fix else ""
        table.add_row(_MARKS[each.state], each.about, escape(each.told) + fix)
    console.print(table)
    wrong = sum(each.state == "wrong" for each in found)
    if wrong:
        console.print(f"\n[bold red]{wrong} wrong.[/bold red]")
    else:
        console.print("\n[bold green]Nothing is wrong.[/bold green]")
