"""The guard: one account's trouble stays its own, and no call is sent in vain for long."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from retender.adapters.http.guard import (
    Circuit,
    GuardedTransport,
    GuardLimits,
    Guards,
)
from retender.adapters.http.limits import HttpLimits
from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain
from retender.ports.transport import Request, Response
from retender.tests.contracts.transport import PATIENCE, TransportContract

LIMITS = GuardLimits(calls_max=3, failures=5)
ASK = Request(operation="query", method="GET", url="https://gateway.test/")
SECOND = timedelta(seconds=1)


def now() -> datetime:
    return datetime.now(UTC)


class TestGuardedTransport(TransportContract):
    """A guarded transport is one like any other."""

    @pytest_asyncio.fixture
    async def make_transport(self):
        made = []

        def make(*, connect_within=PATIENCE, read_within=PATIENCE, answer_within=PATIENCE):
            limits = HttpLimits(
                connect_within=connect_within,
                read_within=read_within,
                answer_within=answer_within,
                connections_max=self.connections_max,
                body_max_bytes=self.body_max_bytes,
            )
            made.append(HttpxTransport(clock=now, limits=limits))
            guard = GuardLimits(calls_max=self.connections_max, wait_within=connect_within)
            return Guards(lambda _: made[-1], limits=guard, clock=now, random=lambda: 1.0)("a")

        yield make
        for transport in made:
            await transport.aclose()


class Wire:
    """A gateway that does what it is told, on a clock that stands still."""

    def __init__(self, limits: GuardLimits = LIMITS, chance: float = 1.0) -> None:
        self.now = datetime(2026, 1, 15, tzinfo=UTC)
        self.answer: Response | Exception = Response(200, {}, b"")
        self.asked = self.in_flight = 0
        self.hold: asyncio.Event | None = None
        self.circuit = Circuit("shop", limits=limits, clock=lambda: self.now, random=lambda: chance)
        self.send = GuardedTransport(self._arrive, self.circuit, limits=limits)

    async def _arrive(self, request: Request) -> Response:
        assert request is ASK
        self.asked += 1
        answer = self.answer
        if self.hold:
            await self.hold.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def fails(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises((ProviderUnavailable, ProviderUncertain)):
                await self.send(ASK)

    @property
    def state(self) -> str:
        return str(self.circuit.state)

    def dies(self) -> None:
        self.answer = ProviderUncertain("no answer in time")

    def recovers(self) -> None:
        self.answer = Response(200, {}, b"")


@pytest.fixture
def wire() -> Wire:
    return Wire()


def refused_with(status: int) -> Response:
    return Response(status, {}, b'{"code":"NO"}')


# --- the circuit ----------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("trouble", [ProviderUnavailable("x"), ProviderUncertain("x")])
async def test_after_five_calls_without_an_answer_no_sixth_is_sent(wire, trouble):
    wire.answer = trouble
    await wire.fails(4)
    assert wire.state == "closed"
    await wire.fails()
    assert wire.state == "open"
    with pytest.raises(ProviderUnavailable, match="tried again at 2026-01-15T00:00:05") as caught:
        await wire.send(ASK)
    assert wire.asked == 5
    assert caught.value.details["retry_at"] == "2026-01-15T00:00:05+00:00"


@pytest.mark.asyncio
async def test_only_failures_in_a_row_count(wire):
    for _ in range(3):
        wire.dies()
        await wire.fails(4)
        wire.recovers()
        await wire.send(ASK)
    assert wire.state == "closed"


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [301, 400, 401, 404, 499])
async def test_a_refusal_shows_that_the_gateway_works(wire, status):
    wire.answer = refused_with(status)
    for _ in range(20):
        assert (await wire.send(ASK)).status == status
    assert wire.state == "closed"


@pytest.mark.asyncio
async def test_too_many_requests_is_a_wish_to_be_left_alone_and_still_an_answer(wire):
    wire.answer = refused_with(429)
    for _ in range(5):
        assert (await wire.send(ASK)).status == 429
    assert wire.state == "open"


@pytest.mark.asyncio
async def test_when_its_time_has_come_one_call_is_the_probe(wire):
    wire.dies()
    await wire.fails(5)
    wire.now += 5 * SECOND
    assert wire.state == "half_open"
    assert (wire.circuit.allowed(20), wire.asked) == (1, 5)
    wire.hold = asyncio.Event()
    wire.recovers()
    probe = asyncio.create_task(wire.send(ASK))
    await asyncio.sleep(0)
    assert wire.circuit.allowed(20) == 0
    await wire.fails(3)
    assert wire.asked == 6, "the others do not follow before it is back"
    wire.hold.set()
    assert (await probe).status == 200
    assert wire.state == "closed"
    assert wire.circuit.allowed(20) == 20


@pytest.mark.asyncio
async def test_each_probe_in_vain_doubles_the_pause_up_to_the_most(wire):
    wire.dies()
    await wire.fails(5)
    pauses = []
    for _ in range(6):
        assert wire.circuit.open_until is not None
        pauses.append((wire.circuit.open_until - wire.now) // SECOND)
        wire.now = wire.circuit.open_until
        await wire.fails()
    assert pauses == [5, 10, 20, 40, 60, 60]
    assert wire.asked == 5 + 6


@pytest.mark.asyncio
async def test_who_recovers_begins_anew(wire):
    wire.dies()
    await wire.fails(5)
    wire.now += 5 * SECOND
    await wire.fails()
    wire.now += 10 * SECOND
    wire.recovers()
    await wire.send(ASK)
    wire.dies()
    await wire.fails(4)
    assert wire.state == "closed"
    await wire.fails()
    assert wire.circuit.open_until == wire.now + 5 * SECOND


@pytest.mark.asyncio
async def test_many_processes_do_not_probe_in_step():
    """Chance takes up to half of the pause away."""
    wire = Wire(chance=0.0)
    wire.dies()
    await wire.fails(5)
    assert wire.circuit.open_until == wire.now + 2.5 * SECOND


@pytest.mark.asyncio
async def test_what_began_before_the_circuit_opened_tells_nothing_of_the_time_after(wire):
    wire.hold = asyncio.Event()
    slow = asyncio.create_task(wire.send(ASK))
    await asyncio.sleep(0)
    held, wire.hold = wire.hold, None
    wire.dies()
    await wire.fails(5)
    held.set()
    assert (await slow).status == 200
    assert wire.state == "open"


@pytest.mark.asyncio
async def test_a_call_that_is_cut_off_had_no_answer_and_frees_its_turn(wire):
    wire.hold = asyncio.Event()
    for _ in range(5):
        task = asyncio.create_task(wire.send(ASK))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert wire.state == "open"
    wire.now += 5 * SECOND
    cut = asyncio.create_task(wire.send(ASK))
    await asyncio.sleep(0)
    cut.cancel()
    await asyncio.wait([cut])
    assert wire.state == "open", "a probe that was cut off proves nothing"
    wire.hold = None
    wire.now += 10 * SECOND
    assert (await wire.send(ASK)).status == 200


@pytest.mark.asyncio
async def test_a_clock_that_is_set_back_does_not_lock_the_gateway_out(wire):
    wire.dies()
    await wire.fails(5)
    wire.now -= timedelta(hours=3)
    wire.recovers()
    assert (await wire.send(ASK)).status == 200


@pytest.mark.asyncio
async def test_every_change_is_in_the_log(wire, caplog):
    caplog.set_level(logging.WARNING)
    wire.dies()
    await wire.fails(8)
    wire.now += 5 * SECOND
    wire.recovers()
    for _ in range(3):
        await wire.send(ASK)
    assert [record.message for record in caplog.records] == [
        "shop did not answer 5 times in a row: circuit open until 2026-01-15T00:00:05+00:00",
        "shop answers again: circuit closed",
    ]


# --- the bulkhead ---------------------------------------------------------------------


@pytest.mark.asyncio
async def test_so_many_calls_are_on_their_way_at_once_and_no_more():
    wire = Wire(GuardLimits(calls_max=3, wait_within=timedelta(milliseconds=20)))
    wire.hold = asyncio.Event()
    tasks = [asyncio.create_task(wire.send(ASK)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ProviderUnavailable, match="3 calls are on their way already"):
        await wire.send(ASK)
    assert (wire.asked, wire.circuit.failures) == (3, 0), "to wait in vain is not its failure"
    wire.hold.set()
    assert [answer.status for answer in await asyncio.gather(*tasks)] == [200] * 3
    assert (await wire.send(ASK)).status == 200


@pytest.mark.asyncio
async def test_who_waits_gets_the_next_turn(wire):
    wire.hold = asyncio.Event()
    tasks = [asyncio.create_task(wire.send(ASK)) for _ in range(7)]
    await asyncio.sleep(0.01)
    assert wire.asked == 3
    wire.hold.set()
    await asyncio.gather(*tasks)
    assert wire.asked == 7


@pytest.mark.asyncio
async def test_who_waits_while_the_circuit_opens_is_not_sent():
    wire = Wire(GuardLimits(calls_max=1, failures=1))
    wire.hold = asyncio.Event()
    wire.dies()
    tasks = [asyncio.create_task(wire.send(ASK)) for _ in range(3)]
    await asyncio.sleep(0.01)
    wire.hold.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [
        ProviderUncertain,
        ProviderUnavailable,
        ProviderUnavailable,
    ]
    assert wire.asked == 1


# --- all of them ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_every_account_has_a_guard_of_its_own():
    async def dead(_request):
        raise ProviderUnavailable("x")

    async def alive(_request):
        return Response(200, {}, b"")

    guards = Guards({"a": dead, "b": alive}.__getitem__, limits=LIMITS, clock=now, random=float)
    ways = {name: guards(name) for name in "ab"}
    for _ in range(5):
        with pytest.raises(ProviderUnavailable):
            await ways["a"](ASK)
        await ways["b"](ASK)
    assert [guards.allowed(name, 20) for name in ("a", "b", "gone")] == [0, 20, 20]
    with pytest.raises(ProviderUnavailable) as told:
        guards.check("a")
    assert told.value.details["retry_at"]
    for name in ("b", "gone"):
        guards.check(name)
    assert {name: circuit.state for name, circuit in guards.circuits.items()} == {
        "a": "open",
        "b": "closed",
    }
