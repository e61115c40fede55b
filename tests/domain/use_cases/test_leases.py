"""Leases: who holds the work does it, and who woke up late does nothing at all."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from retender.domain.model.errors import ProviderRefused, ProviderUncertain, Refusal
from retender.domain.model.event import UntoldEvent, next_telling
from retender.domain.model.transition import RefundEvent
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.find_due_work import DueWork
from retender.tests.contracts.store.samples import CAUSE

pytestmark = pytest.mark.asyncio

UNKNOWN = ProviderUncertain("read time-out")
LEASE = timedelta(minutes=1)


@pytest.fixture
def writers(shop, mocker):
    """Note every transaction that takes a write lock."""
    begin = shop.unit_of_work.inner
    begun: list[str] = []

    def noted(*, read_only=False, once=False):
        if not read_only:
            begun.append("writer")
        return begin(read_only=read_only, once=once)

    mocker.patch.object(shop.unit_of_work, "inner", noted)
    return begun


async def due_attempt(shop, *args):
    """Open a page, wait until it is to be checked, and claim it."""
    await shop.place()
    ready = await shop.page(*args)
    shop.clock.pass_by(seconds=15)
    due = await shop.find_due_work()
    assert due.attempt_ids == (ready.attempt.attempt_id,)
    return ready.attempt.attempt_id, due.held_until


async def due_refund(shop):
    """Pay twice, and claim the refund of the surplus."""
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt
    new = (await shop.page("wechat", "pc")).attempt
    await shop.hear("alipay", shop.alipay.pay(old.number))
    await shop.hear("wechat", shop.wechat.pay(new.number))
    due = await shop.find_due_work()
    assert due.refund_nos == (f"R{new.number}",)
    return f"R{new.number}", due.held_until


async def taken_over(shop):
    """Let the lease run out, and let another worker claim."""
    shop.clock.pass_by(minutes=1)
    due = await shop.find_due_work()
    assert due.attempt_ids or due.refund_nos
    return due.held_until


async def refund_of(shop):
    return (await shop.story()).refunds[0]


# --- attempts ----------------------------------------------------------------------------


async def test_a_worker_that_woke_up_late_does_nothing_to_an_attempt(shop):
    attempt_id, late = await due_attempt(shop)
    await taken_over(shop)
    before, calls = await shop.attempt(), list(shop.wechat.calls)
    assert await shop.check_attempt(attempt_id=attempt_id, held_until=late) == before
    assert await shop.attempt() == before
    assert shop.wechat.calls == calls


async def test_a_lease_that_is_over_is_nobodys(shop):
    """Whoever comes next may have it at any moment."""
    attempt_id, late = await due_attempt(shop)
    shop.clock.pass_by(minutes=1)
    calls = list(shop.wechat.calls)
    await shop.check_attempt(attempt_id=attempt_id, held_until=late)
    assert shop.wechat.calls == calls


async def test_what_a_worker_would_do_too_late_it_does_not(shop):
    """The answer is true, and noted; closing and planning are for who holds it now."""
    attempt_id, _ = await due_attempt(shop)
    shop.clock.pass_by(minutes=31)
    due = await shop.find_due_work()
    held = {}

    async def be_slow():
        held["by another"] = await taken_over(shop)

    shop.wechat.during("query", be_slow)
    calls = len(shop.wechat.calls)
    attempt = await shop.check_attempt(attempt_id=attempt_id, held_until=due.held_until)
    assert [call.split()[0] for call in shop.wechat.calls[calls:]] == ["query"]
    assert (attempt.state, attempt.checks) == ("CLOSING", 0)
    assert attempt.leased_until == held["by another"]


async def test_a_worker_closes_under_its_own_lease(shop):
    """Its own wish to close does not end the lease before it is done."""
    attempt_id, _ = await due_attempt(shop)
    shop.clock.pass_by(minutes=31)
    due = await shop.find_due_work()

    async def see_who_holds_it():
        assert (await shop.attempt()).leased_until == due.held_until
        assert await shop.find_due_work() == DueWork()

    shop.wechat.during("close", see_who_holds_it)
    await shop.check_attempt(attempt_id=attempt_id, held_until=due.held_until)
    assert (await shop.attempt()).state == "CLOSED"


async def test_a_look_by_hand_never_ends_the_lease_of_a_worker(shop):
    attempt_id, held_until = await due_attempt(shop)
    shop.wechat.fail("query", UNKNOWN)
    attempt = await shop.check_attempt(attempt_id=attempt_id)
    assert (attempt.leased_until, attempt.checks) == (held_until, 0)
    assert "query" in shop.wechat.calls[-1]
    shop.wechat.fail("query", UNKNOWN)
    attempt = await shop.check_attempt(attempt_id=attempt_id, held_until=held_until)
    assert (attempt.leased_until, attempt.checks) == (None, 1)


async def test_a_look_by_hand_after_expiry_leaves_the_closing_to_who_holds_it(shop):
    attempt_id, _ = await due_attempt(shop)
    shop.clock.pass_by(minutes=31)
    due = await shop.find_due_work()
    attempt = await shop.check_attempt(attempt_id=attempt_id)
    assert (attempt.state, attempt.leased_until) == ("OPEN", due.held_until)


async def test_a_look_by_hand_counts_where_a_dead_worker_left_its_lease(shop):
    attempt_id, _ = await due_attempt(shop)
    shop.clock.pass_by(minutes=1)
    attempt = await shop.check_attempt(attempt_id=attempt_id)
    assert (attempt.leased_until, attempt.checks) == (None, 1)


async def test_what_the_payer_left_meanwhile_is_not_the_workers_any_more(shop):
    """Switching ends the lease, so that the page left behind is looked at at once."""
    attempt_id, held_until = await due_attempt(shop)
    shop.wechat.fail("close", UNKNOWN)
    shop.wechat.fail("query", UNKNOWN)
    await shop.page("alipay", "pc")
    before, calls = await shop.attempt(), len(shop.wechat.calls)
    assert before.state == "CLOSING"
    await shop.check_attempt(attempt_id=attempt_id, held_until=held_until)
    assert await shop.attempt() == before
    assert len(shop.wechat.calls) == calls
    assert attempt_id in (await shop.find_due_work()).attempt_ids


# --- refunds -----------------------------------------------------------------------------


async def test_a_worker_that_woke_up_late_sends_no_refund(shop):
    refund_no, late = await due_refund(shop)
    held_until = await taken_over(shop)
    before = await refund_of(shop)
    assert await shop.check_refund(refund_no=refund_no, held_until=late) == before
    assert await refund_of(shop) == before
    assert not [call for call in shop.wechat.calls if "refund" in call]
    done = await shop.check_refund(refund_no=refund_no, held_until=held_until)
    assert done.state == "DONE"


async def test_a_worker_that_woke_up_late_asks_after_no_refund(shop):
    refund_no, held_until = await due_refund(shop)
    shop.wechat.pending_refunds = True
    await shop.check_refund(refund_no=refund_no, held_until=held_until)
    late = await taken_over(shop)
    await taken_over(shop)
    before, calls = await refund_of(shop), list(shop.wechat.calls)
    assert before.state == "SENT"
    await shop.check_refund(refund_no=refund_no, held_until=late)
    assert (await refund_of(shop), shop.wechat.calls) == (before, calls)


async def test_who_lost_the_lease_between_looking_and_sending_does_not_send(shop, mocker):
    """The row is written first, under the token; only then the provider is called."""
    refund_no, late = await due_refund(shop)
    await taken_over(shop)
    mocker.patch("retender.domain.use_cases.check_refund.is_held", return_value=True)
    refund = await shop.check_refund(refund_no=refund_no, held_until=late)
    assert refund.state == "DUE"
    assert not [call for call in shop.wechat.calls if "refund" in call]


@pytest.mark.parametrize("answer", [None, UNKNOWN])
async def test_of_a_slow_refund_only_the_evidence_counts(shop, answer):
    refund_no, late = await due_refund(shop)
    held = {}

    async def be_slow():
        held["by another"] = await taken_over(shop)

    shop.wechat.during("refund", be_slow)
    if answer:
        shop.wechat.fail("refund", answer)
    refund = await shop.check_refund(refund_no=refund_no, held_until=late)
    if answer is None:
        assert (refund.state, refund.leased_until) == ("DONE", None)
    else:
        assert (refund.state, refund.leased_until) == ("SENT", held["by another"])


async def test_a_refund_without_an_answer_is_free_again_when_planned(shop):
    """The holder ends its lease; the second try is not held up by the first one's."""
    refund_no, held_until = await due_refund(shop)
    shop.wechat.fail("refund", UNKNOWN)
    refund = await shop.check_refund(refund_no=refund_no, held_until=held_until)
    assert (refund.state, refund.leased_until) == ("DUE", None)
    shop.clock.pass_by(minutes=1)
    await shop.work_once()
    assert (await refund_of(shop)).state == "DONE"


async def test_a_step_by_hand_leaves_to_a_worker_what_it_holds(shop):
    refund_no, held_until = await due_refund(shop)
    refund = await shop.check_refund(refund_no=refund_no)
    assert (refund.state, refund.leased_until) == ("DUE", held_until)
    assert not [call for call in shop.wechat.calls if "refund" in call]
    await shop.check_refund(refund_no=refund_no, held_until=held_until)
    assert (await refund_of(shop)).state == "DONE"


async def test_a_look_by_hand_at_a_refund_never_ends_the_lease_of_a_worker(shop):
    refund_no, held_until = await due_refund(shop)
    shop.wechat.pending_refunds = True
    await shop.check_refund(refund_no=refund_no, held_until=held_until)
    held_until = await taken_over(shop)
    refund = await shop.check_refund(refund_no=refund_no)
    assert (refund.state, refund.leased_until) == ("SENT", held_until)


async def test_no_worker_sends_what_is_just_being_sent_by_hand(shop):
    """Two who send at a time could not trust a "no": it would not be about the other's call."""
    found = []

    async def meanwhile():
        shop.clock.pass_by(seconds=59)
        found.append(await shop.find_due_work())
        shop.clock.pass_by(seconds=1)
        found.append(await shop.find_due_work())

    refund_no, _ = await due_refund(shop)
    shop.clock.pass_by(minutes=1)
    shop.wechat.during("refund", meanwhile)
    await shop.check_refund(refund_no=refund_no)
    assert [due.refund_nos for due in found] == [(), (refund_no,)]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_no_of_long_ago_does_not_end_what_another_sends_by_now(shop, by_hand):
    """Found by the model: the amount looked free while the money was on its way."""
    refund_no, late = await due_refund(shop)
    if by_hand:
        shop.clock.pass_by(minutes=1)
        late = None

    async def meanwhile():
        await shop.check_refund(refund_no=refund_no, held_until=await taken_over(shop))
        held_until = await taken_over(shop)
        async with shop.unit_of_work() as work:
            event, now = RefundEvent.SENT, shop.clock()
            assert await work.refunds.move(
                refund_no, event, at=now, cause=CAUSE, next_try_at=now, held_until=held_until
            )
            await work.commit()

    shop.wechat.fail("refund", ProviderRefused(Refusal.REJECTED, provider_code="NO"))
    shop.wechat.during("query_refund", meanwhile)
    refund = await shop.check_refund(refund_no=refund_no, held_until=late)
    assert refund.state == "SENT"
    assert refund.may_have_moved


# --- finding work ------------------------------------------------------------------------


async def test_who_finds_nothing_takes_no_write_lock(shop, writers):
    """On SQLite an idle worker would make every payer wait, each round."""
    await shop.place()
    await shop.page()
    before = len(writers)
    assert await shop.find_due_work() == DueWork()
    assert await shop.announce_events() == 0
    assert len(writers) == before
    shop.clock.pass_by(seconds=15)
    assert (await shop.find_due_work()).attempt_ids
    assert len(writers) == before + 1


async def test_work_is_found_by_account_and_what_is_left_is_found_too(shop):
    await shop.place("A1")
    await shop.place("A2")
    tea = (await shop.page("wechat", "pc", order_no="A1")).attempt.attempt_id
    old = (await shop.page("alipay", "pc", order_no="A2")).attempt.attempt_id
    shop.clock.pass_by(seconds=15)
    assert (await shop.find_due_work(account="wechat")).attempt_ids == (tea,)
    assert await shop.find_due_work(but=["wechat", "alipay"]) == DueWork()
    assert (await shop.find_due_work(but=["wechat"])).attempt_ids == (old,)


# --- telling -----------------------------------------------------------------------------


async def an_event(shop):
    await shop.place()
    await shop.close_order(order_no="A1")


async def test_two_workers_do_not_tell_the_same(shop):
    await an_event(shop)
    heard: list[object] = []

    async def announcer(event):
        if not heard:
            heard.append(event)
            assert await announce() == 0, "the first one is at it"

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    assert await announce() == 1
    assert len(heard) == 1


async def test_who_told_too_late_does_not_note_it(shop):
    """Another worker holds the event by then, and tells it again under the same id."""
    await an_event(shop)
    heard: list[object] = []

    async def announcer(event):
        heard.append(event.event_id)
        if len(heard) == 1:
            shop.clock.pass_by(minutes=1)
            assert await announce() == 1

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    assert await announce() == 0
    assert len(heard) == 2
    assert len(set(heard)) == 1


async def test_a_receiver_that_does_not_answer_holds_nobody_up_for_long(shop):
    """An announcement has a bound, well within the lease."""
    await an_event(shop)
    await shop.place("A2")
    await shop.close_order(order_no="A2")
    heard: list[object] = []

    async def announcer(event):
        heard.append(event.order_no)
        if event.order_no == "A1":
            await asyncio.Event().wait()

    announce = AnnounceEvents(
        shop.unit_of_work,
        announcer,
        shop.clock,
        shop.new_id,
        lease=timedelta(milliseconds=60),
    )
    async with asyncio.timeout(5):
        assert await announce() == 1
    assert heard == ["A1", "A2"]


async def test_what_cannot_be_told_within_the_lease_is_left_for_later(shop):
    for name in ("A1", "A2"):
        await shop.place(name)
        await shop.close_order(order_no=name)
    heard: list[object] = []

    async def announcer(event):
        heard.append(event.order_no)
        shop.clock.pass_by(seconds=51)

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    assert await announce() == 1
    assert heard == ["A1"]
    shop.clock.pass_by(seconds=9)
    assert await announce() == 1
    assert heard == ["A1", "A2"]


async def test_a_receiver_in_trouble_is_tried_later_and_later(shop):
    await an_event(shop)
    begun = shop.clock()
    tried: list[datetime] = []

    async def announcer(_):
        tried.append(shop.clock())
        raise ConnectionError

    announce = AnnounceEvents(shop.unit_of_work, announcer, shop.clock, shop.new_id)
    while shop.clock() < begun + timedelta(hours=6):
        await announce()
        shop.clock.pass_by(seconds=1)
    pauses = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert 3 <= pauses[0] <= 6
    assert all(1.3 <= after / before <= 2.8 for before, after in pairwise(pauses[:9]))
    assert all(0.75 * 3600 <= pause <= 3601 for pause in pauses[10:])
    assert len(pauses) >= 13


async def test_what_failed_together_does_not_come_back_together(shop):
    await an_event(shop)
    async with shop.unit_of_work(read_only=True) as work:
        (event,) = await work.outbox.of_order("A1")
    now = shop.clock()
    for tries in (0, 5, 10, 10_000):
        again = next_telling(UntoldEvent(event, tries), now)
        assert again == next_telling(UntoldEvent(event, tries), now), "the same each time"
        longest = min(5 * 2 ** min(tries, 20), 3600)
        assert 0.75 * longest <= (again - now).total_seconds() <= longest
    spread = {next_telling(UntoldEvent(event, tries), now) for tries in range(20, 40)}
    assert len(spread) > 10
