"""The worker's lanes: one dead provider holds up nobody, and a stop ends in good time."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from retender.adapters.http.guard import GuardLimits, Guards
from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.domain.model.backlog import Due
from retender.domain.model.errors import ProviderUncertain
from retender.domain.use_cases.escalate import Escalated
from retender.domain.use_cases.expire_orders import Expired
from retender.domain.use_cases.find_due_work import FindDueWork
from retender.entrypoints.worker import Worker
from retender.ports.transport import Request, Response
from retender.tests.contracts.store.samples import NOW, an_attempt, an_order
from retender.tests.domain.shop import Shop
from retender.tests.entrypoints.shop import until
from retender.tests.entrypoints.workers import nothing, worker_of

pytestmark = pytest.mark.asyncio

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ASK = Request(operation="query", method="GET", url="https://gateway.test/")


class Town:
    """Real leases in a real store, real guards, and gateways that answer or hang."""

    def __init__(self, *accounts: str, batch: int = 20, stop_within: timedelta = 60 * MINUTE):
        self.now = NOW
        self.store = MemoryUnitOfWork()
        self.accounts = accounts
        self.account_of: dict[str, str] = {}
        self.dead: set[str] = set()
        self.hanging: Counter[str] = Counter()
        self.most_hanging: Counter[str] = Counter()
        self.asked: list[str] = []
        self.kept_house: Counter[str] = Counter()
        self.breaks: set[str] = set()
        self.patience = asyncio.Event()
        self.guards = Guards(
            lambda account: lambda request: self.send(account, request),
            limits=GuardLimits(cool_off=10 * SECOND),
            clock=lambda: self.now,
            random=lambda: 1.0,
        )
        self.ways = {account: self.guards(account) for account in accounts}
        self.batch, self.stop_within = batch, stop_within

    async def send(self, account: str, _request: Request) -> Response:
        if account in self.dead:
            self.hanging[account] += 1
            self.most_hanging[account] = max(self.most_hanging[account], self.hanging[account])
            try:
                await self.patience.wait()
            finally:
                self.hanging[account] -= 1
            raise ProviderUncertain("no answer in time")
        return Response(200, {}, b"")

    async def check_attempt(self, *, attempt_id: str, held_until: datetime) -> None:
        account = self.account_of[attempt_id]
        if account in self.breaks:
            raise RuntimeError("kaputt")
        self.asked.append(account)
        if account in self.ways:
            with suppress(ProviderUncertain):
                await self.ways[account](ASK)
        async with self.store() as work:
            later = self.now + 60 * MINUTE
            await work.attempts.reschedule(attempt_id, later, held_until=held_until)
            await work.commit()

    async def peek(self, *, accounts: tuple[str, ...]) -> Due:
        """See work everywhere."""
        return Due(orders=True, events=True, accounts=frozenset(accounts))

    def count(self, what: str, answer: object):
        async def call(**_):
            self.kept_house[what] += 1
            return answer

        return call

    async def due(self, account: str, number: int) -> None:
        async with self.store() as work:
            for _ in range(number):
                order = an_order()
                attempt = an_attempt(order, account=account, next_check_at=NOW - MINUTE)
                self.account_of[attempt.attempt_id] = account
                assert await work.orders.add(order)
                assert await work.attempts.add(attempt)
            await work.commit()

    def worker(self, interval: timedelta = timedelta(milliseconds=1)) -> Worker:
        return Worker(
            expire_orders=self.count("expire", Expired(0, 0)),
            peek_due_work=self.peek,  # type: ignore[arg-type]  # called like it
            find_due_work=FindDueWork(self.store, lambda: self.now),
            check_attempt=self.check_attempt,  # type: ignore[arg-type]  # called like it
            check_refund=self.count("refund", None),
            announce_events=self.count("announce", 0),
            escalate=self.count("escalate", Escalated(0, 0)),
            set_aside=nothing,  # type: ignore[arg-type]  # not what this is about
            accounts=SimpleNamespace(
                all=lambda: [SimpleNamespace(name=name) for name in self.accounts]
            ),
            allowed=self.guards.allowed,
            interval=interval,
            batch=self.batch,
            stop_within=self.stop_within,
            random=lambda: 0.5,
        )


async def ended(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(5):
        await task


# --- one dead provider ----------------------------------------------------------------------


async def test_a_dead_provider_with_1000_due_holds_up_neither_the_other_nor_the_house():
    town = Town("dead", "alive")
    town.dead = {"dead"}
    await town.due("dead", 1000)
    await town.due("alive", 50)
    worker = town.worker()
    running = asyncio.create_task(worker.run())
    await until(lambda: town.asked.count("alive") == 50)
    assert town.hanging["dead"] == 10, "its lane hangs in its first round"
    town.kept_house.clear()
    await until(lambda: min(town.kept_house[each] for each in ("expire", "announce")) > 3)
    assert town.asked.count("dead") == 10
    worker.stop()
    town.patience.set()
    await ended(running)


async def test_after_five_in_vain_the_dead_one_is_asked_one_by_one():
    town = Town("dead", "alive", batch=100)
    town.dead = {"dead"}
    town.patience.set()
    await town.due("dead", 1000)
    await town.due("alive", 50)
    worker = town.worker()
    first = await worker.run_once()
    assert town.asked.count("alive") == 50
    assert first.attempts - 50 == town.asked.count("dead") <= 14, "ten were begun at once"
    for _ in range(5):
        assert (await worker.run_once()).attempts == 0, "nothing is claimed while it is open"
    town.now += 10 * SECOND
    probe = await worker.run_once()
    assert (probe.attempts, probe.full) == (1, False)
    assert (await worker.run_once()).attempts == 0
    town.dead.clear()
    town.now += 20 * SECOND
    probe = await worker.run_once()
    assert (probe.attempts, probe.full) == (1, True), "it answers again, so go on at once"
    assert (await worker.run_once()).attempts == 100


async def test_what_is_not_begun_when_the_circuit_opens_comes_again_after_its_lease():
    town = Town("dead", batch=30)
    town.dead = {"dead"}
    town.patience.set()
    await town.due("dead", 30)
    done = (await town.worker().run_once()).attempts
    assert done < 30
    town.dead.clear()
    town.now += MINUTE
    worker = town.worker()
    await worker.run_once()  # the probe
    assert (await worker.run_once()).attempts == 30 - done - 1


async def test_what_belongs_to_accounts_that_are_gone_is_looked_at_in_a_lane_of_its_own():
    town = Town("alive", "dead")
    town.dead = {"dead"}
    await town.due("closed-down", 7)
    await town.due("dead", 20)
    worker = town.worker()
    running = asyncio.create_task(worker.run())
    await until(lambda: town.asked.count("closed-down") == 7)
    worker.stop()
    town.patience.set()
    await ended(running)


async def test_a_lane_that_fails_slows_down_and_the_others_do_not(mocker):
    town = Town("broken", "alive", batch=5)
    town.breaks = {"broken"}
    await town.due("broken", 500)
    await town.due("alive", 50)
    worker = town.worker()
    pauses: list[int] = []
    pause = worker._pause

    async def noted(interval: timedelta, failures: int) -> None:
        pauses.append(failures)
        await pause(interval, failures)

    mocker.patch.object(worker, "_pause", noted)
    running = asyncio.create_task(worker.run())
    await until(lambda: max(pauses, default=0) >= 4 and town.asked.count("alive") == 50)
    worker.stop()
    await ended(running)
    assert [each for each in pauses if each][:4] == [1, 2, 3, 4]


# --- stopping -----------------------------------------------------------------------------------


async def held(town: Town) -> tuple[Worker, "asyncio.Task[None]"]:
    """Let a worker wait for three answers."""
    town.dead = {"dead"}
    await town.due("dead", 3)
    worker = town.worker()
    running = asyncio.create_task(worker.run())
    await until(lambda: town.hanging["dead"] == 3)
    return worker, running


async def test_a_stop_waits_for_what_is_held():
    town = Town("dead")
    worker, running = await held(town)
    worker.stop()
    await asyncio.sleep(0.01)
    assert not running.done()
    town.patience.set()
    await ended(running)
    async with town.store(read_only=True) as work:
        assert not await work.attempts.any_due(NOW + 59 * MINUTE), "all three were finished"


async def test_a_stop_does_not_wait_for_ever_and_the_rest_is_left_to_its_lease(caplog):
    town = Town("dead", stop_within=timedelta(milliseconds=20))
    worker, running = await held(town)
    worker.stop()
    await ended(running)
    assert "left to its lease" in caplog.text
    assert town.hanging["dead"] == 0
    async with town.store(read_only=True) as work:
        assert await work.attempts.any_due(NOW + MINUTE)


async def test_who_is_told_twice_to_stop_leaves_at_once():
    town = Town("dead")
    worker, running = await held(town)
    worker.stop()
    worker.stop()
    await ended(running)
    assert town.hanging["dead"] == 0


async def test_a_worker_that_waits_stops_at_once():
    town = Town("alive")
    worker = town.worker(interval=60 * MINUTE)
    running = asyncio.create_task(worker.run())
    await until(lambda: town.kept_house["escalate"] == 1)
    worker.stop()
    await ended(running)


async def test_a_lane_that_ends_by_a_bug_ends_the_worker(mocker):
    """Somebody starts it again; half a worker would look alive and is not."""
    town = Town("alive")
    worker = town.worker()
    mocker.patch.object(worker, "_allowed", side_effect=RuntimeError("a bug"))
    running = asyncio.create_task(worker.run())
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await ended(running)


# --- a worker that was paused -----------------------------------------------------------------


async def test_a_worker_that_slept_past_its_lease_closes_nothing_that_another_took_over():
    shop = Shop()
    await shop.place()
    number = (await shop.page("wechat", "pc")).attempt.number
    shop.clock.pass_by(minutes=31)
    shop.wechat.fail("close", ProviderUncertain("read time-out"))

    async def long_pause() -> None:
        shop.clock.pass_by(minutes=2)
        await worker_of(shop).run_once()

    shop.wechat.during("query", long_pause)
    await worker_of(shop).run_once()
    calls = [call for call in shop.wechat.calls if call.startswith("close")]
    assert calls == [f"close {number}"], "by the other one; who woke up late asks, and acts no more"
    assert (await shop.attempt()).checks == 1


async def test_a_worker_that_slept_past_its_lease_sends_no_refund_that_another_took_over():
    shop = Shop()
    await shop.place()
    old = (await shop.page("alipay", "pc")).attempt
    new = (await shop.page("wechat", "pc")).attempt
    await shop.hear("alipay", shop.alipay.pay(old.number))
    await shop.hear("wechat", shop.wechat.pay(new.number))
    shop.wechat.pending_refunds = True

    async def slept(**held):
        shop.clock.pass_by(minutes=2)
        await worker_of(shop).run_once()
        return await shop.check_refund(**held)

    await worker_of(shop, check_refund=slept).run_once()
    calls = [call.split()[0] for call in shop.wechat.calls if "refund" in call]
    assert calls == ["refund"]
