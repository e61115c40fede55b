"""What a store promises of a page that was left: taken back once, and by nobody who must not."""

from dataclasses import replace
from datetime import datetime

import pytest

from retender.domain.model.story_pages import AttemptChanged
from retender.domain.model.transition import AttemptState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_kept_attempt,
    an_order,
    attempt_in,
    keep,
)

UNTOUCHED: dict[str, object] = {"asking_until": None, "leased_until": None}
"""Nobody acts on it."""


class ComingBackContract(StoreContract):
    """CLOSING -> OPEN, with the page that was kept."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("over", [None, NOW - TICK, NOW])
    async def test_a_page_that_was_left_is_taken_back(
        self, unit_of_work: UnitOfWork, over: datetime | None
    ) -> None:
        """OPEN again, with the page and the payer that were kept; nobody acts on it any more."""
        acts = {"asking_until": over, "leased_until": over}
        attempt = await a_kept_attempt(unit_of_work, AttemptState.CLOSING, **acts)
        attempt = replace(attempt, asking_until=None, leased_until=None)
        async with unit_of_work() as work:
            assert await work.attempts.take_back(attempt.attempt_id, at=NOW, cause=CAUSE)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            found = await work.attempts.get(attempt.attempt_id)
            (line,) = await work.story.of_order(attempt.order_id)
        assert found == replace(attempt, state=AttemptState.OPEN)
        assert line.fact == AttemptChanged(
            before=AttemptState.CLOSING, after=AttemptState.OPEN, cause=CAUSE
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", [s for s in AttemptState if s is not AttemptState.CLOSING])
    async def test_only_a_page_that_was_left_is_taken_back(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """Nor is anything else noted to be closed."""
        attempt = await a_kept_attempt(unit_of_work, state, **UNTOUCHED)
        async with unit_of_work() as work:
            assert not await work.attempts.take_back(attempt.attempt_id, at=NOW, cause=CAUSE)
            assert not await work.attempts.claim_closing(attempt.attempt_id, NOW + MINUTE)
            assert await work.attempts.get(attempt.attempt_id) == attempt

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "facts",
        [
            {"leased_until": NOW + TICK},
            {"asking_until": NOW + TICK},
            {"page": None, "page_until": None},
            {"page_until": NOW},
            {"page_until": NOW - TICK},
        ],
        ids=["a worker holds it", "somebody closes it", "no page is kept", "it ends", "it ended"],
    )
    async def test_a_page_is_not_taken_back_while(
        self, unit_of_work: UnitOfWork, facts: dict[str, object]
    ) -> None:
        """Somebody may be closing it, or it works no longer."""
        its = {**UNTOUCHED, **facts}
        attempt = await a_kept_attempt(unit_of_work, AttemptState.CLOSING, **its)
        async with unit_of_work() as work:
            assert not await work.attempts.take_back(attempt.attempt_id, at=NOW, cause=CAUSE)
            assert await work.attempts.get(attempt.attempt_id) == attempt

    @pytest.mark.asyncio
    async def test_who_closes_keeps_it_from_being_taken_back(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Until the time is over, or who closes says so."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.CLOSING, **UNTOUCHED)
        its = attempt.attempt_id
        async with unit_of_work() as work:
            assert await work.attempts.claim_closing(its, NOW + MINUTE)
            assert not await work.attempts.take_back(its, at=NOW, cause=CAUSE)
            await work.attempts.release_asking(its, asked_until=NOW + MINUTE)
            assert await work.attempts.take_back(its, at=NOW, cause=CAUSE)

    @pytest.mark.asyncio
    async def test_no_two_payable_attempts_of_one_request_by_coming_back(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """One of them was made since; the transaction goes on."""
        order = an_order()
        left = attempt_in(AttemptState.CLOSING, order, **UNTOUCHED)
        await keep(unit_of_work, order, left, attempt_in(AttemptState.OPEN, order, idx=2))
        async with unit_of_work() as work:
            assert not await work.attempts.take_back(left.attempt_id, at=NOW, cause=CAUSE)
            assert await work.attempts.get(left.attempt_id) == left
