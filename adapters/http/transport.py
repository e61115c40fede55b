"""HttpxTransport: sends what a plugin has made ready, and sorts trouble by what is known."""

import asyncio
import logging
import ssl
from functools import cache, partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from retender.adapters.http.asgi import AppBrokeOff, AsgiApp, AsgiWire
from retender.adapters.http.gateway_clock import GatewayClock
from retender.adapters.http.limits import HttpLimits
from retender.domain.model.deadline import DeadlinePolicy
from retender.domain.model.errors import ProviderError, ProviderUnavailable, ProviderUncertain
from retender.ports.clock import Clock
from retender.ports.transport import Request, Response

log = logging.getLogger(__name__)

_SERVER_ERROR = 500


class HttpxTransport:
    """
    One account's way to its gateway, proved by ``TransportContract``.

    Built on httpx's wire rather than its client: nothing follows redirects, keeps cookies,
    reads proxies from the environment or logs addresses, because nothing there could.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        limits: HttpLimits | None = None,
        app: AsgiApp | None = None,
        gateway_clock: GatewayClock | None = None,
    ) -> None:
        """
        Open nothing yet; connections are made when first needed.

        Args:
            clock: ours, to measure the gateway's against.
            limits: how long to wait and how much to take.
            app: an ASGI app to call instead of the network.
            gateway_clock: learns from every answer; default: one that nobody else looks at.

        """
        self._clock = clock
        self._limits = limits or HttpLimits()
        self._wire = AsgiWire(app) if app is not None else _network(self._limits)
        self._gateway_clock = gateway_clock or GatewayClock(
            "nobody", clock=clock, deadlines=DeadlinePolicy()
        )

    @classmethod
    def to_app(
        cls,
        app: AsgiApp,
        *,
        clock: Clock,
        limits: HttpLimits | None = None,
        gateway_clock: GatewayClock | None = None,
    ) -> Self:
        """Wire to an ASGI app in this process, whatever host the requests name."""
        return cls(clock=clock, limits=limits, app=app, gateway_clock=gateway_clock)

    async def __call__(self, request: Request) -> Response:
        """Send the request once and return the complete answer; see the port for trouble."""
        call = _Call(request)
        try:
            async with asyncio.timeout(self._limits.answer_within.total_seconds()):
                return call.answered(await self._exchange(request, call))
        except Exception as trouble:  # noqa: BLE001 - whatever it is, money may hang on it
            summary = call.failed(trouble)
        # Raised out here so that it has no context: httpx's errors hold the whole request.
        raise summary

    async def _exchange(self, request: Request, call: "_Call") -> Response:
        asked_at = self._clock()
        incoming = await self._wire.handle_async_request(_outgoing(request, self._limits, call))
        try:
            self._gateway_clock.learn(incoming.headers.get("date"), asked_at=asked_at)
            self._gateway_clock.probe = partial(self._ask_for_time, request.url)
            return await _complete(incoming, self._limits)
        finally:
            await incoming.aclose()

    async def _ask_for_time(self, url: str) -> None:
        """Ask the gateway that answered there for nothing; its ``Date`` is learned on the way."""
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}/"
        await self(Request(operation="time", method="HEAD", url=origin))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        """Use it as ``async with``."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()


class _Unusable(Exception):
    """The answer came, and is none; the words are safe to show."""


class _Call:
    """
    One call in the making: whether it has left, and what may be written down of it.

    The log and the errors get what is named here and nothing else: operation, host, status,
    time and our own words for the trouble.
    """

    def __init__(self, request: Request) -> None:
        self._operation = request.operation
        self._host = _host_of(request.url)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._sent = False

    async def trace(self, event: str, _info: object) -> None:
        """Learn from httpx the moment when the first byte of the request may have left."""
        if event.endswith("send_request_headers.started"):
            self._sent = True

    def answered(self, response: Response) -> Response:
        """Write down a complete answer."""
        log.info("%s at %s: %d in %d ms", self._operation, self._host, response.status, self._ms())
        return response

    def failed(self, trouble: Exception) -> ProviderError:
        """Write down what went wrong, and return what it means for the money."""
        words = _words_for(trouble)
        log.warning("%s at %s: %s after %d ms", self._operation, self._host, words, self._ms())
        about: dict[str, object] = {"operation": self._operation, "host": self._host}
        if not self._sent or isinstance(trouble, httpx.LocalProtocolError):
            return ProviderUnavailable(f"{self._host} was not reached: {words}.", **about)
        return ProviderUncertain(f"{self._host} may have acted: {words}.", **about)

    def _ms(self) -> int:
        return round((self._loop.time() - self._began) * 1000)


def _network(limits: HttpLimits) -> httpx.AsyncHTTPTransport:
    # httpcore writes whole answer headers to its own logger at DEBUG; nobody gets to see those.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    many = limits.connections_max
    pool = httpx.Limits(max_connections=many, max_keepalive_connections=many, keepalive_expiry=5)
    return httpx.AsyncHTTPTransport(verify=_trusted(), limits=pool, retries=0)


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the list of authorities takes a while; it is the same for all accounts.
    return httpx.create_ssl_context(trust_env=False)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"


def _outgoing(request: Request, limits: HttpLimits, call: _Call) -> httpx.Request:
    """Dress the request for httpx, with the target exactly as the plugin wrote it."""
    address = urlsplit(request.url)
    target = address.path or "/"
    if address.query:
        target = f"{target}?{address.query}"
    connect, read = limits.connect_within.total_seconds(), limits.read_within.total_seconds()
    # Signatures are over plain bytes, and an unpacked answer would have no bound.
    headers = {"accept-encoding": "identity"} | {k.lower(): v for k, v in request.headers.items()}
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        content=request.body,
        extensions={
            "target": target.encode("ascii"),
            "timeout": {"connect": connect, "pool": connect, "read": read, "write": read},
            "trace": call.trace,
        },
    )


async def _complete(incoming: httpx.Response, limits: HttpLimits) -> Response:
    """Read the answer to its end, within bounds."""
    if incoming.status_code >= _SERVER_ERROR:
        raise _Unusable(f"it answered with status {incoming.status_code}")
    if incoming.headers.get("content-encoding", "identity") != "identity":
        raise _Unusable("it answered in an encoding that was not asked for")
    body = bytearray()
    async for piece in incoming.aiter_raw():
        body += piece
        if len(body) > limits.body_max_bytes:
            raise _Unusable(f"its answer is longer than {limits.body_max_bytes} bytes")
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    return Response(incoming.status_code, headers, bytes(body))


def _words_for(trouble: Exception) -> str:
    """Say what went wrong without repeating what httpx says, which may hold the request."""
    if isinstance(trouble, _Unusable | AppBrokeOff):
        return str(trouble)
    for kind, words in _WORDS:
        if isinstance(trouble, kind):
            return words
    return f"the connection broke by {type(trouble).__name__}"


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "all connections are busy"),
    (httpx.ConnectError, "the connection was refused or not secure"),
    (httpx.TimeoutException, "no answer in time"),
    (TimeoutError, "no complete answer in time"),
    (httpx.UnsupportedProtocol, "the address is not http or https"),
    (httpx.InvalidURL, "the address is not usable"),
    (httpx.LocalProtocolError, "the request is no HTTP"),
    (httpx.ProtocolError, "the answer is no HTTP"),
    (ValueError, "the request cannot be sent"),
)
