"""``retender db``: create, upgrade and inspect the database."""

from typing import TYPE_CHECKING

import typer

from retender.entrypoints.cli.asking import ask
from retender.entrypoints.cli.say import REFUSED, AsJson, answer
from retender.entrypoints.cli.shelf import examples, new_app

if TYPE_CHECKING:
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

    revision, place = ask(ctx, upgraded, upgrade=False)
    answer(
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

    revision, place, problem = ask(ctx, inspected, upgrade=False)
    shown = f"{place} has schema [bold]{revision or 'none'}[/bold]"
    if problem is not None:
        shown += f"\n[yellow]{problem}[/yellow]"
    answer(
        {"database": place, "schema": revision, "problem": problem},
        lambda console: console.print(shown, soft_wrap=True),
        as_json=as_json,
    )
    if problem is not None:
        raise typer.Exit(REFUSED)
