"""The wire to an ASGI app in this process, so that simulators need no socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import httpx

Message: TypeAlias = MutableMapping[str, Any]
AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class AppBrokeOff(httpx.ReadError):
    """The app raised instead of finishing its answer; the words are safe to show."""


class AsgiWire(httpx.AsyncBaseTransport):
    """
    Calls an app as a server would, and breaks the connection where one would.

    An exception that escapes the app is a connection that broke in mid-answer: that is how
    a simulator loses an answer on purpose, and what a bug in an app looks like from outside.
    """

    def __init__(self, app: AsgiApp) -> None:
        """Wire to the app; its lifespan is the business of whoever made it."""
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the app on one request and return what it answered in full."""
        body = await request.aread()
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        answer = _Answer(body)
        # A wire takes time: whoever else is calling gets a turn, going and coming.
        await asyncio.sleep(0)
        try:
            await self._app(_scope(request), answer.receive, answer.send)
        except Exception as trouble:
            raise AppBrokeOff(f"the app broke off by {type(trouble).__name__}") from trouble
        if not answer.complete.is_set():
            raise AppBrokeOff("the app ended before its answer did")
        await asyncio.sleep(0)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Whole(answer.body))


class _Whole(httpx.AsyncByteStream):
    """A body that is already here."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class _Answer:
    """One exchange with the app: what it may read, and what it has said."""

    def __init__(self, request_body: bytes) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = asyncio.Event()
        self._requests: list[Message] = [{"type": "http.request", "body": request_body}]

    async def receive(self) -> Message:
        """Give the request once; the caller goes away when it has its answer."""
        if self._requests:
            return self._requests.pop()
        await self.complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the start of the answer, or a piece of its body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(k), bytes(v)) for k, v in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self.complete.set()


def _scope(request: httpx.Request) -> Message:
    target: bytes = request.extensions["target"]
    raw_path, _, query = target.partition(b"?")
    port = request.url.port or (443 if request.url.scheme == "https" else 80)
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": (request.url.host, port),
        "state": {},
    }
