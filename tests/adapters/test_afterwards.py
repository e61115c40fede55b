"""Background notes: nobody waits for them, and no trouble of theirs is anybody's."""

import asyncio
from datetime import timedelta

import pytest

from retender.adapters.afterwards import Background

pytestmark = pytest.mark.asyncio


async def test_notes_are_written_later_one_after_another_in_order():
    background, done = Background(), []

    def note(n):
        async def write():
            done.append(f"{n} begins")
            await asyncio.sleep(0)
            done.append(f"{n} ends")

        return write

    for n in range(2):
        await background(note(n))
    assert done == []
    await background.settle()
    assert done == ["0 begins", "0 ends", "1 begins", "1 ends"]
    await background.settle()


async def test_trouble_is_logged_and_stops_no_other(caplog):
    background, done = Background(), []

    async def fail():
        raise ConnectionError("the store is away")

    async def write():
        done.append("written")

    await background(fail)
    await background(write)
    await background.settle()
    assert done == ["written"]
    assert "the store is away" in caplog.text


async def test_too_many_are_dropped(caplog):
    background, done = Background(most=2), []

    async def write():
        done.append("written")

    for _ in range(3):
        await background(write)
    await background.settle()
    assert done == ["written"] * 2
    assert "a note is dropped" in caplog.text


async def test_a_store_that_never_answers_is_waited_for_no_longer_than_said(caplog):
    background = Background()

    async def never():
        await asyncio.Event().wait()

    await background(never)
    await background.settle(within=timedelta(0))
    assert "1 notes are dropped" in caplog.text
    assert len(asyncio.all_tasks()) == 1
