"""One run: a scene under load, trouble, then rest, and the judge's word."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.ext.asyncio import AsyncEngine

from retender.adapters.sql.engine import open_engine
from retender.domain.model.errors import StoreBusy
from retender.tests.processes.judge import judge, unsettled
from retender.tests.processes.linear import check_history
from retender.tests.processes.people import RESTLESS, chance_of, live
from retender.tests.processes.scene import Scene, a_client
from retender.tests.processes.shop import History, Shop

LASTS_SECONDS = 60
"""How long an order lives that nobody pays; placing allows no less."""

REST_SECONDS = 600.0
"""After the last kill everything is final within so long: the promise of the issue."""

Say = Callable[[str], None]
Live = Callable[[Shop, Scene, Random, str], Awaitable[None]]


@dataclass(slots=True)
class Run:
    """
    How a run went.

    Attributes:
        title: which one it was.
        numbers: counts, for people.
        problems: what is not as promised.

    """

    title: str
    numbers: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def report(self) -> str:
        """Tell it to people."""
        lines = [f"{self.title}: {'NOT as promised' if self.problems else 'all is as promised'}"]
        lines += [f"  {count:>12,} {what}" for what, count in self.numbers.items()]
        lines += [f"  PROBLEM {problem}" for problem in self.problems[:30]]
        if len(self.problems) > 30:
            lines.append(f"  ... and {len(self.problems) - 30} more")
        return "\n".join(lines)


async def usual(shop: Shop, scene: Scene, chance: Random, order_no: str) -> None:
    """Live one of the usual lives."""
    await live(shop, scene.gateways, chance, order_no)


async def restless(shop: Shop, scene: Scene, chance: Random, order_no: str) -> None:
    """Live one of those in which much goes to and fro."""
    await live(shop, scene.gateways, chance, order_no, RESTLESS)


class Load:
    """
    Shops and payers at work, so many at once.

    Attributes:
        placed: how many orders were begun.
        troubles: lives that ended with an error of ours.

    """

    def __init__(self, scene: Scene, shop: Shop, seed: int, lives: Live = usual) -> None:
        self._scene = scene
        self._shop = shop
        self._seed = seed
        self._lives = lives
        self._over = asyncio.Event()
        self._another = asyncio.Event()
        self.placed = 0
        self.troubles: list[str] = []

    async def run(self, at_once: int, at_least: int) -> None:
        """Work until told that it is enough, and at least so many orders are placed."""
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._one_after_the_other(at_least))

    async def until(self, orders: float) -> None:
        """Wait until so many orders are begun."""
        while self.placed < orders:
            self._another.clear()
            await self._another.wait()

    def enough(self) -> None:
        """Finish what is begun."""
        self._over.set()

    async def _one_after_the_other(self, at_least: int) -> None:
        while not self._over.is_set() or self.placed < at_least:
            self.placed += 1
            self._another.set()
            order_no = f"A-{self._seed}-{self.placed}"
            chance = chance_of(f"{self._seed} {self.placed}")
            try:
                await self._lives(self._shop, self._scene, chance, order_no)
            except Exception as trouble:  # noqa: BLE001 -- one life must not end the others
                self.troubles.append(f"{order_no}: {type(trouble).__name__}: {trouble}")


Trouble = Callable[[Load], Awaitable[None]]


@asynccontextmanager
async def an_engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Look into the database as the judge does."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def rest(engine: AsyncEngine, say: Say) -> float:
    """Wait until all is final; return how many seconds it took, or so many as it may take."""
    began, told = time.monotonic(), time.monotonic()
    while (waited := time.monotonic() - began) < REST_SECONDS:
        try:
            left = await unsettled(engine)
        except StoreBusy as busy:
            left = {busy.message: 1}
        if not left:
            return waited
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"  {waited:4.0f} s: still {', '.join(f'{n} {what}' for what, n in left.items())}")
        await asyncio.sleep(0.25)
    return REST_SECONDS


async def play(
    scene: Scene,
    run: Run,
    trouble: Trouble,
    *,
    seed: int,
    at_once: int,
    at_least: int = 0,
    lives: Live = usual,
    say: Say = print,
) -> Run:
    """
    Put load on the scene while trouble is made, let it rest, and judge.

    Args:
        scene: all processes, running.
        run: what is found is added to it.
        trouble: kills whom it wants; when it returns, that is over, and nothing new is begun.
        seed: what people do; when they do it is up to the machine.
        at_once: how many people are busy at any time.
        at_least: go on with the load until so many orders are placed.
        lives: what becomes of an order.
        say: hears of progress.

    """
    history = History(scene.folder / "history.jsonl")
    began = time.monotonic()
    async with a_client() as http, an_engine(scene.database_url) as engine:
        shop = Shop(http, list(scene.servers.values()), history, scene.speed)
        load = Load(scene, shop, seed, lives)
        loading = asyncio.create_task(load.run(at_once, at_least))
        try:
            await trouble(load)
            load.enough()
            await loading
        finally:
            loading.cancel()
            history.save()
        loaded = time.monotonic() - began
        say(f"  {load.placed} orders in {loaded:.0f} s; now to rest")
        rested = await rest(engine, say)
        summary = await judge(scene, engine, http)
    run.problems += [f"a life ended: {trouble}" for trouble in load.troubles]
    run.problems += [f"died unasked: {death}" for death in scene.family.deaths]
    if rested >= REST_SECONDS:
        run.problems.append(f"not at rest within {REST_SECONDS:.0f} s")
    run.problems += summary.problems
    run.problems += check_history(history.calls, LASTS_SECONDS / scene.speed)
    run.numbers.update(summary.counts)
    run.numbers.update({f"kills of a {who}": count for who, count in scene.family.kills.items()})
    run.numbers["starts of the installed command"] = scene.family.installed
    run.numbers["calls of the API"] = len(history.calls)
    run.numbers.update({f"calls {outcome}": n for outcome, n in history.outcomes.items()})
    run.numbers["seconds under load"] = round(loaded)
    run.numbers["seconds until all was final"] = round(rested)
    return run
