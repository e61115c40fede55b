"""ASGI applications served by commands: alone until stopped, or several inside one story."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.utils import format_datetime
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from retender.ports.clock import Clock

_LOOK_EVERY = 0.01
_GRACE_SECONDS, _GUEST_GRACE_SECONDS = 10, 1


async def run_server(
    app: "ASGIApp", listener: "socket.socket", *, clock: "Clock | None" = None
) -> None:
    """
    Serve the application until a signal comes.

    Args:
        app: what is served.
        listener: where.
        clock: tells what time it is there, in the ``Date`` of every answer; default:
            this machine's.

    """
    await uvicorn.Server(_config(app, _GRACE_SECONDS, clock)).serve(sockets=[listener])


@asynccontextmanager
async def serving(
    app: "ASGIApp", listener: "socket.socket", *, clock: "Clock | None" = None
) -> AsyncIterator[None]:
    """Serve as ``run_server`` does, until the block is left; then stop in good order."""
    server = _GuestServer(_config(app, _GUEST_GRACE_SECONDS, clock))
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


def _config(app: "ASGIApp", grace_seconds: int, clock: "Clock | None") -> uvicorn.Config:
    # Logging is configured already, once for everything.
    return uvicorn.Config(
        app if clock is None else _dated(app, clock),
        date_header=clock is None,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )


def _dated(app: "ASGIApp", clock: "Clock") -> "ASGIApp":
    """Let every answer bear the time of this clock: callers measure theirs against it."""

    async def dated(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def say(message: "Message") -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        await app(scope, receive, say)

    return dated
