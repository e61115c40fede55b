"""ASGI applications served by commands: alone until stopped, or several inside one story."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from retender.domain.model.errors import SetupError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
_LOOK_EVERY = 0.01
_GRACE_SECONDS, _GUEST_GRACE_SECONDS = 10, 1


def listen(host: str, port: int) -> socket.socket:
    """
    Take the address now, so that nobody else can, or say who is to choose another.

    Raises:
        SetupError: it is taken, or not ours.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SetupError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port."
        ) from error


def address_of(listener: socket.socket) -> str:
    """Return the address under which the socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run_server(app: "ASGIApp", listener: socket.socket) -> None:
    """Serve the application until a signal comes."""
    await uvicorn.Server(_config(app, _GRACE_SECONDS)).serve(sockets=[listener])


@asynccontextmanager
async def serving(app: "ASGIApp", listener: socket.socket) -> AsyncIterator[None]:
    """Serve the application until the block is left; then stop it in good order."""
    server = _GuestServer(_config(app, _GUEST_GRACE_SECONDS))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the server stopped before it had started")
            await asyncio.sleep(_LOOK_EVERY)
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([task])
        listener.close()


class _GuestServer(uvicorn.Server):
    """A server that leaves signals to its host, since several share one process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(app: "ASGIApp", grace_seconds: int) -> uvicorn.Config:
    # Logging is configured already, once for everything.
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )
