"""Trouble: kills at random moments, kills at named steps, and a database that drops dead."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import httpx

from retender.tests.processes.postgresql import Cluster
from retender.tests.processes.scene import Scene, a_client

Say = Callable[[str], None]

_TELL_EVERY = 50
_FAULTS = ("lost_before_effect", "lost_after_effect", "http_5xx_after_effect")
_CALLS = ("open", "query", "close", "close", "refund", "query_refund")
_LEADS_TO = {"query_refund": "refund", "query": "close", "close": "close"}
"""By a part of a step's name: which call must go wrong for it to be passed."""


async def kill_at_random(
    scene: Scene,
    kills: int,
    *,
    pause_seconds: float,
    chance: Random,
    cluster: Cluster | None = None,
    stops: int = 0,
    say: Say = print,
) -> None:
    """
    Kill a server or a worker, again and again; each is started again at once.

    Args:
        scene: whose processes.
        kills: how many.
        pause_seconds: between two kills, on average.
        chance: whom, and when.
        cluster: a PostgreSQL that is stopped at once, too.
        stops: how often, spread over the kills.
        say: hears of progress.

    """
    stop_at = {round((n + 0.5) * kills / stops) for n in range(stops)}
    began = time.monotonic()
    for n in range(kills):
        await asyncio.sleep(chance.expovariate(1 / pause_seconds))
        if cluster is not None and n in stop_at:
            await cluster.stop_at_once()
            await asyncio.sleep(chance.random())
            await cluster.start()
        await scene.family.kill(chance.choice(scene.mortals))
        if (n + 1) % _TELL_EVERY == 0:
            stopped = f", {cluster.stops} stops of PostgreSQL" if cluster else ""
            say(f"  {n + 1} kills{stopped} in {time.monotonic() - began:.0f} s")


@dataclass(slots=True)
class StepsReached:
    """Which named steps there were, and at which of them a process died."""

    died_at: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


async def see_steps(scene: Scene, seconds: float, *, quiet_seconds: float = 15) -> dict[str, str]:
    """
    Let everybody note the steps that they pass, for so long, and on while there are new ones.

    Returns:
        for each step one process that passes it.

    """
    files = {name: scene.folder / f"{name}.steps" for name in scene.mortals}
    for name, file in files.items():
        file.touch()
        await scene.family.kill(name, seen=file)
    began = changed = time.monotonic()
    found: dict[str, str] = {}
    while time.monotonic() < max(began + seconds, changed + quiet_seconds):
        await asyncio.sleep(0.5)
        for name, file in reversed(files.items()):
            seen = file.read_text(encoding="utf-8").splitlines()
            if set(seen) - set(found):
                changed = time.monotonic()
            found |= dict.fromkeys(seen, name)
    return found


async def die_at_steps(
    scene: Scene,
    steps: Mapping[str, str],
    *,
    patience_seconds: float,
    spoiler: "Spoiler | None" = None,
    say: Say = print,
) -> StepsReached:
    """
    Let a process die once at every step: it kills itself there, and is started again.

    A server and a worker are doomed at a time; the others do the work meanwhile.
    A step that is not passed in time gets a second chance when all others are through.
    """
    reached = StepsReached()

    async def die(name: str, mine: list[str]) -> None:
        again: list[str] = []
        for round_, queue in enumerate((mine, again)):
            for step in queue:
                if spoiler is not None:
                    spoiler.help_to(name, step)
                await scene.family.kill(name, step=step)
                if await scene.family.until_dead(name, patience_seconds * (1 + round_)):
                    reached.died_at.append(step)
                    say(f"  {name} died {step}")
                elif round_ == 0:
                    again.append(step)
                else:
                    reached.missed.append(step)
                    say(f"  {name} never came to: {step}")
        await scene.family.kill(name)  # the last one may still be doomed

    kinds = {"server": "server-1", "worker": "worker-1"}
    async with asyncio.TaskGroup() as group:
        for kind, name in kinds.items():
            mine = [step for step, who in steps.items() if who.startswith(kind)]
            group.create_task(die(name, mine))
    return reached


class Spoiler:
    """
    Spoils one call of a gateway after the other, and now and then a notice.

    Otherwise there are steps that are hardly ever passed, such as asking whether
    what was closed is closed.
    """

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance
        self._wanted: dict[str, str] = {}

    def help_to(self, who: str, step: str) -> None:
        """Spoil most of all what leads the one who is doomed to its step."""
        wanted = (call for part, call in _LEADS_TO.items() if part in step)
        self._wanted[who] = next(wanted, "")

    async def run(self, pause_seconds: float) -> None:
        """Go on until cancelled."""
        async with a_client() as http:
            while True:
                await asyncio.sleep(self._chance.expovariate(1 / pause_seconds))
                with suppress(httpx.TransportError):  # the next one will do as well
                    await self._spoil(http)

    async def _spoil(self, http: httpx.AsyncClient) -> None:
        chance = self._chance
        control = f"{chance.choice(list(self._scene.gateways.values()))}/_simulator"
        wanted = [call for call in self._wanted.values() if call]
        call = chance.choice(wanted if wanted and chance.random() < 0.8 else _CALLS)
        await http.delete(f"{control}/faults")  # what was not used up stays rare
        await http.post(
            f"{control}/faults", json={"kind": chance.choice(_FAULTS), "operation": call}
        )
        await http.post(f"{control}/notices", json={"drop": chance.choice((0, 0, 2))})
