"""Two servers, two workers and crowds of clients on the same orders: one payment is kept."""

import pytest

from retender.tests.processes.play import play
from retender.tests.processes.race import RACE_TRACK, race


@pytest.mark.asyncio
async def test_one_wins_and_the_others_get_their_money_back(set_quick_scene, sqlite_url, run):
    async with set_quick_scene(sqlite_url, **RACE_TRACK) as scene:

        async def no_trouble(_):
            return

        await play(scene, run, no_trouble, seed=5, at_once=8, at_least=40, lives=race)
    assert run.problems == []
    assert run.numbers["orders PAID"] == run.numbers["orders"] >= 40
    assert run.numbers["surpluses given back"] > 20
    # Nobody crashed, so that nothing is to be told twice.
    assert run.numbers["announced again after a crash"] == 0
