"""``retender demo``: starts everything, tells the two stories, and checks every fact."""

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import REFUSED, console

if TYPE_CHECKING:
    from retender.entrypoints.cli.demo.narrator import Narrator
    from retender.entrypoints.cli.demo.stage import Stage

app = new_app()

_PATIENCE_SECONDS = 90


@app.command(epilog=examples("retender demo", "retender demo --once"))
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Leave when the stories are told.")] = False,
    patience: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="Give up the stories after so long.")
    ] = _PATIENCE_SECONDS,
) -> None:
    """
    Play two second payments on a running system.

    Simulated gateways of Alipay and WeChat Pay, our server, a worker and an
    SQLite database are started on free ports of this machine, and stopped
    again. Exit code 1: a fact was not as it must be.
    """
    with tempfile.TemporaryDirectory(prefix="retender-demo-") as folder:
        try:
            failures = asyncio.run(_perform(Path(folder), once=once, patience=patience))
        except KeyboardInterrupt:
            console().print("\nStopped before the end.")
            failures = ["stopped"]
    if failures:
        raise typer.Exit(REFUSED)


async def _perform(folder: Path, *, once: bool, patience: int) -> list[str]:
    """Set the stage, tell the stories, let people look around; return what was not so."""
    from retender.entrypoints.cli.demo.clock import SkippingClock
    from retender.entrypoints.cli.demo.narrator import Narrator
    from retender.entrypoints.cli.demo.stage import set_stage

    clock = SkippingClock()
    narrator = Narrator(console(), clock)
    began = time.monotonic()
    narrator.console.print(
        "[bold]Retender[/bold]: an order can be paid again, another way, once.\n"
    )
    narrator.console.print("[dim]Starting simulators, server and worker ...[/dim]")
    async with set_stage(narrator, clock, folder) as stage:
        for name, url in stage.urls.items():
            narrator.console.print(f"  {name:<18} {url}", soft_wrap=True)
        await _tell(stage, patience)
        _sum_up(narrator, time.monotonic() - began)
        if not once:
            await _look_around(stage)
    return narrator.failures


async def _tell(stage: "Stage", patience: int) -> None:
    """Tell both stories; one that breaks off is a failure like any other."""
    from retender.entrypoints.cli.demo import bad_day, good_day

    try:
        async with asyncio.timeout(patience):
            await good_day.play(stage)
            await bad_day.play(stage)
    except TimeoutError:
        stage.narrator.check(f"the stories end within {patience} s", truth=False)
    except Exception as error:  # noqa: BLE001 -- told as a failure, with its name
        stage.narrator.check(f"the story goes on: {type(error).__name__}: {error}", truth=False)


def _sum_up(narrator: "Narrator", seconds: float) -> None:
    narrator.console.print()
    count = len(narrator.failures)
    if count:
        narrator.console.print(
            f"[bold red]✗ {count} of {narrator.checked} facts were not so.[/bold red]"
        )
    else:
        narrator.console.print(
            f"[bold green]✓ All {narrator.checked} facts were so[/bold green], in {seconds:.1f} s."
        )


async def _look_around(stage: "Stage") -> None:
    """Leave everything running, with two orders to be paid in a browser, until Ctrl-C."""
    say = stage.narrator.console.print
    say("\n[bold]Everything keeps running for a look, until Ctrl-C.[/bold] Pay one yourself:")
    for order_no, account in (("DEMO-YOURS-1", "alipay"), ("DEMO-YOURS-2", "wechat")):
        await stage.shop.place(order_no, "Oolong tea", "66.00")
        ready = await stage.shop.pay(order_no, account, "pc")
        say(f"  {order_no}, {account}: {ready['page_url']}", soft_wrap=True)
    say("What the providers see, and where a QR code is scanned:")
    for name, url in stage.urls.items():
        say(f"  {name:<18} {url}", soft_wrap=True)
    say("In another terminal:")
    say(f"  retender --config {stage.settings_file} order show DEMO-BAD", soft_wrap=True)
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await stop.wait()
    say("\nStopping.")
