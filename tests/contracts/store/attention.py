"""What a store promises of what waits for a human, and of what has not come to its end."""

from dataclasses import replace
from datetime import datetime

import pytest

from retender.domain.model.attention import (
    ESCALATIONS,
    STANDS,
    About,
    AttentionCode,
    Resolution,
)
from retender.domain.model.transition import (
    LIVE,
    AttemptEvent,
    AttemptState,
    RefundEvent,
    RefundState,
)
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    ABOUT,
    BEIJING,
    CAUSE,
    MINUTE,
    NOW,
    TICK,
    a_call,
    a_refund,
    an_attempt,
    an_attention_item,
    an_ending,
    an_event,
    an_order,
    attempt_in,
    keep,
    readable,
)


class AttentionContract(StoreContract):
    """What waits is kept once and ended once; what is unknown for long is found, all of it."""

    @pytest.mark.asyncio
    async def test_an_attention_item_says_what_it_is_about(self, unit_of_work: UnitOfWork) -> None:
        """Equal in every field, by its id too."""
        items = [an_attention_item(about=about, subject=f"s-{about}") for about in About]
        items.append(an_attention_item(about=About.ATTEMPT, subject="s" * 64, order_no="n" * 64))
        await keep(unit_of_work, *items)
        async with unit_of_work(read_only=True) as work:
            for item in items:
                assert await work.attention.get(item.attention_id) == item
            assert await work.attention.get("nobody") is None

    @pytest.mark.asyncio
    async def test_an_attention_item_ends_once(self, unit_of_work: UnitOfWork) -> None:
        """The first ending stays; who comes second is told so."""
        items = [an_attention_item() for _ in Resolution]
        await keep(unit_of_work, *items)
        endings = [an_ending(resolution=how, at=NOW.astimezone(BEIJING)) for how in Resolution]
        async with unit_of_work() as work:
            for item, ending in zip(items, endings, strict=True):
                assert await work.attention.end(item.attention_id, ending) is True
                assert await work.attention.end(item.attention_id, an_ending()) is False
            assert await work.attention.end("nobody", an_ending()) is False
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            for item, ending in zip(items, endings, strict=True):
                found = await work.attention.get(item.attention_id)
                assert found == replace(item, ending=ending)
                assert found is not None
                assert not found.is_open

    @pytest.mark.asyncio
    async def test_open_ones_are_listed_the_oldest_first(self, unit_of_work: UnitOfWork) -> None:
        """As many as asked for; an order's own; those that ended only among all."""
        mine = [an_attention_item(order_no="A1", at=NOW - n * TICK) for n in range(3)]
        ended, other = (
            an_attention_item(order_no="A1", ending=an_ending()),
            an_attention_item(order_no="a1"),
        )
        await keep(unit_of_work, mine[0], ended, other, *mine[1:])
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attention.open()) == [mine[0], other, *mine[1:]]
            assert list(await work.attention.open(2)) == [mine[0], other]
            assert list(await work.attention.open_of("A1")) == mine
            assert list(await work.attention.open_of("nobody")) == []
            assert ended in await work.attention.all()

    @pytest.mark.asyncio
    @pytest.mark.parametrize("code", ESCALATIONS)
    async def test_a_subject_has_one_open_call_of_a_code(
        self, unit_of_work: UnitOfWork, code: AttentionCode
    ) -> None:
        """Another subject, another code, and after its end, another one."""
        first = a_call(code, "one")
        others = [a_call(code, "another")]
        others += [a_call(another, "one") for another in ESCALATIONS if another is not code]
        await keep(unit_of_work, first, *others)
        async with unit_of_work() as work:
            assert await work.attention.add(a_call(code, "one")) is False
            assert await work.attention.end(first.attention_id, an_ending())
            assert await work.attention.add(a_call(code, "one")) is True
            assert await work.attention.add(a_call(code, "one")) is False
            assert await work.attention.add(a_call(code, "one", ending=an_ending())) is True
            await work.commit()

    @pytest.mark.asyncio
    async def test_evidence_is_kept_however_much_there_is(self, unit_of_work: UnitOfWork) -> None:
        """Two different amounts of one attempt are two pieces of evidence."""
        pieces = [an_attention_item(about=About.ATTEMPT, subject="one") for _ in range(3)]
        await keep(unit_of_work, *pieces)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.attention.open()) == pieces

    @pytest.mark.asyncio
    async def test_attempts_unknown_for_long_are_found(self, unit_of_work: UnitOfWork) -> None:
        """Live ones only, whoever looks at them next; whose watch ended first, first."""
        order = an_order()
        states = [state for state in AttemptState if state is not AttemptState.SUCCEEDED]
        attempts = [
            attempt_in(state, order, idx=idx, fingerprint=f"{idx:032x}", watch_until=NOW)
            for idx, state in enumerate(states)
        ]
        early = an_attempt(order, idx=50, watch_until=NOW - TICK, next_check_at=None)
        late = an_attempt(order, idx=51, fingerprint="e" * 32, watch_until=NOW + TICK)
        await keep(unit_of_work, order, *attempts, early, late)
        async with unit_of_work(read_only=True) as work:
            found = list(await work.backlog.attempts(NOW, NOW, 10))
            assert found == [early, *(a for a in attempts if a.state in LIVE)]
            assert list(await work.backlog.attempts(NOW, NOW, 2)) == found[:2]
            assert list(await work.backlog.attempts(NOW - MINUTE, NOW, 10)) == []

    @pytest.mark.asyncio
    @pytest.mark.parametrize("code", [AttentionCode.REFUND_TOO_LONG, AttentionCode.REFUND_STUCK])
    async def test_refunds_under_way_for_long_are_found(
        self, unit_of_work: UnitOfWork, code: AttentionCode
    ) -> None:
        """And stuck ones by their own code; the oldest first."""
        order = an_order()
        attempt = an_attempt(order)
        refunds = [a_refund(attempt, state=state) for state in RefundState]
        early = a_refund(attempt, state=STANDS[code][0], created_at=NOW - TICK)
        late = a_refund(attempt, state=STANDS[code][0], created_at=NOW + TICK)
        await keep(unit_of_work, order, attempt, *refunds, early, late)
        async with unit_of_work(read_only=True) as work:
            found = list(await work.backlog.refunds(code, NOW, NOW, 10))
            assert found == [early, *(r for r in refunds if r.state in STANDS[code])]
            assert list(await work.backlog.refunds(code, NOW, NOW, 1)) == [early]

    @pytest.mark.asyncio
    async def test_events_untold_for_long_are_found(self, unit_of_work: UnitOfWork) -> None:
        """What was told is not; in the order of writing."""
        order = an_order()
        events = [an_event(order, subject=f"s{n}", at=NOW - n * TICK) for n in range(4)]
        await keep(unit_of_work, *events, an_event(order, at=NOW + TICK))
        await _tell(unit_of_work, events[1].event_id)
        async with unit_of_work(read_only=True) as work:
            untold = [events[0], *events[2:]]
            assert list(await work.backlog.events(NOW, NOW, 10)) == untold
            assert list(await work.backlog.events(NOW, NOW, 1)) == untold[:1]

    @pytest.mark.asyncio
    @pytest.mark.parametrize("code", ESCALATIONS)
    @pytest.mark.parametrize(
        ("since", "quiet"), [(None, True), (NOW - TICK, True), (NOW, False)], ids=str
    )
    async def test_what_somebody_knows_of_is_quiet(
        self, unit_of_work: UnitOfWork, code: AttentionCode, since: datetime | None, quiet: bool
    ) -> None:
        """While a call is open; after any of its attention items ended, until that is long ago."""
        subject = await _standing(unit_of_work, code)
        ending = None if since is None else an_ending(at=NOW)
        facts = {"about": ABOUT[code], "subject": subject, "ending": ending}
        other = code if since is None else AttentionCode.AMOUNT_MISMATCH
        wrong_kind = next(about for about in About if about is not ABOUT[code])
        assert await _found(unit_of_work, code, NOW - MINUTE) == [subject]
        await keep(unit_of_work, an_attention_item(**{**facts, "about": wrong_kind}))
        await keep(unit_of_work, an_attention_item(about=ABOUT[code], subject=subject))
        assert await _found(unit_of_work, code, NOW - MINUTE) == [subject]
        await keep(unit_of_work, an_attention_item(code=other, **facts))
        found = await _found(unit_of_work, code, since or NOW)
        assert found == ([] if quiet else [subject])

    @pytest.mark.asyncio
    @pytest.mark.parametrize("code", ESCALATIONS)
    async def test_a_call_is_over_when_its_subject_is_where_it_was_no_more(
        self, unit_of_work: UnitOfWork, code: AttentionCode
    ) -> None:
        """Open ones of our own only; all, or one that is asked for."""
        subject = await _standing(unit_of_work, code)
        call, stranger = a_call(code, subject), a_call(code, "nobody")
        evidence = an_attention_item(about=ABOUT[code], subject=subject)
        await keep(unit_of_work, call, stranger, evidence)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.backlog.over(10)) == []
        await _end_subject(unit_of_work, code, subject)
        async with unit_of_work() as work:
            assert list(await work.backlog.over(10)) == [call]
            assert list(await work.backlog.over(0)) == []
            assert list(await work.backlog.over(10, call.attention_id)) == [call]
            assert list(await work.backlog.over(10, stranger.attention_id)) == []
            assert await work.attention.end(call.attention_id, an_ending())
            assert list(await work.backlog.over(10)) == []

    @pytest.mark.asyncio
    @pytest.mark.parametrize("about", [About.ATTEMPT, About.REFUND])
    async def test_a_call_for_an_account_is_over_when_its_subject_has_ended(
        self, unit_of_work: UnitOfWork, about: About
    ) -> None:
        """Be it an attempt or a refund, and whatever another kind of the same name does."""
        alike = "A0000001"
        order = an_order()
        attempt = an_attempt(order, attempt_id=alike, watch_until=NOW)
        refund = a_refund(attempt, refund_no=alike)
        code = AttentionCode.ACCOUNT_GONE
        call = an_attention_item(code=code, about=about, subject=alike)
        await keep(unit_of_work, order, attempt, refund, call)
        codes = {
            About.ATTEMPT: AttentionCode.UNKNOWN_TOO_LONG,
            About.REFUND: AttentionCode.REFUND_TOO_LONG,
        }
        other = next(kind for kind in codes if kind is not about)
        await _end_subject(unit_of_work, codes[other], alike)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.backlog.over(10)) == []
        await _end_subject(unit_of_work, codes[about], alike)
        async with unit_of_work(read_only=True) as work:
            assert list(await work.backlog.over(10)) == [call]


async def _tell(unit_of_work: UnitOfWork, event_id: str) -> None:
    async with unit_of_work() as work:
        await work.outbox.claim_due(NOW, NOW + MINUTE, 10)
        assert await work.outbox.mark_sent(event_id, NOW, held_until=NOW + MINUTE)
        await work.commit()


async def _standing(unit_of_work: UnitOfWork, code: AttentionCode) -> str:
    """Put something into the store for which a call of this code stands; return its name."""
    order = an_order()
    attempt = an_attempt(order, watch_until=NOW)
    state = next(iter(STANDS[code]), None)
    refund = a_refund(attempt, state=state if isinstance(state, RefundState) else RefundState.DONE)
    event = an_event(order)
    await keep(unit_of_work, order, attempt, refund, event)
    return {
        About.ATTEMPT: attempt.attempt_id,
        About.REFUND: refund.refund_no,
        About.EVENT: event.event_id,
    }[ABOUT[code]]


async def _end_subject(unit_of_work: UnitOfWork, code: AttentionCode, subject: str) -> None:
    if code is AttentionCode.UNTOLD_TOO_LONG:
        await _tell(unit_of_work, subject)
        return
    async with unit_of_work() as work:
        match code:
            case AttentionCode.UNKNOWN_TOO_LONG:
                moved = await work.attempts.move(
                    subject, AttemptEvent.PROVEN_DEAD, at=NOW, cause=CAUSE
                )
            case AttentionCode.REFUND_TOO_LONG:
                await work.refunds.move(subject, RefundEvent.SENT, at=NOW, cause=CAUSE)
                moved = await work.refunds.move(subject, RefundEvent.FAILED, at=NOW, cause=CAUSE)
            case _:
                moved = await work.refunds.move(subject, RefundEvent.CONFIRMED, at=NOW, cause=CAUSE)
        assert moved
        await work.commit()


async def _found(unit_of_work: UnitOfWork, code: AttentionCode, since: datetime) -> list[str]:
    """Return the names of what is found to call for by this code."""
    async with unit_of_work(read_only=True) as work:
        match ABOUT[code]:
            case About.ATTEMPT:
                attempts = readable(await work.backlog.attempts(NOW, since, 10))
                return [attempt.attempt_id for attempt in attempts]
            case About.REFUND:
                refunds = readable(await work.backlog.refunds(code, NOW, since, 10))
                return [refund.refund_no for refund in refunds]
            case _:
                events = readable(await work.backlog.events(NOW, since, 10))
                return [event.event_id for event in events]
