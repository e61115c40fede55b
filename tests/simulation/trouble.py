"""What goes wrong by itself: processes that die or stop, a store that refuses, keys, liars."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from retender.simulators.kit.delivery import MerchantUnreachable
from retender.tests.simulation.gateways import Lock, lie_about
from retender.tests.simulation.kernel import Fate, Node
from retender.tests.simulation.plan import Crash, Pause, Rotation, StoreTrouble

if TYPE_CHECKING:
    from retender.tests.simulation.town import Town

_MEETS_WITHIN, _COMES_WITHIN = 60, 600
"""For how many seconds a fate waits for steps, and for a place that is rarely come to."""


def begin_troubles(town: "Town") -> list[asyncio.Task[None]]:
    """Start all that the plan has in store; each ends by itself."""
    return list(_begun(town))


def _begun(town: "Town") -> Iterator[asyncio.Task[None]]:
    plan = town.plan
    for crash in plan.crashes:
        yield town.spawn(_die(town, crash), actor=crash.process)
    for pause in plan.pauses:
        yield town.spawn(_stop(town, pause), actor=pause.process)
    for trouble in plan.store_troubles:
        deed = _fill_disk if trouble.kind == "full" else _keep_lock
        yield town.spawn(deed(town, trouble), actor="database")
    for rotation in plan.rotations:
        actor = f"keys of {rotation.account}"
        yield town.spawn(_rotate(town, rotation), actor=actor)
    if plan.lies:
        yield town.spawn(_lie(town), actor="stranger")


async def _die(town: "Town", crash: Crash) -> None:
    """Kill a process so many steps after a moment, and start it again."""
    await asyncio.sleep(crash.at)
    process = town.processes[crash.process]
    if process.is_down():
        return
    node = process.node
    steps = crash.steps if crash.place is None else None

    def die() -> None:
        town.calm.is_broken()
        node.kill()

    await _meet(node, Fate(die, steps, crash.place))
    if node.alive:  # it did not come there
        die()
    town.log(f"killed {crash.place or 'somewhere'}")
    await asyncio.sleep(crash.down)
    if process.is_down():
        process.start()
        town.log("started again")


async def _stop(town: "Town", pause: Pause) -> None:
    """Stop a process somewhere; when it goes on, its world has changed."""
    await asyncio.sleep(pause.at)
    node = town.processes[pause.process].node
    steps = pause.steps if pause.place is None else None
    was_stopped = False

    def stop() -> None:
        nonlocal was_stopped
        was_stopped = True
        town.calm.breaks()
        node.stop()

    await _meet(node, Fate(stop, steps, pause.place))
    if node.alive and node.is_stopped:
        town.log(f"stopped {pause.place or 'somewhere'}")
        await asyncio.sleep(pause.lasts)
        town.log("goes on")
    town.loop.go_on(node)
    if was_stopped:
        town.calm.comes_back()


async def _meet(node: Node, fate: Fate) -> None:
    """Wait until it met its fate, or did not in time."""
    node.fates.append(fate)
    for _ in range(_MEETS_WITHIN if fate.place is None else _COMES_WITHIN):
        await asyncio.sleep(1)
        if fate not in node.fates or not node.alive:
            return
    node.fates.remove(fate)


async def _fill_disk(town: "Town", trouble: StoreTrouble) -> None:
    await asyncio.sleep(trouble.at)
    town.log("disk full")
    town.disk.is_full = True
    town.calm.breaks()
    await asyncio.sleep(trouble.lasts)
    town.disk.is_full = False
    town.calm.comes_back()
    town.log("disk has room again")


async def _keep_lock(town: "Town", trouble: StoreTrouble) -> None:
    """Be another program that writes for long; patience with locks is shorter."""
    await asyncio.sleep(trouble.at)
    with closing(sqlite3.connect(town.books.path, timeout=0, isolation_level=None)) as intruder:
        while True:
            try:
                intruder.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:
                await asyncio.sleep(0.05)
        town.log("database locked by another program")
        town.calm.breaks()
        await asyncio.sleep(trouble.lasts)
        intruder.execute("ROLLBACK")
        town.calm.comes_back()
    town.log("database not locked any more")


async def _rotate(town: "Town", rotation: Rotation) -> None:
    """Change an account's keys at both sides; ours with a restart, one process after the other."""
    await asyncio.sleep(rotation.at)
    account = rotation.account
    lock = Lock(town.gateways[account], rotation.whose, town.began)
    settings = dict(lock.settings_to_come())
    if not rotation.we_are_first:
        lock.change()
        town.log(f"{account} has a new {rotation.whose} key")
        await asyncio.sleep(rotation.gap)
    town.settings[account] = settings
    for process in town.processes.values():
        if not process.is_down():
            town.calm.is_broken()
            process.node.kill()
            await asyncio.sleep(1)
            process.start()
    town.log(f"we have {account}'s new {rotation.whose} key")
    if rotation.we_are_first:
        await asyncio.sleep(rotation.gap)
        lock.change()
        town.log(f"{account} has a new {rotation.whose} key")


async def _lie(town: "Town") -> None:
    """Tell our server of payments that nobody made, as well as a stranger can."""
    chance = town.chance_here()
    for at in town.plan.lies:
        await asyncio.sleep(max(0.0, at - town.loop.time()))
        held = [page for pages in town.watch.held.values() for page in pages]
        if not held:
            continue
        page = chance.choice(held)
        lie = lie_about(town.gateways[page.account], page)
        if lie is None:
            continue
        url, notice = lie
        town.log(f"lies that {page.number} was paid")
        try:
            await town.deliver(url, notice.headers, notice.body)
        except MerchantUnreachable:
            town.log("nobody heard")
