"""What a store promises of inbox, attention items, outbox and story."""

from dataclasses import replace

import pytest

from retender.domain.model.attention import AttentionCode
from retender.domain.model.event import EventKind, UntoldEvent
from retender.domain.model.story import OrderChanged
from retender.domain.model.story_money import RefundDecided
from retender.domain.model.transition import OrderEvent, OrderState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    BEIJING,
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_fact,
    a_line,
    an_attempt,
    an_attention_item,
    an_event,
    an_order,
    keep,
    readable,
)

UNTIL = NOW + MINUTE
AGAIN = UNTIL + MINUTE


class RecordsContract(StoreContract):
    """What was heard, what must be told, and what happened: each once, in order, for good."""

    @pytest.mark.asyncio
    async def test_a_notice_is_noted_once_an_account(self, unit_of_work: UnitOfWork) -> None:
        """Even if its body differs; another account's key is another key."""
        async with unit_of_work() as work:
            assert await work.inbox.add("tea-house", "evt-1", "hash-1", NOW) is True
            assert await work.inbox.add("tea-house", "evt-1", "hash-2", NOW) is False
            assert await work.inbox.add("coffee-house", "evt-1", "hash-1", NOW) is True
            assert await work.inbox.add("tea-house", "EVT-1", "hash-1", NOW) is True
            await work.commit()
        async with unit_of_work() as work:
            assert await work.inbox.add("tea-house", "evt-1", "hash-1", NOW) is False

    @pytest.mark.asyncio
    async def test_a_notice_may_have_a_long_key(self, unit_of_work: UnitOfWork) -> None:
        """Its length is the provider's business; what differs at its end differs."""
        async with unit_of_work() as work:
            assert await work.inbox.add("tea-house", "茶" * 5000, "hash", NOW) is True
            assert await work.inbox.add("tea-house", "茶" * 4999 + "x", "hash", NOW) is True
            assert await work.inbox.add("tea-house", "茶" * 5000, "hash", NOW) is False

    @pytest.mark.asyncio
    async def test_an_attention_item_is_kept_once(self, unit_of_work: UnitOfWork) -> None:
        """Equal in every field, the newest first, as many as asked for."""
        items = [an_attention_item(code=code) for code in AttentionCode]
        items.append(an_attention_item(at=NOW.astimezone(BEIJING), data={}))
        async with unit_of_work() as work:
            for item in items:
                assert await work.attention.add(item) is True
            assert await work.attention.add(replace(items[0], source="bill")) is False
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attention.all()) == items[::-1]
            assert list(await work.attention.all(2)) == items[:-3:-1]

    @pytest.mark.asyncio
    async def test_an_event_exists_once_a_subject_and_kind(self, unit_of_work: UnitOfWork) -> None:
        """The shop hears of a payment once; of other things, and of others, as well."""
        order = an_order()
        paid = an_event(order)
        closed = an_event(order, kind=EventKind.ORDER_CLOSED)
        other = an_event(order, subject="another")
        async with unit_of_work() as work:
            assert await work.outbox.add(paid) is True
            assert await work.outbox.add(an_event(order)) is False
            assert await work.outbox.add(closed) is True
            assert await work.outbox.add(other) is True
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.outbox.of_order(order.order_no)) == [paid, closed, other]

    @pytest.mark.asyncio
    async def test_events_come_back_equal_and_in_order(self, unit_of_work: UnitOfWork) -> None:
        """The oldest first; an order's own, told or not."""
        order, other = an_order(), an_order()
        events = [
            an_event(order, kind=kind, at=NOW + age * TICK) for age, kind in enumerate(EventKind)
        ]
        stranger = an_event(other, at=NOW.astimezone(BEIJING), data={})
        await keep(unit_of_work, *events, stranger)
        async with unit_of_work() as work:
            first, *_ = claimed = readable(await work.outbox.claim_due(NOW, UNTIL, 100))
            assert [untold.event for untold in claimed] == [*events, stranger]
            assert await work.outbox.mark_sent(first.event.event_id, NOW, held_until=UNTIL)
            assert list(await work.outbox.of_order(order.order_no)) == events
            assert list(await work.outbox.of_order("nobody")) == []

    @pytest.mark.asyncio
    async def test_a_story_is_told_in_the_order_of_writing(self, unit_of_work: UnitOfWork) -> None:
        """Whatever the clock said; over several transactions; one order's lines only."""
        order, other = an_order(), an_order()
        attempt = an_attempt(order)
        await keep(unit_of_work, order, other, attempt)
        lines = [a_line(order, fact=a_fact(f"line {n}"), at=NOW - n * TICK) for n in range(12)]
        lines[5] = a_line(order, attempt_id=attempt.attempt_id, at=NOW.astimezone(BEIJING))
        lines[6] = lines[7] = a_line(order, fact=a_fact("twice the same"))
        for part in (lines[:4], lines[4:9], lines[9:]):
            async with unit_of_work() as work:
                for line in part:
                    await work.story.add(line)
                    await work.story.add(a_line(other))
                await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.story.of_order(order.order_id)) == lines
            assert len(await work.story.of_order(other.order_id)) == len(lines)
            assert list(await work.story.of_order("nobody")) == []

    @pytest.mark.asyncio
    async def test_a_cause_takes_its_place_before_its_effects(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """What a provider's word changed is known only once it is done; the word stands first."""
        order = an_order()
        await keep(unit_of_work, order)
        before, cause, after = (
            a_line(order, fact=a_fact(words)) for words in ("before", "cause", "after")
        )
        async with unit_of_work() as work:
            await work.story.add(before)
            place = work.story.place()
            expired = OrderEvent.DEADLINE_PASSED
            assert await work.orders.move(order.order_id, expired, at=NOW, cause=CAUSE)
            await work.story.add(cause, place=place)
            await work.story.add(after)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            told = list(await work.story.of_order(order.order_id))
        effect = OrderChanged(before=OrderState.NEW, after=OrderState.EXPIRING, cause=CAUSE)
        assert [line.fact for line in told] == [before.fact, cause.fact, effect, after.fact]

    @pytest.mark.asyncio
    async def test_a_unit_of_work_reads_its_own_lines(self, unit_of_work: UnitOfWork) -> None:
        """Also those that follow, and in the order of writing."""
        order = an_order()
        await keep(unit_of_work, order)
        lines = [a_line(order, fact=a_fact(str(n))) for n in range(4)]
        async with unit_of_work() as work:
            for n, line in enumerate(lines):
                await work.story.add(line)
                assert list(await work.story.of_order(order.order_id)) == lines[: n + 1]
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert list(await work.story.of_order(order.order_id)) == lines

    @pytest.mark.asyncio
    @pytest.mark.parametrize("odd", ["\x00", "\ud800", "a\u202eb", "x" * 20_000])
    async def test_no_character_keeps_evidence_out(
        self, unit_of_work: UnitOfWork, odd: str
    ) -> None:
        """A provider's words are written down, if need be with a character replaced."""
        order = an_order()
        await keep(unit_of_work, order)
        async with unit_of_work() as work:
            await work.story.add(a_line(order, fact=a_fact(odd)))
            assert await work.attention.add(an_attention_item(number=odd, data={"odd": odd}))
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            (line,) = await work.story.of_order(order.order_id)
            assert isinstance(line.fact, RefundDecided)
            assert len(await work.attention.all()) == 1

    # --- events that are due ------------------------------------------------------------

    @pytest.mark.asyncio
    async def test_the_oldest_events_come_first(self, unit_of_work: UnitOfWork) -> None:
        """In the order of writing, whatever the clock said; with how often they were tried."""
        order = an_order()
        events = [
            an_event(order, kind=kind, at=NOW - age * TICK) for age, kind in enumerate(EventKind)
        ]
        await keep(unit_of_work, *events)
        async with unit_of_work() as work:
            assert list(await work.outbox.claim_due(NOW, UNTIL, 10)) == [
                UntoldEvent(event) for event in events
            ]
            for event in (events[1], events[0]):
                assert await work.outbox.put_off(event.event_id, AGAIN, held_until=UNTIL)
            await work.commit()
        async with unit_of_work() as work:
            again = await work.outbox.claim_due(AGAIN, AGAIN + MINUTE, 3)
        assert list(again) == [
            UntoldEvent(events[0], 1),
            UntoldEvent(events[1], 1),
            UntoldEvent(events[2], 0),
        ]

    @pytest.mark.asyncio
    async def test_an_event_is_marked_told_once(self, unit_of_work: UnitOfWork) -> None:
        """By its holder; it is not found among the untold again, nor put off."""
        order = an_order()
        first, second = an_event(order), an_event(order, subject="another")
        await keep(unit_of_work, first, second)
        its = first.event_id
        async with unit_of_work() as work:
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is False
            assert await work.outbox.any_due(NOW) is True
            await work.outbox.claim_due(NOW, UNTIL, 10)
            assert await work.outbox.any_due(NOW) is False
            assert await work.outbox.mark_sent(its, NOW, held_until=AGAIN) is False
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is True
            assert await work.outbox.mark_sent(its, NOW, held_until=UNTIL) is False
            assert await work.outbox.put_off(its, NOW, held_until=UNTIL) is False
            for deed in ("mark_sent", "put_off"):
                assert not await getattr(work.outbox, deed)("nobody", NOW, held_until=UNTIL)
            await work.commit()
        async with unit_of_work() as work:
            assert list(await work.outbox.claim_due(UNTIL, AGAIN, 10)) == [UntoldEvent(second)]
