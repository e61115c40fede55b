"""Servers and workers are killed under load; no payment is lost, and none is kept twice."""

import pytest

from retender.tests.processes.people import chance_of
from retender.tests.processes.play import play
from retender.tests.processes.trouble import die_at_steps, kill_at_random

WORKERS = ("worker-1", "worker-2")
SERVERS = ("server-1", "server-2")

STEPS = {
    "after commit 1 of PlaceOrder": SERVERS,
    "after commit 1 of PayOrder": SERVERS,
    "after call open 1 of PayOrder": SERVERS,
    "before commit 1 of TakeNotice": ("server-1",),
    "after commit 1 of TakeNotice": ("server-1",),
    "after commit 1 of FindDueWork": WORKERS,
    "after call query 1 of CheckAttempt": WORKERS,
    "before commit 1 of CheckAttempt": WORKERS,
    "after announcement 1 of AnnounceEvents": WORKERS,
    "after commit 1 of AnnounceEvents": WORKERS,
}
"""Some of those that ``make kill ARGS=steps`` finds: enough to see that dying there works."""


@pytest.mark.asyncio
async def test_kills_at_random_and_at_named_steps_on_sqlite(set_quick_scene, sqlite_url, run):
    async with set_quick_scene(sqlite_url) as scene:

        async def trouble(_):
            await kill_at_random(scene, 8, pause_seconds=0.5, chance=chance_of(1))
            reached = await die_at_steps(scene, STEPS, patience_seconds=20)
            assert set(reached.died_at) == set(STEPS)

        await play(scene, run, trouble, seed=1, at_once=8, at_least=40)
    assert run.problems == []
    assert run.numbers["orders"] >= 40


@pytest.mark.asyncio
async def test_kills_and_immediate_stops_of_postgresql(set_quick_scene, own_cluster, run):
    async with own_cluster() as cluster, set_quick_scene(cluster.url) as scene:

        async def trouble(_):
            await kill_at_random(
                scene, 10, pause_seconds=0.5, chance=chance_of(2), cluster=cluster, stops=2
            )

        await play(scene, run, trouble, seed=2, at_once=8, at_least=40)
        assert cluster.stops == 2
    assert run.problems == []
    assert run.numbers["orders"] >= 40
