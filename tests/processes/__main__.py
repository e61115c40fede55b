"""``make kill``: real processes under load, killed; then the books are compared."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from retender.tests.processes.people import chance_of
from retender.tests.processes.play import Live, Load, Run, Trouble, play, restless, usual
from retender.tests.processes.postgresql import Cluster, a_cluster
from retender.tests.processes.race import RACE_TRACK, race
from retender.tests.processes.scene import Scene, set_scene
from retender.tests.processes.trouble import Spoiler, die_at_steps, kill_at_random, see_steps

_TELL_SECONDS = 10
_ORDERS_PER_KILL = 20
_ORDERS_OF_A_RACE = 10_000


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@asynccontextmanager
async def _scene(
    given: argparse.Namespace, folder: Path, **options: Any
) -> AsyncIterator[tuple[Scene, Cluster | None]]:
    """Set the scene on the database that was asked for."""
    async with AsyncExitStack() as stack:
        cluster = None
        url = f"sqlite:///{folder / 'retender.db'}"
        if given.database == "postgresql":
            cluster = await stack.enter_async_context(a_cluster())
            url = cluster.url
        scene = await stack.enter_async_context(
            set_scene(folder, url, speed=given.speed, **options)
        )
        yield scene, cluster


async def _kills(given: argparse.Namespace, folder: Path) -> Run:
    """Kill at random moments under load, spread over so many orders."""
    orders = _ORDERS_PER_KILL * given.kills if given.orders is None else given.orders
    async with _scene(given, folder) as (scene, cluster):
        run = Run(f"{given.kills} kills on {given.database}, seed {given.seed}")

        async def trouble(load: Load) -> None:
            await kill_at_random(
                scene,
                given.kills,
                pause_seconds=given.pause,
                chance=chance_of(given.seed),
                until_due=lambda kill: load.until(kill * orders / given.kills),
                cluster=cluster,
                stops=given.stops if cluster else 0,
                say=_say,
            )

        await _play(given, scene, run, trouble, at_least=orders)
        if cluster:
            run.numbers["immediate stops of PostgreSQL"] = cluster.stops
        return run


async def _steps(given: argparse.Namespace, folder: Path) -> Run:
    """Kill once at every named step."""
    async with _scene(given, folder) as (scene, _):
        run = Run(f"every named step on {given.database}, seed {given.seed}")

        async def trouble(_: Load) -> None:
            spoiler = Spoiler(scene, chance_of(given.seed))
            spoiling = asyncio.create_task(spoiler.run(pause_seconds=0.4))
            steps = await see_steps(scene, seconds=given.look)
            _say(f"  {len(steps)} steps were seen")
            reached = await die_at_steps(
                scene, steps, patience_seconds=30, spoiler=spoiler, say=_say
            )
            spoiling.cancel()
            await asyncio.wait([spoiling])
            await spoiler.end()
            run.numbers["named steps"] = len(steps)
            run.numbers["named steps died at"] = len(reached.died_at)
            run.problems += [f"no process came to: {step}" for step in reached.missed]

        return await _play(given, scene, run, trouble, lives=restless)


async def _race(given: argparse.Namespace, folder: Path) -> Run:
    """Let clients, servers and workers race on the same orders; nobody is killed."""
    async with _scene(given, folder, **RACE_TRACK) as (scene, _):
        run = Run(f"a race on {given.database}, seed {given.seed}")

        async def until_over(load: Load) -> None:
            until = time.monotonic() + 60 * given.minutes
            orders = _ORDERS_OF_A_RACE if given.orders is None else given.orders
            while load.placed < orders and time.monotonic() < until:
                await asyncio.sleep(_TELL_SECONDS)
                _say(f"  {load.placed} orders, {max(0, until - time.monotonic()):.0f} s are left")

        await _play(given, scene, run, until_over, lives=race)
        if again := run.numbers["announced again after a crash"]:
            run.problems.append(f"{again} events were announced twice, and nobody had crashed")
        return run


async def _play(
    given: argparse.Namespace,
    scene: Scene,
    run: Run,
    trouble: Trouble,
    *,
    lives: Live = usual,
    at_least: int = 0,
) -> Run:
    return await play(
        scene,
        run,
        trouble,
        seed=given.seed,
        at_once=given.at_once,
        at_least=at_least,
        lives=lives,
        say=_say,
    )


RUNS = {"kills": _kills, "steps": _steps, "race": _race}


def main(arguments: list[str]) -> int:
    """Do what was asked; 1 if something was not as promised."""
    parser = argparse.ArgumentParser(prog="make kill", description=__doc__)
    parser.add_argument("what", choices=RUNS, nargs="?", default="kills")
    parser.add_argument("--look", type=float, default=40, help="seconds to look for named steps")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument(
        "--stops", type=int, default=50, help="of PostgreSQL, spread over the kills"
    )
    parser.add_argument(
        "--orders",
        type=int,
        help=f"at least; {_ORDERS_PER_KILL} to a kill, {_ORDERS_OF_A_RACE:,} in a race",
    )
    parser.add_argument("--minutes", type=float, default=60, help="that a race may take")
    parser.add_argument(
        "--pause", type=float, default=0.8, help="seconds between kills, on average"
    )
    parser.add_argument("--at-once", type=int, default=40, help="people at a time")
    parser.add_argument("--speed", type=float, default=1, help="of the clocks")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path, help="where logs and history stay")
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="retender-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    _say(f"{given.what} on {given.database}, seed {given.seed}; logs are in {folder}")
    run = asyncio.run(RUNS[given.what](given, folder.resolve()))
    _say(run.report())
    return 1 if run.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
