"""``retender drill``: plays whole shops under faults, and says whether money was lost."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retender.domain.model.errors import SetupError
from retender.entrypoints.cli.lazy_commands import examples, new_app
from retender.entrypoints.cli.output import REFUSED, AsJson, console, print_note, print_result

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()

_ROOM = "retender.tests.simulation"
_ORDERS = 400
_TELL_EVERY_SECONDS = 60.0
_HOUR = 3600.0


@app.command(
    epilog=examples(
        "retender drill",
        "retender drill --seed 7",
        "retender drill --orders 5000 --first 0",
        "retender drill --hours 1",
        "retender drill --orders 5000 --hours 0.05",
        "retender drill --json",
    )
)
def drill(
    *,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Play this one, and show its timeline.")
    ] = None,
    orders: Annotated[
        int | None, typer.Option(min=1, help=f"At least so many orders; default: {_ORDERS}.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.0, help="Play for so long, or until --orders are done.")
    ] = None,
    first: Annotated[
        int | None, typer.Option(min=0, help="The first seed; default: a fresh one.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many at once; default: one for each core.")
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Play the rest too if a seed fails.")
    ] = False,
    shrink: Annotated[
        int, typer.Option(min=0, help="How many plays the search for a shorter story may take.")
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """
    Play whole shops under faults, and audit the books.

    The real parts in one process, in virtual time: payers who switch, leave and pay twice, shops,
    several workers, the simulated gateways. Answers are lost, processes die, keys change, disks
    fill up; then the gateways' books are compared with ours. A seed decides everything and plays
    the same again. No network, no settings and no database of yours are touched.

    A seed that fails is shrunk to its shortest story. Exit code 1: something was not as promised.
    """
    if seed is not None:
        failed = _play_one(seed, shrink, as_json=as_json)
    else:
        begin = int(time.time()) if first is None else first
        total = orders or (_ORDERS if hours is None else None)
        seconds = None if hours is None else hours * _HOUR
        failed = _play_many(
            begin,
            orders=total,
            seconds=seconds,
            processes=processes or os.cpu_count() or 1,
            go_on=go_on,
            shrink=shrink,
            as_json=as_json,
        )
    if failed:
        raise typer.Exit(REFUSED)


def _room(name: str) -> Any:  # noqa: ANN401 -- a module
    """
    Import a part of the simulation, which is tests' business and not ours.

    By name, since entrypoints do not lean on tests: the simulation leans on entrypoints.

    Raises:
        SetupError: it is not installed.

    """
    try:
        return import_module(f"{_ROOM}.{name}")
    except ModuleNotFoundError as missing:
        if not str(missing.name).startswith(("retender.tests", _ROOM)):
            raise
        message = "The simulation is not installed: this package of Retender was built without it."
        raise SetupError(message) from None


def _play_one(seed: int, shrink: int, *, as_json: bool) -> bool:
    plan, report = _room("plan").make_plan(seed), _room("timeline").report
    outcome = _room("seed").play(plan)
    shorter = _shortest(outcome, shrink) if outcome.problems else None
    facts = {"seed": seed, "problems": outcome.problems, "ended": dict(outcome.counts)}
    facts |= {"timeline": outcome.lines, "shortest": shorter and report(shorter).splitlines()}

    def show(out: "Console") -> None:
        _write(out, report(outcome))
        _write(out, "NOT as promised" if outcome.problems else "All is as promised.")
        if shorter is not None:
            _write(out, f"\nThe shortest story found:\n{report(shorter)}")

    print_result(facts, show, as_json=as_json)
    return bool(outcome.problems)


def _play_many(
    first: int,
    *,
    orders: int | None,
    seconds: float | None,
    processes: int,
    go_on: bool,
    shrink: int,
    as_json: bool,
) -> bool:
    fleet = _room("fleet")
    tally = fleet.Tally(first)
    print_note(f"Seeds from {first} on {processes} processes; `--first {first}` plays them again.")
    played = fleet.play_seeds(
        fleet.seeds_from(first, orders=orders, seconds=seconds), processes=processes
    )
    try:
        with _progress(tally, orders, seconds) as tell:
            for each in played:
                tally.add(each)
                tell()
                if each.problems and not go_on:
                    break
    except KeyboardInterrupt:
        print_note("Stopped before the end.")
    finally:
        played.close()
    shorter = None
    if tally.failed:
        worst = next(iter(tally.failed))
        print_note(f"Seed {worst} failed; looking for its shortest story.")
        shorter = _shortest(_room("seed").play(_room("plan").make_plan(worst)), shrink)
    story = None if shorter is None else _room("timeline").report(shorter)
    if orders is not None and tally.orders < orders and not tally.failed:
        print_note(f"The time was over after {tally.orders} of {orders} orders.")
    facts = {**tally.facts(), "shortest": story and story.splitlines()}
    print_result(facts, lambda out: _show(out, tally, story), as_json=as_json)
    return bool(tally.failed)


def _shortest(outcome: Any, plays: int) -> Any:  # noqa: ANN401 -- the simulation's own
    return _room("shrink").shrink(outcome, most=plays)


@contextmanager
def _progress(tally: Any, orders: int | None, seconds: float | None) -> Iterator[Any]:  # noqa: ANN401
    """Show a bar on a terminal, and say a line each minute elsewhere."""
    began = told = time.monotonic()
    screen = console(error=True)
    if screen.is_terminal:
        from rich.progress import Progress

        with Progress(console=screen, transient=True) as bar:
            task = bar.add_task("playing", total=seconds if orders is None else orders)

            def move() -> None:
                done = time.monotonic() - began if orders is None else tally.orders
                bar.update(task, completed=done, description=f"{tally.orders} orders")

            yield move
        return

    def say() -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_EVERY_SECONDS:
            told = time.monotonic()
            minutes = (told - began) / 60
            print_note(
                f"{minutes:.0f} min: {tally.seeds} seeds, {tally.orders} orders, "
                f"{tally.orders / minutes:.0f} a minute, failed: {list(tally.failed) or 'none'}"
            )

    yield say


def _show(out: "Console", tally: Any, story: str | None) -> None:  # noqa: ANN401 -- as above
    _write(
        out,
        f"{tally.seeds} seeds from {tally.first}, {tally.orders} orders, "
        f"{tally.pace:.0f} orders a minute and core",
    )
    _write(out, ", ".join(f"{name} {number}" for name, number in sorted(tally.counts.items())))
    for each in tally.exposure():
        _write(
            out,
            f"exposure_seconds under {each.policy}: {each.exposure_seconds:.0f} "
            f"an order with two pages ({each.orders})",
        )
    for seed, problems in tally.failed.items():
        _write(out, f"seed {seed} FAILED: {problems[0]}")
    if story is not None:
        _write(out, f"\nThe shortest story found:\n{story}")
    else:
        _write(out, "All is as promised.")


def _write(out: "Console", text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)
