"""``retender worker``: does what is due."""

import asyncio
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import REFUSED, AsJson, print_note, print_result

if TYPE_CHECKING:
    from rich.console import Console

    from retender.entrypoints.settings import Settings
    from retender.entrypoints.worker import Round

app = new_app()


@app.command(epilog=examples("retender worker", "retender worker --once"))
def worker(
    ctx: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Do one round, then leave.")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Expire orders, find out about attempts, send refunds.

    Run as many as you like: work is claimed by leases in the database, and each
    account's is done by itself, so that a dead provider holds up no other. With
    --once the exit code is 1 if a piece of work went wrong; it stays due.
    """
    from retender.entrypoints.settings_file import load_settings

    settings = load_settings(ctx.obj)
    done = asyncio.run(_work(settings, once=once))
    if done is None:
        return
    print_result(asdict(done), lambda console: _show(console, done), as_json=as_json)
    if done.failed:
        raise typer.Exit(REFUSED)


async def _work(settings: "Settings", *, once: bool) -> "Round | None":
    from retender.entrypoints.container import open_container
    from retender.entrypoints.draining import log_draining
    from retender.entrypoints.logs import configure_logging
    from retender.entrypoints.sealing import log_page_key

    async with open_container(settings) as container:
        configure_logging(settings.log, secrets=container.secrets())
        await log_draining(container)
        await log_page_key(container)
        worker = container.worker()
        if once:
            return await worker.run_once()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, worker.stop)
        print_note(
            f"Working on {settings.database}; Ctrl-C finishes what is begun, again leaves at once"
        )
        await worker.run()
        return None


def _show(console: "Console", done: "Round") -> None:
    counts = {
        "orders expiring": done.expiring,
        "orders closed": done.closed,
        "attempts asked after": done.attempts,
        "refunds moved": done.refunds,
        "events told": done.told,
    }
    console.print(", ".join(f"{name} [bold]{count}[/bold]" for name, count in counts.items()))
    if done.failed:
        console.print(f"[red]{done.failed} went wrong; they stay due[/red]")
    if done.full:
        console.print("[yellow]More is waiting: a batch was filled.[/yellow]")
