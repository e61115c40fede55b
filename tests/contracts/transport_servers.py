"""Real servers on the loopback that misbehave, for ``TransportContract``."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the socket."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value; names in lower case."""
        return dict(self.headers).get(name)


Behaviour: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What a server does once it has read a request."""


@dataclass(slots=True)
class Server:
    """
    A server that reads requests properly and answers as it was told.

    Attributes:
        url: its address, without a path.
        received: every request so far.
        arrivals: the same, to wait for the next one.
        connections: how often somebody connected.

    """

    url: str
    received: list[Received] = field(default_factory=list)
    arrivals: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)
    connections: int = 0


@contextlib.asynccontextmanager
async def serving(behave: Behaviour) -> AsyncIterator[Server]:
    """Run a server until the end of the block."""
    server = Server("")
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                request = await _read(reader)
                server.received.append(request)
                server.arrivals.put_nowait(request)
                await behave(writer)
                await writer.drain()

    async def supervised(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk(reader, writer))
        talks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            writer.close()

    listener = await asyncio.start_server(supervised, LOOPBACK, 0)
    server.url = f"http://{LOOPBACK}:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rows = head.strip().split("\r\n")
    headers = tuple(
        (name.strip().lower(), value.strip())
        for name, _, value in (row.partition(":") for row in rows)
    )
    length = int(dict(headers).get("content-length", "0"))
    return Received(line, headers, await reader.readexactly(length))


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def full_house() -> Iterator[str]:
    """Open a port that takes no connection: its queue is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"


# --- behaviours -----------------------------------------------------------------------------


def answering(
    status: int = 200, body: bytes = b"{}", *headers: str, length: int | None = None
) -> Behaviour:
    """Answer properly; with a ``length`` that is not the body's, improperly."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        rows = [f"HTTP/1.1 {status} Whatever", *headers]
        if status != 204:
            rows.append(f"Content-Length: {len(body) if length is None else length}")
        writer.write("\r\n".join([*rows, "", ""]).encode("latin-1") + body)

    return behave


def saying(text: bytes) -> Behaviour:
    """Write these bytes, whatever they are, and close."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        writer.close()

    return behave


def resetting_after(text: bytes) -> Behaviour:
    """Write these bytes, then reset the connection, as a crashing machine does."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return behave


def hanging_after(text: bytes = b"") -> Behaviour:
    """Write these bytes, then nothing more."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        await asyncio.sleep(60)

    return behave


def dripping(first: bytes, piece: bytes, every_seconds: float) -> Behaviour:
    """Write the first bytes, then a piece again and again, never ending."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_seconds)

    return behave
