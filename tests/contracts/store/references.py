"""What a store promises of claims to ask, of a provider's references, and of calls for accounts."""

from dataclasses import replace
from functools import partial

import pytest

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode
from retender.domain.model.money import Money
from retender.domain.model.page import Opened
from retender.domain.model.transition import AttemptState
from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.store.ground import StoreContract
from retender.tests.contracts.store.samples import (
    MINUTE,
    NOW,
    PAGES,
    TICK,
    a_capture,
    a_charge,
    a_kept_attempt,
    an_attempt,
    an_attention_item,
    an_ending,
    an_order,
    attempt_in,
    keep,
)

UNTIL = NOW + MINUTE
PAGE = Opened(PAGES[0], "theirs-1")


class ReferencesContract(StoreContract):
    """Who lost the claim keeps no page; what the provider made is found by its own name."""

    @pytest.mark.asyncio
    async def test_only_the_holder_of_the_claim_keeps_a_page(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """A slow one, whose claim ran out and was taken by another, changes nothing."""
        attempt = await a_kept_attempt(unit_of_work, asking_until=None)
        async with unit_of_work() as work:
            assert await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)
            later = UNTIL + MINUTE
            assert await work.attempts.claim_asking(attempt.attempt_id, UNTIL, later)
            await work.commit()
        async with unit_of_work() as work:
            before = await work.attempts.get(attempt.attempt_id)
            keep_page = work.attempts.keep_page
            for token in (UNTIL, later - TICK, later + TICK):
                assert not await keep_page(attempt.attempt_id, PAGE, later, NOW, asked_until=token)
                await work.attempts.release_asking(attempt.attempt_id, asked_until=token)
            assert await work.attempts.get(attempt.attempt_id) == before
            assert await keep_page(attempt.attempt_id, PAGE, later, NOW, asked_until=later)
            assert not await keep_page(attempt.attempt_id, PAGE, later, NOW, asked_until=later)

    @pytest.mark.asyncio
    async def test_a_second_page_keeps_when_the_first_was_kept(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """And a reference that the second answer does not name again."""
        attempt = await a_kept_attempt(unit_of_work, asking_until=UNTIL)
        async with unit_of_work() as work:
            keep_page = work.attempts.keep_page
            await keep_page(attempt.attempt_id, PAGE, UNTIL, NOW, asked_until=UNTIL)
            await work.attempts.claim_asking(attempt.attempt_id, NOW, UNTIL)
            again = Opened(PAGES[1])
            await keep_page(attempt.attempt_id, again, UNTIL, NOW + MINUTE, asked_until=UNTIL)
            found = await work.attempts.get(attempt.attempt_id)
        assert found is not None
        assert (found.opened_at, found.reference, found.page) == (NOW, "theirs-1", PAGES[1])

    @pytest.mark.asyncio
    async def test_a_reference_finds_its_attempt(self, unit_of_work: UnitOfWork) -> None:
        """At its own account only, to the letter."""
        order = an_order()
        mine = an_attempt(order, charge=a_charge(reference="Ref/1"))
        lower = an_attempt(order, idx=2, fingerprint="2" * 32, charge=a_charge(reference="ref/1"))
        elsewhere = an_attempt(
            order,
            idx=3,
            fingerprint="3" * 32,
            account="coffee-house",
            charge=a_charge(reference="Ref/1"),
        )
        await keep(unit_of_work, order, mine, lower, elsewhere)
        async with unit_of_work(read_only=True) as work:
            by_reference = work.attempts.by_reference
            assert await by_reference("tea-house", "Ref/1") == mine
            assert await by_reference("tea-house", "ref/1") == lower
            assert await by_reference("coffee-house", "Ref/1") == elsewhere
            for reference in ("Ref/2", "Ref/", "Ref/10"):
                assert await by_reference("tea-house", reference) is None
            for account in ("another", "water"):
                assert await by_reference(account, "Ref/1") is None

    @pytest.mark.asyncio
    async def test_a_reference_is_one_attempts_only(self, unit_of_work: UnitOfWork) -> None:
        """A page under another's reference is not kept, nor is the attempt added."""
        order = an_order()
        first = an_attempt(order, charge=a_charge(reference="theirs-1"))
        second = an_attempt(order, idx=2, fingerprint="2" * 32, asking_until=UNTIL)
        third = an_attempt(
            order, idx=3, fingerprint="3" * 32, charge=a_charge(reference="theirs-1")
        )
        await keep(unit_of_work, order, first, second)
        async with unit_of_work() as work:
            assert not await work.attempts.add(third)
            keep_page = work.attempts.keep_page
            assert not await keep_page(second.attempt_id, PAGE, UNTIL, NOW, asked_until=UNTIL)
            assert not await work.attempts.fill_in(second.attempt_id, reference="theirs-1")
            assert await work.attempts.get(second.attempt_id) == second

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["reference", "provider_trade_no"])
    async def test_what_a_provider_calls_one_attempt_it_calls_no_other(
        self, unit_of_work: UnitOfWork, name: str
    ) -> None:
        """At one account; other names, and the same one elsewhere, are free."""
        order = an_order()

        def named(idx: int, its: str | None, account: str = "tea-house") -> Attempt:
            bare = an_attempt(order, idx=idx, fingerprint=f"{idx:032}", account=account)
            if name == "reference":
                return replace(bare, charge=replace(bare.charge, reference=its))
            return replace(bare, provider_trade_no=its)

        free = [named(2, "A"), named(3, "C"), named(4, "B", "coffee-house"), named(5, None)]
        await keep(unit_of_work, order, named(1, "B"), *free, named(6, None))
        async with unit_of_work() as work:
            assert not await work.attempts.add(named(7, "B"))

    @pytest.mark.asyncio
    @pytest.mark.parametrize("state", AttemptState)
    async def test_what_is_not_known_yet_is_filled_in(
        self, unit_of_work: UnitOfWork, state: AttemptState
    ) -> None:
        """In any state, once; what is known stays."""
        attempt = await a_kept_attempt(unit_of_work, state, provider_trade_no=None)
        async with unit_of_work() as work:
            fill_in = work.attempts.fill_in
            assert not await fill_in(attempt.attempt_id)
            assert await fill_in(attempt.attempt_id, reference="theirs-1")
            assert await fill_in(attempt.attempt_id, provider_trade_no="T1")
            assert not await fill_in(attempt.attempt_id, reference="other", provider_trade_no="T2")
            assert not await fill_in("nobody", reference="theirs-2")
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            found = await work.attempts.get(attempt.attempt_id)
        charge = replace(attempt.charge, reference="theirs-1")
        assert found == replace(attempt, charge=charge, provider_trade_no="T1")

    @pytest.mark.asyncio
    async def test_a_further_capture_is_kept_once(self, unit_of_work: UnitOfWork) -> None:
        """Under its trade number, which is its account's own; equal in every field."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.SUCCEEDED)
        first = a_capture(attempt)
        second = a_capture(attempt, found_at=NOW + TICK)
        async with unit_of_work() as work:
            assert await work.attempts.add_capture(second)
            assert await work.attempts.add_capture(first)
            assert not await work.attempts.add_capture(replace(first, found_at=NOW + MINUTE))
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            found = await work.attempts.captures_of(attempt.order_id)
            assert sorted(found, key=lambda each: each.found_at) == [first, second]
            assert list(await work.attempts.captures_of("nothing")) == []

    @pytest.mark.asyncio
    async def test_the_greatest_total_that_was_told_is_kept(self, unit_of_work: UnitOfWork) -> None:
        """An old message may come last; what failed since makes every total of before untrue."""
        attempt = await a_kept_attempt(unit_of_work, AttemptState.SUCCEEDED)
        total = partial(Money, currency=attempt.charge.amount.currency)
        for minor in (5, 7, 6):
            async with unit_of_work() as work:
                await work.attempts.hear_total(attempt.attempt_id, total(minor))
                await work.commit()
        async with unit_of_work() as work:
            assert await work.attempts.get(attempt.attempt_id) == replace(
                attempt, told_back=total(7)
            )
            await work.attempts.forget_total(attempt.attempt_id)
            await work.commit()
        async with unit_of_work(read_only=True) as work:
            assert await work.attempts.get(attempt.attempt_id) == attempt

    @pytest.mark.asyncio
    async def test_live_attempts_are_counted_by_account(self, unit_of_work: UnitOfWork) -> None:
        """Those that may still take money, and no account without any."""
        order = an_order()
        states = [AttemptState.OPEN, AttemptState.CLOSING, AttemptState.CLOSED]
        here = [
            attempt_in(state, order, idx=n, fingerprint=f"{n:032}")
            for n, state in enumerate(states)
        ]
        gone = an_attempt(order, idx=9, account="gone", state=AttemptState.SUCCEEDED)
        await keep(unit_of_work, order, *here, gone)
        async with unit_of_work(read_only=True) as work:
            assert dict(await work.backlog.live_attempts()) == {"tea-house": 2}

    @pytest.mark.asyncio
    async def test_what_is_open_about_a_subject_is_found(self, unit_of_work: UnitOfWork) -> None:
        """The oldest first, whatever its code; not what has ended."""
        about = {"about": About.ACCOUNT, "subject": "tea-house"}
        old = an_attention_item(code=AttentionCode.ABSENT, **about)
        ended = an_attention_item(code=AttentionCode.FOREIGN, ending=an_ending(), **about)
        other = an_attention_item(
            code=AttentionCode.ABSENT, about=About.ACCOUNT, subject="coffee-house"
        )
        young = an_attention_item(code=AttentionCode.UNKNOWN_NUMBER, **about)
        await keep(unit_of_work, old, ended, other, young)
        async with unit_of_work() as work:
            assert list(await work.attention.open_about("tea-house")) == [old, young]
            again = an_attention_item(code=AttentionCode.ABSENT, **about)
            assert not await work.attention.add(again), "one open call stands for all"

    @pytest.mark.asyncio
    async def test_an_account_that_waits_for_a_human_stands_for_its_attempts(
        self, unit_of_work: UnitOfWork
    ) -> None:
        """Each by itself is brought up once the account's own call has ended."""
        order = an_order()
        attempt = an_attempt(order, watch_until=NOW)
        call = an_attention_item(
            code=AttentionCode.ABSENT, about=About.ACCOUNT, subject="tea-house"
        )
        await keep(unit_of_work, order, attempt, call)
        async with unit_of_work() as work:
            assert list(await work.backlog.attempts(NOW, NOW, 10)) == []
            assert await work.attention.end(call.attention_id, an_ending())
            assert list(await work.backlog.attempts(NOW, NOW, 10)) == [attempt]
