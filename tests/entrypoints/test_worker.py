"""The worker: does what is due, minds no single failure, and stops in good order."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from retender.domain.model.backlog import Due
from retender.domain.model.errors import StoreBusy, StoreFull, StoreUncertain
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.escalate import Escalate, Escalated
from retender.domain.use_cases.expire_orders import Expired, ExpireOrders
from retender.domain.use_cases.find_due_work import DueWork, FindDueWork
from retender.domain.use_cases.peek_due_work import PeekDueWork
from retender.domain.use_cases.set_aside import SetAside
from retender.entrypoints.worker import Round, Worker
from retender.tests.entrypoints.shop import until

pytestmark = pytest.mark.asyncio


# --- with everything real -------------------------------------------------------------------


async def test_with_nothing_to_do_it_does_nothing(shop):
    assert await shop.container.worker().run_once() == Round()


async def test_a_payment_that_nobody_told_of_is_found(shop):
    await shop.place(amount="90.07")  # paid at once, and the gateway tells nobody
    await shop.page()
    shop.clock.pass_by(seconds=16)
    done = await shop.container.worker().run_once()
    assert (done.attempts, done.told, done.failed) == (1, 1, 0)
    story = await shop.story()
    assert story["order"]["state"] == "PAID"


async def test_an_order_ends_when_its_time_is_over_and_its_pages_are_dead(shop):
    await shop.place()
    await shop.page()
    worker = shop.container.worker()
    shop.clock.pass_by(minutes=30)
    first = await worker.run_once()
    assert (first.expiring, first.attempts) == (1, 1)
    second = await worker.run_once()
    assert second.closed == 1
    assert (await shop.story())["order"]["state"] == "CLOSED"


async def test_what_was_paid_twice_goes_back_by_itself(shop):
    await shop.place()
    first = await shop.page(page_kind="qr")
    await shop.pay_for_real(account="other")
    await shop.scan_and_pay(first)
    done = await shop.container.worker().run_once()
    assert (done.refunds, done.failed) == (1, 0)
    story = await shop.story()
    assert [a["state"] for a in story["attempts"]] == ["REFUNDED", "SUCCEEDED"]
    (trade,) = shop.gateways["sandbox"].ledger.all()
    assert trade.refunded_minor == 8880
    (kept,) = shop.gateways["other"].ledger.all()
    assert kept.refunded_minor == 0


async def test_two_workers_at_once_ask_once(shop, mocker):
    for number in range(6):
        await shop.place(f"o-{number}")
        await shop.page(f"o-{number}")
    shop.clock.pass_by(seconds=16)
    ask = mocker.spy(type(shop.container.accounts().get("sandbox").provider), "query")
    rounds = await asyncio.gather(*(shop.container.worker().run_once() for _ in range(2)))
    assert sum(done.attempts for done in rounds) == ask.call_count == 6
    assert [done.failed for done in rounds] == [0, 0]


async def test_one_that_cannot_be_asked_does_not_stop_the_others(shop, mocker, caplog):
    for number in range(3):
        await shop.place(f"o-{number}", amount="90.07")
        await shop.page(f"o-{number}")
    provider = shop.container.accounts().get("sandbox").provider
    query, broken = type(provider).query, (await shop.story("o-1"))["attempts"][0]["number"]

    async def sometimes(self, charge):
        if charge.number == broken:
            raise RuntimeError("a bug in a plugin")
        return await query(self, charge)

    mocker.patch.object(type(provider), "query", sometimes)
    shop.clock.pass_by(seconds=16)
    done = await shop.container.worker().run_once()
    assert (done.attempts, done.failed) == (3, 1)
    assert "a bug in a plugin" in caplog.text
    states = [(await shop.story(f"o-{n}"))["order"]["state"] for n in range(3)]
    assert states == ["PAID", "NEW", "PAID"]

    mocker.stopall()
    shop.clock.pass_by(minutes=2)
    await shop.container.worker().run_once()
    assert (await shop.story("o-1"))["order"]["state"] == "PAID", "it came again"


# --- pace and failures, with stand-ins --------------------------------------------------------


LEASE = datetime(2026, 3, 14, 15, 10, tzinfo=UTC)


class Cases:
    """Use cases that say what they are told to say, and count."""

    def __init__(self, *, attempts=(), refunds=(), batch=20):
        self.due = DueWork(tuple(attempts), tuple(refunds), LEASE)
        self.trouble: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.busy = self.most_busy = 0
        self.hold: asyncio.Event | None = None
        self.batch = batch

    async def said(self, name, answer):
        self.calls.append(name)
        if name in self.trouble:
            raise self.trouble[name]
        return answer

    async def peek(self, *, accounts):
        """See work everywhere."""
        return await self.said(
            "PeekDueWork", Due(orders=True, events=True, accounts=frozenset(accounts))
        )

    async def find(self, *, limit, account=None, but=()):
        """Have all the work at one account; the lane of those that are gone finds nothing."""
        assert bool(account) != bool(but)
        return await self.said("FindDueWork", self.due) if account and limit else DueWork()

    async def check(self, *, held_until, attempt_id="", refund_no=""):
        assert held_until == LEASE
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            if self.hold:
                await self.hold.wait()
            await asyncio.sleep(0)
            return await self.said(f"check {attempt_id or refund_no}", None)
        finally:
            self.busy -= 1

    def worker(self, mocker, *, interval=timedelta(hours=1), random=lambda: 0.5) -> Worker:
        def stand_in(spec, answer):
            async def call(**_):
                return await self.said(spec.__name__, answer() if callable(answer) else answer)

            return mocker.create_autospec(spec, instance=True, side_effect=call)

        return Worker(
            expire_orders=stand_in(ExpireOrders, Expired(0, 0)),
            peek_due_work=mocker.create_autospec(PeekDueWork, instance=True, side_effect=self.peek),
            find_due_work=mocker.create_autospec(FindDueWork, instance=True, side_effect=self.find),
            check_attempt=mocker.create_autospec(
                CheckAttempt, instance=True, side_effect=self.check
            ),
            check_refund=mocker.create_autospec(CheckRefund, instance=True, side_effect=self.check),
            announce_events=stand_in(AnnounceEvents, 0),
            escalate=stand_in(Escalate, Escalated(opened=0, settled=0)),
            set_aside=stand_in(SetAside, None),
            accounts=SimpleNamespace(all=lambda: [SimpleNamespace(name="bank")]),
            allowed=lambda _account, wanted: wanted,
            interval=interval,
            batch=self.batch,
            stop_within=timedelta(hours=1),
            random=random,
        )


async def test_a_round_holds_up_no_more_than_ten_calls_at_once(mocker):
    cases = Cases(attempts=[f"a{n}" for n in range(30)], refunds=[f"r{n}" for n in range(30)])
    done = await cases.worker(mocker).run_once()
    assert (done.attempts, done.refunds) == (30, 30)
    assert cases.most_busy == 10


@pytest.mark.parametrize(
    "broken", ["ExpireOrders", "FindDueWork", "AnnounceEvents", "Escalate", "check a1"]
)
async def test_whatever_breaks_the_rest_is_done(mocker, caplog, broken):
    cases = Cases(attempts=["a1", "a2"], refunds=["r1"])
    cases.trouble[broken] = RuntimeError("kaputt")
    done = await cases.worker(mocker).run_once()
    wanted = {"ExpireOrders", "FindDueWork", "AnnounceEvents", "Escalate"}
    if broken != "FindDueWork":
        wanted |= {"check a1", "check a2", "check r1"}
    assert set(cases.calls) == wanted
    assert done.failed == 1
    assert "kaputt" in caplog.text


@pytest.mark.parametrize("trouble", [StoreBusy, StoreFull, StoreUncertain])
@pytest.mark.parametrize("broken", ["ExpireOrders", "check a1", "check r1", "AnnounceEvents"])
async def test_a_store_in_trouble_is_a_line_in_the_log_not_a_traceback(
    mocker, caplog, trouble, broken
):
    """It comes again, whether it was kept or not: what is done already shows when it does."""
    cases = Cases(attempts=["a1"], refunds=["r1"])
    cases.trouble[broken] = trouble("in trouble")
    done = await cases.worker(mocker).run_once()
    assert done.failed == 1
    assert f"it comes again: {trouble.code}" in caplog.text
    assert "Traceback" not in caplog.text


async def test_while_more_is_waiting_it_does_not_pause(mocker):
    cases = Cases(attempts=["a1", "a2"], batch=2)
    worker = cases.worker(mocker)
    task = asyncio.create_task(worker.run())
    await until(lambda: cases.calls.count("FindDueWork") >= 3)
    worker.stop()
    async with asyncio.timeout(5):
        await task


async def test_a_batch_that_fails_does_not_spin(mocker):
    """Otherwise a broken plugin would keep a processor busy."""
    cases = Cases(attempts=["a1", "a2"], batch=2)
    cases.trouble["check a1"] = RuntimeError("kaputt")
    assert not (await cases.worker(mocker).run_once()).full


@pytest.mark.parametrize(("chance", "least", "most"), [(0.0, 0.04, 0.09), (1.0, 0.14, 1.0)])
async def test_workers_do_not_march_in_step(mocker, chance, least, most):
    cases = Cases()
    worker = cases.worker(mocker, interval=timedelta(seconds=0.1), random=lambda: chance)
    started = asyncio.get_running_loop().time()
    task = asyncio.create_task(worker.run())
    await until(lambda: cases.calls.count("FindDueWork") >= 2)
    took = asyncio.get_running_loop().time() - started
    worker.stop()
    await task
    assert least <= took <= most + 0.5


async def test_a_stop_finishes_what_is_held_and_ends_the_pause(mocker):
    cases = Cases(attempts=["a1", "a2"])
    cases.hold = asyncio.Event()
    worker = cases.worker(mocker)
    task = asyncio.create_task(worker.run())
    await until(lambda: cases.busy == 2)
    worker.stop()
    await asyncio.sleep(0.01)
    assert not task.done(), "two questions are on their way"
    cases.hold.set()
    async with asyncio.timeout(5):
        await task
    assert {"check a1", "check a2"} <= set(cases.calls)


async def test_the_log_names_the_piece_that_failed(mocker, caplog):
    caplog.set_level(logging.WARNING)
    cases = Cases(refunds=["r-7"])
    cases.trouble["check r-7"] = RuntimeError("kaputt")
    await cases.worker(mocker).run_once()
    assert "checking refund r-7 failed; it comes again" in caplog.text
