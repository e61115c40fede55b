"""A command's time for questions: over for all of them at once, and never in mid-transaction."""

import asyncio
from datetime import timedelta

import pytest

from retender.adapters.time_budget import AsyncTimeBudget
from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain

pytestmark = pytest.mark.asyncio

SOON = timedelta(milliseconds=20)


async def echo(word: str) -> str:
    return word


async def for_ever(_word: str) -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_answer_in_time_is_the_answer():
    assert await AsyncTimeBudget(timedelta(seconds=60)).answer(echo, "a") == "a"


async def test_a_question_that_is_cut_off_may_have_had_an_effect():
    with pytest.raises(ProviderUncertain, match=r"No answer within the 0\.02 s"):
        await AsyncTimeBudget(SOON).answer(for_ever, "a")


async def test_when_the_time_is_over_nothing_is_sent():
    asked = []

    async def note(word: str) -> None:
        asked.append(word)

    budget = AsyncTimeBudget(SOON)
    with pytest.raises(ProviderUncertain):
        await budget.answer(for_ever, "a")
    with pytest.raises(ProviderUnavailable, match="Nothing was sent"):
        await budget.answer(note, "b")
    assert asked == []


async def test_what_is_cut_off_is_ended_not_left_running():
    ended = asyncio.Event()

    async def slow(_word: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ProviderUncertain):
        await AsyncTimeBudget(SOON).answer(slow, "a")
    assert ended.is_set()


async def test_answers_come_in_the_order_of_the_questions():
    async def backwards(number: int) -> int:
        for _ in range(10 - number):
            await asyncio.sleep(0)
        return number * number

    budget = AsyncTimeBudget(timedelta(seconds=60))
    assert await budget.side_by_side(backwards, range(5)) == [0, 1, 4, 9, 16]
    assert await budget.side_by_side(backwards, [3]) == [9]
    assert await budget.side_by_side(backwards, []) == []


async def test_one_error_stops_none_of_the_others_and_the_first_is_raised():
    done = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        if number % 2:
            raise ValueError(number)
        await asyncio.sleep(0)
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        await AsyncTimeBudget(timedelta(seconds=60)).side_by_side(work, range(5))
    assert done == [0, 2, 4]


async def test_who_is_cancelled_leaves_nothing_running():
    began, ended, all_began = [], [], asyncio.Event()

    async def work(number: int) -> None:
        began.append(number)
        if len(began) == 3:
            all_began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    budget = AsyncTimeBudget(timedelta(seconds=60))
    task = asyncio.create_task(_all(budget, work))
    await all_began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1, 2]


async def _all(budget, work) -> None:
    await budget.side_by_side(work, range(3))
