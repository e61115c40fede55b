"""The transport over httpx: the contract on real sockets, the clock, and the way to an app."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from retender.adapters.http.gateway_clock import GatewayClock
from retender.adapters.http.limits import HttpLimits
from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import ProviderUnavailable, ProviderUncertain
from retender.simulators.kit.faults import LostAnswer
from retender.tests.contracts.transport import PATIENCE, TransportContract, asking
from retender.tests.contracts.transport_servers import answering, serving

NOON = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


class TestHttpxTransport(TransportContract):
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
            return made[-1]

        yield make
        for transport in made:
            await transport.aclose()

    async def test_a_packed_answer_is_not_unpacked(self, transport):
        """A few bytes could become gigabytes; and we said that we take none."""
        bomb = gzip.compress(b"x" * 1_000_000)
        async with serving(answering(200, bomb, "Content-Encoding: gzip")) as server:
            with pytest.raises(ProviderUncertain, match="encoding that was not asked for"):
                await transport(asking(server.url))
            assert server.received[0].header("accept-encoding") == "identity"

    async def test_a_request_that_is_no_http_never_leaves(self, transport):
        """A header with a line break would say more than it seems to."""
        async with serving(answering()) as server:
            with pytest.raises(ProviderUnavailable, match="the request is no HTTP"):
                await transport(asking(server.url, headers={"x-broken": "a\r\nb"}))
            assert server.received == []

    async def test_the_log_says_operation_host_status_and_time(self, transport, caplog):
        caplog.set_level("INFO", logger="retender.adapters.http")
        async with serving(answering(404)) as server:
            await transport(asking(server.url, "/secret?sign=1", operation="close"))
        (record,) = caplog.records
        assert record.message.startswith("close at 127.0.0.1: 404 in ")
        assert record.message.endswith(" ms")


# --- the gateway's clock -------------------------------------------------------------------


async def offset_of(date: str) -> timedelta | None:
    clock = gateway_clock()
    assert clock.offset is None
    async with (
        HttpxTransport(clock=lambda: NOON, gateway_clock=clock) as transport,
        serving(answering(200, b"{}", f"Date: {date}")) as server,
    ):
        await transport(asking(server.url))
    return clock.offset


def gateway_clock() -> GatewayClock:
    return GatewayClock("shop", clock=lambda: NOON, deadlines=DeadlinePolicy())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 15 Jan 2026 12:00:00 GMT", 0.5),
        ("Thu, 15 Jan 2026 12:01:30 GMT", 90.5),
        ("Thu, 15 Jan 2026 11:59:00 GMT", -59.5),
        ("Thu, 15 Jan 2026 20:00:00 +0800", 0.5),
        ("Thu, 15 Jan 2026 12:00:00 -0000", 0.5),
    ],
)
async def test_every_answer_tells_how_far_the_gateways_clock_is_off(date, seconds):
    """Half a second is added, since a Date is cut to whole ones."""
    assert await offset_of(date) == timedelta(seconds=seconds)


@pytest.mark.asyncio
@pytest.mark.parametrize("date", ["yesterday", "", "Thu, 99 Jan 2026 12:00:00 GMT"])
async def test_a_date_that_is_none_says_nothing(date):
    assert await offset_of(date) is None


@pytest.mark.asyncio
async def test_a_server_error_tells_the_time_too():
    """When a gateway is in trouble its clock may be why."""
    clock = gateway_clock()
    dated = answering(503, b"", "Date: Thu, 15 Jan 2026 12:05:00 GMT")
    async with (
        HttpxTransport(clock=lambda: NOON, gateway_clock=clock) as transport,
        serving(dated) as server,
    ):
        with pytest.raises(ProviderUncertain):
            await transport(asking(server.url))
    assert clock.offset == timedelta(minutes=5, milliseconds=500)


# --- to an app in this process -------------------------------------------------------------


async def echo(request):
    text = f"{request.method} {request.scope['raw_path'].decode()}?{request.url.query}"
    return PlainTextResponse(f"{text} {request.headers['host']} {(await request.body()).decode()}")


async def broken(_request):
    raise ZeroDivisionError("canary")


async def lost(_request):
    return LostAnswer()


async def slow(_request):
    await asyncio.sleep(60)


async def failing(_request):
    return Response(status_code=503)


async def streaming(_request):
    async def pieces():
        for _ in range(3):
            yield b"piece "
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


APP = Starlette(
    routes=[
        Route("/caf%C3%A9", echo, methods=["POST"]),
        Route("/café", echo, methods=["POST"]),
        Route("/broken", broken, methods=["POST"]),
        Route("/lost", lost, methods=["POST"]),
        Route("/slow", slow, methods=["POST"]),
        Route("/failing", failing, methods=["POST"]),
        Route("/streaming", streaming, methods=["POST"]),
    ]
)


@pytest.fixture
def to_app():
    limits = HttpLimits(answer_within=timedelta(milliseconds=100))
    return HttpxTransport.to_app(APP, clock=now, limits=limits)


@pytest.mark.asyncio
async def test_an_app_gets_the_request_as_it_stands(to_app):
    answer = await to_app(asking("https://gateway.example:8443", "/caf%C3%A9?a=%2f~'b", body=b"x"))
    assert answer.body == b"POST /caf%C3%A9?a=%2f~'b gateway.example:8443 x"


@pytest.mark.asyncio
async def test_an_app_may_answer_in_pieces(to_app):
    assert (await to_app(asking("https://x.example", "/streaming"))).body == b"piece piece piece "


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/broken", "/lost", "/slow", "/failing"])
async def test_an_app_that_breaks_off_is_uncertain(to_app, path):
    """As a server that crashed while it acted would be."""
    with pytest.raises(ProviderUncertain) as trouble:
        await to_app(asking("https://x.example", path))
    assert trouble.value.__context__ is None
    assert "canary" not in str(trouble.value)


@pytest.mark.asyncio
async def test_an_app_that_ends_before_its_answer_is_uncertain():
    async def mute(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    with pytest.raises(ProviderUncertain, match="ended before its answer"):
        await HttpxTransport.to_app(mute, clock=now)(asking("https://x.example"))


@pytest.mark.asyncio
async def test_trouble_that_nobody_has_thought_of_is_uncertain():
    """Here our own clock breaks; any error but the three would pass for a bug, and for unsent."""
    times = iter([NOON])
    transport = HttpxTransport(clock=lambda: next(times))
    async with (
        transport,
        serving(answering(200, b"{}", "Date: Thu, 15 Jan 2026 12:00:00 GMT")) as server,
    ):
        with pytest.raises(ProviderUncertain, match="broke by"):
            await transport(asking(server.url))


# --- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["connect_within", "read_within", "answer_within"])
def test_a_limit_of_no_time_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be longer than nothing"):
        HttpLimits(**{name: timedelta(0)})  # type: ignore[arg-type]  # it is one of the three


@pytest.mark.parametrize("name", ["connections_max", "body_max_bytes"])
def test_a_limit_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match="at least 1"):
        HttpLimits(**{name: 0})  # type: ignore[arg-type]  # it is one of the two
