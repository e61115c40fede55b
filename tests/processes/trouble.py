"""Trouble: kills at random moments, kills at named steps, and a database that drops dead."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import httpx

from retender.tests.processes.postgresql import Cluster
from retender.tests.processes.scene import Scene, a_client

Say = Callable[[str], None]

_TELL_EVERY = 50
_FAULTS = ("lost_before_effect", "lost_after_effect", "http_5xx_after_effect", "rate_limit")
_CALLS = ("open", "query", "close", "close", "refund", "query_refund")
_NOTICE = "notice"
_LEADS_TO = {
    "query_refund": "refund",
    "query 1 of RefundPayment": _NOTICE,
    "query": "close",
    "close": "close",
}
"""By a part of a step's name: what must go wrong for it to be passed; the first part decides."""

_TURNS = 3
"""So often a process is doomed to a step that is hardly ever passed, each time for longer."""


async def kill_at_random(
    scene: Scene,
    kills: int,
    *,
    pause_seconds: float,
    chance: Random,
    until_due: Callable[[int], Awaitable[None]] | None = None,
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
        until_due: waits until the load has come so far that, after so many kills,
            another is due; the pause comes on top, so that its moment stays a random one.
        cluster: a PostgreSQL that is stopped at once, too.
        stops: how often, spread over the kills.
        say: hears of progress.

    """
    stop_at = {round((n + 0.5) * kills / stops) for n in range(stops)}
    began = time.monotonic()
    for n in range(kills):
        if until_due is not None:
            await until_due(n)
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


async def see_steps(
    scene: Scene, seconds: float, *, quiet_seconds: float = 15
) -> dict[str, set[str]]:
    """
    Let everybody note the steps that they pass, for so long, and on while there are new ones.

    Returns:
        for each step who passes it.

    """
    files = {name: scene.folder / f"{name}.steps" for name in scene.mortals}
    for name, file in files.items():
        file.touch()
        await scene.family.kill(name, seen=file)
    began = changed = time.monotonic()
    found: defaultdict[str, set[str]] = defaultdict(set)
    while time.monotonic() < max(began + seconds, changed + quiet_seconds):
        await asyncio.sleep(0.5)
        for name, file in files.items():
            for step in file.read_text(encoding="utf-8").splitlines():
                if step not in found:
                    changed = time.monotonic()
                found[step].add(name)
    return dict(found)


async def die_at_steps(
    scene: Scene,
    steps: Mapping[str, Collection[str]],
    *,
    patience_seconds: float,
    spoiler: "Spoiler | None" = None,
    say: Say = print,
) -> StepsReached:
    """
    Let a process die once at every step: it kills itself there, and is started again.

    Everybody is doomed to another step at a time, and does its work until it comes there.
    A step that is not passed in time has its turn again when all others are through.

    Args:
        scene: whose processes.
        steps: for each, who passes it.
        patience_seconds: for a step's first turn; the next ones are longer.
        spoiler: leads to rare steps.
        say: hears of progress.

    """
    reached = StepsReached()

    left = [(step, 1) for step in steps]

    async def die(name: str) -> None:
        while mine := [each for each in left if name in steps[each[0]]]:
            step, turn = mine[0]
            left.remove(mine[0])
            if spoiler is not None:
                spoiler.help_to(name, step)
            await scene.family.kill(name, step=step)
            if await scene.family.until_dead(name, patience_seconds * turn):
                reached.died_at.append(step)
                say(f"  {name} died {step}")
            elif turn < _TURNS:
                left.append((step, turn + 1))
            else:
                reached.missed.append(step)
                say(f"  {name} never came to: {step}")
        await scene.family.kill(name)  # the last one may still be doomed

    async with asyncio.TaskGroup() as group:
        for name in scene.mortals:
            group.create_task(die(name))
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
        """Spoil most of all, and everywhere, what leads the one who is doomed to its step."""
        wanted = (call for part, call in _LEADS_TO.items() if part in step)
        self._wanted[who] = next(wanted, "")

    async def run(self, pause_seconds: float) -> None:
        """Go on until cancelled."""
        async with a_client() as http:
            while True:
                await asyncio.sleep(self._chance.expovariate(1 / pause_seconds))
                with suppress(httpx.TransportError):  # the next one will do as well
                    await self._spoil(http)

    async def end(self) -> None:
        """Leave no fault behind: from now on the gateways are well."""
        async with a_client() as http:
            for gateway in self._scene.gateways.values():
                (await http.delete(f"{gateway}/_simulator/faults")).raise_for_status()
                notices = f"{gateway}/_simulator/notices"
                (await http.post(notices, json={"drop": 0})).raise_for_status()

    async def _spoil(self, http: httpx.AsyncClient) -> None:
        chance, gateways = self._chance, list(self._scene.gateways.values())
        wanted = [call for call in self._wanted.values() if call]
        if wanted and chance.random() < 0.8:
            call = chance.choice(wanted)
        else:
            call, gateways = chance.choice(_CALLS), [chance.choice(gateways)]
        for gateway in gateways:
            faults = f"{gateway}/_simulator/faults"
            await http.delete(faults)  # what was not used up stays rare
            if call != _NOTICE:
                spoilt = {"kind": chance.choice(_FAULTS), "operation": call}
                await http.post(faults, json=spoilt)
            drop = 5 if call == _NOTICE else chance.choice((0, 0, 2))
            await http.post(f"{gateway}/_simulator/notices", json={"drop": drop})
