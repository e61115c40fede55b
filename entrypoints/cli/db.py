"""``retender db``: create, upgrade and inspect the database."""

from typing import TYPE_CHECKING, Any

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import REFUSED, AsJson, print_result
from retender.entrypoints.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from retender.entrypoints.container import Container

app = new_app()


@app.callback()
def database() -> None:
    """Create, upgrade and inspect the database."""


@app.command(epilog=examples("retender db upgrade", "retender --config shop.toml db upgrade"))
def upgrade(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """
    Bring the tables up to what this version needs; creates them if there are none.

    Safe to run again, and by several at once. There is no way back but a backup.
    """

    async def upgraded(container: "Container") -> tuple[str, str]:
        return await container.store().upgrade(), container.settings().database

    revision, place = run(ctx, upgraded, upgrade=False)
    print_result(
        {"database": place, "schema": revision},
        lambda console: console.print(
            f"{place} has schema [bold]{revision}[/bold]", soft_wrap=True
        ),
        as_json=as_json,
    )


@app.command(epilog=examples("retender db current", "retender db current --json"))
def current(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """
    Show which tables the database has; changes nothing.

    Exit code 1: they are not what this version needs.
    """
    from retender.domain.model.errors import SetupError

    async def inspected(container: "Container") -> tuple[str | None, str, str | None]:
        store = container.store()
        problem = None
        try:
            await store.check()
        except SetupError as error:
            problem = error.message
        return await store.current(), container.settings().database, problem

    revision, place, problem = run(ctx, inspected, upgrade=False)
    shown = f"{place} has schema [bold]{revision or 'none'}[/bold]"
    if problem is not None:
        shown += f"\n[yellow]{problem}[/yellow]"
    print_result(
        {"database": place, "schema": revision, "problem": problem},
        lambda console: console.print(shown, soft_wrap=True),
        as_json=as_json,
    )
    if problem is not None:
        raise typer.Exit(REFUSED)


@app.command(epilog=examples("retender db check", "retender db check --json"))
def check(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """
    Compare the database with what this version needs; changes nothing.

    It looks at the schema's version, at every table, column and constraint, and
    at settings that would lose what was committed. Exit code 1: something is wrong.
    """
    from retender.domain.model.errors import SetupError

    async def looked(container: "Container") -> dict[str, object]:
        store, problem = container.store(), None
        try:
            await store.check()
        except SetupError as error:
            problem = error.message
        sound = problem is None
        return {
            "database": container.settings().database,
            "schema": await store.current(),
            "standing": await store.standing(),
            "problem": problem,
            "differences": list(await store.differences()) if sound else [],
            "shortcomings": list(await store.shortcomings()) if sound else [],
        }

    found = run(ctx, looked, upgrade=False)
    print_result(found, lambda console: _show(console, found), as_json=as_json)
    if found["problem"] or found["differences"] or found["shortcomings"]:
        raise typer.Exit(REFUSED)


def _show(console: "Console", found: "Mapping[str, Any]") -> None:
    """Say what is wrong, and what mends it."""
    from rich.markup import escape

    def say(mark: str, text: str) -> None:
        console.print(f"{mark} {escape(text)}", soft_wrap=True)

    well, wrong = "[bold green]✓[/bold green]", "[bold red]✗[/bold red]"
    mark = wrong if found["problem"] else well
    say(mark, f"{found['database']} has schema {found['schema'] or 'none'}: {found['standing']}")
    if found["problem"]:
        say(wrong, found["problem"])
        return
    for word in found["differences"]:
        say(wrong, word)
    if found["differences"]:
        say(wrong, "Somebody changed the tables by hand: undo that, or restore a backup.")
    for word in found["shortcomings"]:
        say(wrong, word)
    if not found["differences"] and not found["shortcomings"]:
        say(well, "Tables, constraints and settings are as they should be.")
