"""What we send goes out at once, also on a connection that is kept alive."""

import ast
import asyncio
import socket

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from retender.domain.model.errors import SetupError
from retender.entrypoints.cli.serving import serving
from retender.entrypoints.listening import LOOPBACK, address_of, listen
from retender.tests.house.tree import shipped_modules, shown

pytestmark = pytest.mark.asyncio


def delays(transport: asyncio.BaseTransport) -> bool:
    """Ask whether the connection holds a small answer back, in the hope of more to send."""
    return not transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
async def test_no_answer_waits_for_the_acknowledgement_of_the_one_before(host):
    accepted: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()

    class Seen(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.put_nowait(transport)

    try:
        listener = listen(host, 0)
    except SetupError:
        pytest.skip(f"there is no {host} here")
    server = await asyncio.get_running_loop().create_server(Seen, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert not delays(await accepted.get())
        writer.close()
        await writer.wait_closed()


async def test_a_served_application_answers_at_once(mocker):
    spy = mocker.spy(uvicorn.Server, "serve")
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            [connection] = spy.call_args.args[0].server_state.connections
            seen.append(delays(connection.transport))
            await PlainTextResponse("here")(scope, receive, send)

    listener = listen(LOOPBACK, 0)
    async with (
        serving(app, listener),
        httpx.AsyncClient(base_url=address_of(listener), trust_env=False) as http,
    ):
        for _ in range(2):
            assert (await http.get("/")).text == "here"
    assert seen == [False, False]


async def test_nobody_else_makes_a_listening_socket():
    makers = {"create_server", "start_server"}
    found = {
        shown(path)
        for path in shipped_modules()
        if not shown(path).startswith("tests/")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in makers
    }
    assert found == {"entrypoints/listening.py"}
