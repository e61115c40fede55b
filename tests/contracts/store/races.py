"""What a store promises of races: many want the same at the same instant, one gets it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionCode
from retender.domain.model.event import Event, EventKind
from retender.domain.model.page import Opened
from retender.domain.model.refund import RefundCause
from retender.domain.model.transition import (
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    RefundEvent,
)
from retender.ports.unit_of_work import UnitOfWork, Work
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    CAUSE,
    MINUTE,
    NOW,
    PAGES,
    a_charge,
    a_refund,
    an_attempt,
    an_attention_item,
    an_ending,
    an_event,
    an_order,
    keep,
    new_id,
    readable,
)

AnswerT = TypeVar("AnswerT")

CROWD = 32
UNTIL = NOW + MINUTE

ONCE: Mapping[str, Callable[[Work, Attempt, int], Awaitable[bool]]] = {
    "an order": lambda w, *_: w.orders.add(an_order(order_no="shop-x")),
    "a payer's key": lambda w, *_: w.orders.add(an_order(key="table-7")),
    "an attempt": lambda w, first, n: w.attempts.add(
        replace(first, attempt_id=new_id(), idx=n + 2, fingerprint="one", charge=a_charge())
    ),
    "a number": lambda w, first, n: w.attempts.add(
        replace(
            first,
            attempt_id=new_id(),
            idx=n + 2,
            fingerprint=f"{n}",
            charge=a_charge(number="number01"),
        )
    ),
    "a refund": lambda w, first, _: w.refunds.add(a_refund(first, refund_no="back-1")),
    "a surplus": lambda w, first, _: w.refunds.add(a_refund(first, cause=RefundCause.LATE)),
    "a notice": lambda w, _, n: w.inbox.add("tea-house", "evt-1", str(n), NOW),
    "an attention item": lambda w, *_: w.attention.add(
        an_attention_item(attention_id="fits-nothing")
    ),
    "a call for a human": lambda w, *_: w.attention.add(
        an_attention_item(code=AttentionCode.REFUND_STUCK, subject="back-1")
    ),
    "an event": lambda w, *_: w.outbox.add(
        Event(event_id=new_id(), kind=EventKind.ORDER_PAID, subject="x", order_no="x", at=NOW)
    ),
}
"""What many may add at once, in so many slightly different ways: transaction, attempt, which."""


class RacesContract(StoreContract):
    """Half of the crowd comes through ``rival``, as other processes would."""

    @pytest.mark.asyncio
    async def test_a_hundred_increments_stay_a_hundred(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """No update is lost, also when everybody has read the row before changing it."""
        order = an_order()
        await keep(unit_of_work, order)

        async def increment(work: Work, _: int) -> bool:
            assert await work.orders.by_id(order.order_id) is not None
            await asyncio.sleep(0)
            return await work.orders.hold(order.order_id)

        assert await crowd((unit_of_work, rival), increment, size=100) == [True] * 100
        async with unit_of_work(read_only=True) as work:
            assert await work.orders.by_id(order.order_id) == replace(order, version=100)

    @pytest.mark.asyncio
    async def test_a_crowd_that_holds_the_order_makes_one_attempt(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """Who comes second waits for the first one's end, then sees what it did."""
        order = an_order()
        await keep(unit_of_work, order)

        async def pay(work: Work, _: int) -> bool:
            assert await work.orders.hold_new(order.order_id, NOW)
            await asyncio.sleep(0)
            if await work.attempts.of_order(order.order_id):
                return False
            assert await work.attempts.add(an_attempt(order))
            return True

        assert Counter(await crowd((unit_of_work, rival), pay)) == {True: 1, False: CROWD - 1}
        async with unit_of_work(read_only=True) as work:
            assert len(await work.attempts.of_order(order.order_id)) == 1

    @pytest.mark.asyncio
    async def test_an_order_is_won_once(self, unit_of_work: UnitOfWork, rival: UnitOfWork) -> None:
        """The winner is who was told so, and the story says it once."""
        order = an_order()
        await keep(unit_of_work, order)
        names = [new_id() for _ in range(CROWD)]

        async def win(work: Work, which: int) -> bool:
            return await work.orders.move(
                order.order_id, OrderEvent.CAPTURED, at=NOW, cause=CAUSE, winner=names[which]
            )

        answers = await crowd((unit_of_work, rival), win)
        assert answers.count(True) == 1
        async with unit_of_work(read_only=True) as work:
            paid = await work.orders.by_id(order.order_id)
            assert len(await work.story.of_order(order.order_id)) == 1
        winner = names[answers.index(True)]
        assert paid == replace(order, state=OrderState.PAID, winner=winner, version=1)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("what", list(ONCE))
    async def test_what_exists_once_is_added_once(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork, what: str
    ) -> None:
        """One is told yes, all others no, nobody an error."""
        order = an_order()
        attempt = an_attempt(order)
        await keep(unit_of_work, order, attempt)

        async def add(work: Work, which: int) -> bool:
            return await ONCE[what](work, attempt, which)

        assert Counter(await crowd((unit_of_work, rival), add)) == {True: 1, False: CROWD - 1}

    @pytest.mark.asyncio
    async def test_one_ends_an_attention_item(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """Who comes second hears that it has ended."""
        item = an_attention_item()
        await keep(unit_of_work, item)

        async def end(work: Work, _: int) -> bool:
            return await work.attention.end(item.attention_id, an_ending())

        assert Counter(await crowd((unit_of_work, rival), end)) == {True: 1, False: CROWD - 1}

    @pytest.mark.asyncio
    async def test_one_asks_the_provider(self, unit_of_work: UnitOfWork, rival: UnitOfWork) -> None:
        """However many press the button."""
        order = an_order()
        attempt = an_attempt(order)
        await keep(unit_of_work, order, attempt)

        async def ask(work: Work, _: int) -> bool:
            return await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)

        assert Counter(await crowd((unit_of_work, rival), ask)) == {True: 1, False: CROWD - 1}

    @pytest.mark.asyncio
    async def test_a_page_and_a_close_meet(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """Whoever is first: an attempt left behind has no page, and is left behind once."""
        order = an_order()
        attempts = [
            an_attempt(order, idx=n, fingerprint=f"{n:032}", asking_until=UNTIL)
            for n in range(1, CROWD // 2)
        ]
        await keep(unit_of_work, order, *attempts)

        async def meet(work: Work, which: int) -> bool:
            attempt_id = attempts[which // 2].attempt_id
            if which % 4 in {0, 3}:  # each side is first for every other attempt
                page = Opened(PAGES[0])
                return await work.attempts.keep_page(
                    attempt_id, page, UNTIL, NOW, asked_until=UNTIL
                )
            return await work.attempts.move(
                attempt_id, AttemptEvent.CLOSE_WANTED, at=NOW, cause=CAUSE
            )

        answers = await crowd((unit_of_work, rival), meet, size=2 * len(attempts))
        assert answers.count(True) >= len(attempts)
        async with unit_of_work(read_only=True) as work:
            for attempt in await work.attempts.of_order(order.order_id):
                assert attempt.state is AttemptState.CLOSING
                assert not attempt.is_payable

    @pytest.mark.asyncio
    async def test_no_two_workers_get_the_same(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """All that is due is claimed, each by one of them."""
        order = an_order()
        attempts = [
            an_attempt(order, idx=n, fingerprint=f"{n:032}", next_check_at=NOW)
            for n in range(1, 21)
        ]
        refunds = [a_refund(attempts[0]) for _ in range(20)]
        events = [an_event(order, subject=f"{n}") for n in range(20)]
        await keep(unit_of_work, order, *attempts, *refunds, *events)

        async def claim(work: Work, _: int) -> list[str]:
            some = await work.attempts.claim_due(NOW, UNTIL, 3)
            await asyncio.sleep(0)
            others = await work.refunds.claim_due(NOW, UNTIL, 3)
            await asyncio.sleep(0)
            news = readable(await work.outbox.claim_due(NOW, UNTIL, 3))
            return [*some, *others, *(untold.event.event_id for untold in news)]

        got = Counter(name for part in await crowd((unit_of_work, rival), claim) for name in part)
        everyone = [a.attempt_id for a in attempts] + [r.refund_no for r in refunds]
        assert got == Counter(everyone + [event.event_id for event in events])

    @pytest.mark.asyncio
    async def test_a_refund_is_sent_by_one(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """Only who is told yes may call the provider, and the try counts once."""
        order = an_order()
        attempt = an_attempt(order)
        refund = a_refund(attempt)
        await keep(unit_of_work, order, attempt, refund)

        async def send(work: Work, _: int) -> bool:
            return await work.refunds.move(refund.refund_no, RefundEvent.SENT, at=NOW, cause=CAUSE)

        assert Counter(await crowd((unit_of_work, rival), send)) == {True: 1, False: CROWD - 1}
        async with unit_of_work(read_only=True) as work:
            sent = await work.refunds.get(refund.refund_no)
        assert sent is not None
        assert sent.tries == 1

    @pytest.mark.asyncio
    async def test_a_story_written_by_many_keeps_every_line(
        self, unit_of_work: UnitOfWork, rival: UnitOfWork
    ) -> None:
        """Lines of one transaction stay together when all of them hold the order."""
        order = an_order()
        attempts = [an_attempt(order, idx=n, fingerprint=f"{n:032}") for n in range(1, CROWD + 1)]
        await keep(unit_of_work, order, *attempts)

        async def retire(work: Work, which: int) -> bool:
            attempt_id = attempts[which].attempt_id
            await work.orders.hold(order.order_id)
            for event in (AttemptEvent.CLOSE_WANTED, AttemptEvent.PROVEN_DEAD):
                at = NOW + timedelta(seconds=which)
                assert await work.attempts.move(attempt_id, event, at=at, cause=CAUSE)
                await asyncio.sleep(0)
            return True

        await crowd((unit_of_work, rival), retire)
        async with unit_of_work(read_only=True) as work:
            names = [line.attempt_id for line in await work.story.of_order(order.order_id)]
        assert names[::2] == names[1::2]
        assert Counter(names[::2]) == Counter(a.attempt_id for a in attempts)


async def crowd(
    ways: Sequence[UnitOfWork],
    deed: Callable[[Work, int], Awaitable[AnswerT]],
    *,
    size: int = CROWD,
) -> list[AnswerT]:
    """Do the deed in so many transactions at once, in turn through each way; give the answers."""

    async def one(which: int) -> AnswerT:
        async with ways[which % len(ways)]() as work:
            answer = await deed(work, which)
            await work.commit()
        return answer

    return list(await asyncio.gather(*(one(which) for which in range(size))))
