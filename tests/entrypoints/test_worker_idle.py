"""What a worker asks of the database while it has nothing to do, and that it acts in time."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event

from retender.entrypoints.settings import WorkerSettings

pytestmark = pytest.mark.asyncio

MOST_A_MINUTE = 60


def counted(shop) -> Counter[str]:
    """Count the statements that reach the engine from now on."""
    found: Counter[str] = Counter()

    def note(_connection, _cursor, statement, *_):
        found[statement] += 1

    event.listen(shop.container.unit_of_work()._engine.sync_engine, "before_cursor_execute", note)
    return found


async def test_an_idle_worker_asks_one_question_a_look(shop, mocker):
    """And looks as often as the settings say; besides, some once a minute."""
    worker = shop.container.worker()
    mocker.patch.object(worker, "_interval", timedelta(seconds=0.01))
    found = counted(shop)
    task = asyncio.create_task(worker.run())
    while max(found.values(), default=0) < 10:  # noqa: ASYNC110 - it stands in for a minute
        await asyncio.sleep(0.001)
    worker.stop()
    await task
    look, looks = found.most_common(1)[0]
    assert look.startswith("SELECT CASE"), look
    rarely = found.total() - looks
    interval = WorkerSettings().interval_seconds
    assert 60 / interval + rarely <= MOST_A_MINUTE


async def test_work_that_becomes_due_is_done_at_the_next_look(shop, mocker):
    """An order, an attempt and an event, each by the lane that the look has woken."""
    worker = shop.container.worker()
    mocker.patch.object(worker, "_interval", timedelta(seconds=0.01))
    await shop.place("o-1")
    await shop.place("o-2")
    await shop.page("o-2")
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    shop.clock.pass_by(hours=1)
    async with asyncio.timeout(10):
        while {await state(shop, "o-1"), await state(shop, "o-2")} != {"CLOSED"}:
            await asyncio.sleep(0.01)
            shop.clock.pass_by(minutes=1)
    worker.stop()
    await task


async def state(shop, order_no: str) -> str:
    return str((await shop.story(order_no))["order"]["state"])
