"""TransportContract: trouble is sorted by what is known of the money, proved on real sockets."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Protocol

import pytest

from retender.domain.model.errors import ProviderError, ProviderUnavailable, ProviderUncertain
from retender.ports.transport import Request, Response, Transport
from retender.tests.contracts.kit import Contract
from retender.tests.contracts.telltales import logged, told
from retender.tests.contracts.transport_servers import (
    Behaviour,
    answering,
    closed_port,
    dripping,
    full_house,
    hanging_after,
    resetting_after,
    saying,
    serving,
)

CANARY = "canary-7d21f0"
# Only what a test is about is short: a busy machine may well stop for a moment elsewhere.
PATIENCE = timedelta(seconds=10)
SOON = timedelta(milliseconds=200)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class MakeTransport(Protocol):
    """Makes a transport; the fixture closes it after the test."""

    def __call__(
        self,
        *,
        connect_within: timedelta = PATIENCE,
        read_within: timedelta = PATIENCE,
        answer_within: timedelta = PATIENCE,
    ) -> Transport:
        """Make one that waits no longer than this."""


def asking(url: str, path: str = "/", **changes: object) -> Request:
    """Make a request."""
    parts: dict[str, object] = {"operation": "query", "method": "POST", "body": b"a=1", **changes}
    return Request(url=f"{url}{path}", **parts)  # type: ignore[arg-type]  # changes are its fields


class TransportContract(Contract):
    """
    Inherit it and give the fixture ``make_transport``, with the bounds below.

    The servers are real ones on the loopback.
    """

    connections_max: ClassVar[int] = 2
    body_max_bytes: ClassVar[int] = 65_536

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def transport(self, make_transport: MakeTransport) -> Transport:
        """One that waits long enough for whatever comes."""
        return make_transport()

    @pytest.fixture
    def hasty(self, make_transport: MakeTransport) -> Transport:
        """One that does not bear silence."""
        return make_transport(read_within=SOON)

    # --- there and back -------------------------------------------------------------

    async def test_the_request_is_sent_as_it_stands(self, transport: Transport) -> None:
        """Signatures are over these very bytes."""
        path = "/v3/./pay/%E8%8C%B6?a=%2F%20b&c=~'d!|{e}&f=%e8"
        headers = {"Authorization": "WECHATPAY2 x", "Accept": "application/json"}
        body = '{"subject": "茶 & <b>"}\r\n'.encode()
        async with serving(answering()) as server:
            await transport(asking(server.url, path, headers=headers, body=body))
            (received,) = server.received
        assert received.line == f"POST {path} HTTP/1.1"
        assert received.body == body
        assert received.header("authorization") == "WECHATPAY2 x"
        assert received.header("content-length") == str(len(body))
        assert received.header("host") == server.url.removeprefix("http://")

    async def test_nothing_is_added_that_the_plugin_did_not_say(self, transport: Transport) -> None:
        """But for what HTTP needs, and that the answer come unpacked."""
        async with serving(answering()) as server:
            await transport(asking(server.url, headers={"Accept": "text/plain"}))
            (received,) = server.received
        names = {name for name, _ in received.headers}
        assert names - {"connection", "accept-encoding"} == {"host", "content-length", "accept"}

    async def test_the_answer_comes_back_complete(self, transport: Transport) -> None:
        """Status, headers with names in lower case, exact bytes."""
        body = bytes(range(256)) * 16
        async with serving(answering(200, body, "X-Signature: Ab=", "x-more: 1")) as server:
            response = await transport(asking(server.url))
        assert (response.status, response.body) == (200, body)
        assert response.headers["x-signature"] == "Ab="
        assert response.headers["x-more"] == "1"
        assert all(name == name.lower() for name in response.headers)

    async def test_a_get_has_no_body(self, transport: Transport) -> None:
        """Queries of some gateways are GETs."""
        async with serving(answering()) as server:
            await transport(asking(server.url, "/a?b=c", method="GET", body=b""))
            (received,) = server.received
        assert (received.line, received.body) == ("GET /a?b=c HTTP/1.1", b"")

    @pytest.mark.parametrize("status", [200, 202, 204, 301, 302, 307, 400, 401, 404, 429, 499])
    async def test_every_status_below_500_is_an_answer(
        self, transport: Transport, status: int
    ) -> None:
        """What it means is the plugin's to say."""
        body = b"" if status == 204 else b"{}"
        async with serving(answering(status, body, "Location: /elsewhere")) as server:
            response = await transport(asking(server.url))
        assert (response.status, response.body) == (status, body)

    async def test_a_redirect_is_not_followed(self, transport: Transport) -> None:
        """A signed request goes to the configured gateway and nowhere else."""
        async with (
            serving(answering()) as elsewhere,
            serving(answering(302, b"", f"Location: {elsewhere.url}/")) as server,
        ):
            assert (await transport(asking(server.url))).status == 302
            assert elsewhere.connections == 0

    async def test_cookies_are_not_kept(self, transport: Transport) -> None:
        """Nothing of one call shows in another."""
        async with serving(answering(200, b"{}", "Set-Cookie: who=alice; Path=/")) as server:
            await transport(asking(server.url))
            await transport(asking(server.url))
            assert [each.header("cookie") for each in server.received] == [None, None]

    async def test_proxies_of_the_environment_are_ignored(
        self, make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Payments do not take a way that nobody configured here."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
        async with serving(answering()) as server:
            assert (await make_transport()(asking(server.url))).status == 200

    async def test_a_body_at_the_bound_is_an_answer(self, transport: Transport) -> None:
        """The bound is the last size that is taken."""
        async with serving(answering(200, b"x" * self.body_max_bytes)) as server:
            assert len((await transport(asking(server.url))).body) == self.body_max_bytes

    async def test_many_calls_share_few_connections(self, transport: Transport) -> None:
        """They wait for each other, and all are answered."""
        async with serving(answering()) as server:
            answers = await asyncio.gather(*(transport(asking(server.url)) for _ in range(20)))
            assert [answer.status for answer in answers] == [200] * 20
            assert server.connections <= self.connections_max

    async def test_a_gateway_that_hangs_up_between_calls_is_called_again(
        self, transport: Transport
    ) -> None:
        """Keeping a connection open is the other side's to end."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        async with serving(saying(answer)) as server:
            for _ in range(3):
                assert (await transport(asking(server.url))).status == 200
                await asyncio.sleep(0.02)
            assert len(server.received) == 3

    # --- surely not sent ------------------------------------------------------------

    async def test_a_refused_connection_is_unavailable(self, transport: Transport) -> None:
        """Nobody listens: nothing was sent."""
        with pytest.raises(ProviderUnavailable):
            await transport(asking(f"http://127.0.0.1:{closed_port()}"))

    async def test_no_connection_in_time_is_unavailable(
        self, make_transport: MakeTransport
    ) -> None:
        """The handshake hangs: nothing was sent, and we do not wait for ever."""
        transport = make_transport(connect_within=SOON)
        with full_house() as url, _quickly(), pytest.raises(ProviderUnavailable):
            await transport(asking(url))

    async def test_no_free_connection_in_time_is_unavailable(
        self, make_transport: MakeTransport
    ) -> None:
        """All of the account's are busy: ours was never begun."""
        transport = make_transport(connect_within=SOON)
        async with serving(hanging_after()) as server, serving(answering()) as free:
            busy = [
                asyncio.ensure_future(transport(asking(server.url)))
                for _ in range(self.connections_max)
            ]
            for _ in busy:
                await server.arrivals.get()
            (outcome,) = await asyncio.gather(transport(asking(free.url)), return_exceptions=True)
            for call in busy:
                call.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
            assert isinstance(outcome, ProviderUnavailable)
            assert free.received == []

    async def test_a_server_that_cannot_prove_itself_is_unavailable(
        self, make_transport: MakeTransport
    ) -> None:
        """No TLS, no request."""
        transport = make_transport(connect_within=SOON)
        async with serving(answering()) as server:
            with pytest.raises(ProviderUnavailable):
                await transport(asking(server.url.replace("http:", "https:")))
            assert server.received == []

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nowhere", "http://", "http://[::1"])
    async def test_an_address_that_is_none_is_unavailable(
        self, transport: Transport, url: str
    ) -> None:
        """A misconfigured gateway is never reached."""
        with pytest.raises(ProviderUnavailable):
            await transport(asking(url))

    # --- sent, and no usable answer -------------------------------------------------

    async def _uncertain(self, transport: Transport, behaviour: Behaviour) -> None:
        """Assert that it is uncertain, asked once, and over before long."""
        async with serving(behaviour) as server:
            with _quickly(), pytest.raises(ProviderUncertain):
                await transport(asking(server.url))
            assert len(server.received) == 1

    @pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599])
    async def test_a_server_error_is_uncertain(self, transport: Transport, status: int) -> None:
        """It may have acted before it broke."""
        await self._uncertain(transport, answering(status, b'{"code":"NO"}'))

    async def test_silence_is_uncertain(self, hasty: Transport) -> None:
        """The request went out; who knows."""
        await self._uncertain(hasty, hanging_after())

    async def test_silence_within_the_answer_is_uncertain(self, hasty: Transport) -> None:
        """A "yes" without its end is none."""
        await self._uncertain(hasty, hanging_after(HEAD + b"{"))

    async def test_a_reset_before_the_answer_is_uncertain(self, transport: Transport) -> None:
        """The gateway died, before or after the deed."""
        await self._uncertain(transport, resetting_after(b""))

    async def test_a_reset_within_the_answer_is_uncertain(self, transport: Transport) -> None:
        """The deed is done, most likely, and its outcome cut off."""
        await self._uncertain(transport, resetting_after(HEAD + b'{"code"'))

    async def test_an_answer_that_ends_too_soon_is_uncertain(self, transport: Transport) -> None:
        """It promised more bytes than came."""
        await self._uncertain(transport, saying(HEAD + b"{}"))

    async def test_hanging_up_without_a_word_is_uncertain(self, transport: Transport) -> None:
        """Neither yes nor no; and nothing is sent a second time."""
        await self._uncertain(transport, saying(b""))

    @pytest.mark.parametrize(
        "text",
        [
            b"220 mail.example ESMTP ready\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"HTTP/1.1 twohundred OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}.",
            CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
        ],
    )
    async def test_what_is_no_http_is_uncertain(self, transport: Transport, text: bytes) -> None:
        """Something answered; not what we know."""
        await self._uncertain(transport, saying(text))

    async def test_a_body_over_the_bound_is_uncertain(self, transport: Transport) -> None:
        """One byte is enough."""
        await self._uncertain(transport, answering(200, b"x" * (self.body_max_bytes + 1)))

    async def test_a_huge_body_is_cut_off(self, transport: Transport) -> None:
        """Five megabytes are not read to their end."""
        await self._uncertain(transport, answering(200, b"x" * 5_000_000))

    async def test_an_endless_body_is_cut_off(self, transport: Transport) -> None:
        """Without a length, as fast as it comes."""
        piece = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        await self._uncertain(transport, dripping(CHUNKED, piece, 0))

    async def test_endless_headers_are_cut_off(self, transport: Transport) -> None:
        """Each line is fine, their number is not."""
        await self._uncertain(
            transport, dripping(b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"y" * 8000 + b"\r\n", 0)
        )

    async def test_a_steady_drip_does_not_hold_us_for_ever(
        self, make_transport: MakeTransport
    ) -> None:
        """Each byte is in time, the whole is not."""
        transport = make_transport(answer_within=3 * SOON)
        first = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        await self._uncertain(transport, dripping(first, b"x", 0.02))

    @pytest.mark.parametrize(
        "behaviour",
        [
            hanging_after(HEAD + b"{"),
            answering(500, b"x" * 100_000),
            answering(200, b"x" * 100_000),
        ],
        ids=["silent", "server error", "too long"],
    )
    async def test_trouble_in_one_call_does_not_spoil_the_next(
        self, hasty: Transport, behaviour: Behaviour
    ) -> None:
        """A connection in an unknown state is not used again, nor kept from others."""
        async with serving(behaviour) as bad, serving(answering()) as good:
            for _ in range(self.connections_max + 1):
                with pytest.raises(ProviderUncertain):
                    await hasty(asking(bad.url))
            assert (await hasty(asking(good.url))).status == 200

    async def test_giving_up_on_a_call_does_not_spoil_the_next(self, transport: Transport) -> None:
        """The caller was cancelled; its connection is not handed to another."""
        async with serving(hanging_after()) as slow, serving(answering()) as good:
            for _ in range(self.connections_max + 1):
                call = asyncio.ensure_future(transport(asking(slow.url)))
                await slow.arrivals.get()
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            assert (await transport(asking(good.url))).status == 200

    # --- what is written down -------------------------------------------------------

    @pytest.mark.parametrize(
        "behaviour",
        [
            answering(200, f'{{"token":"{CANARY}"}}'.encode(), f"X-Token: {CANARY}"),
            answering(302, b"", f"Location: https://elsewhere.example/?token={CANARY}"),
            answering(500, CANARY.encode()),
            hanging_after(),
            resetting_after(HEAD + CANARY.encode()[:8]),
            saying(CANARY.encode()),
        ],
        ids=["answered", "redirected", "server error", "silent", "reset", "no HTTP"],
    )
    async def test_no_log_and_no_error_repeats_what_was_said(
        self, hasty: Transport, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of addresses only the host; nothing of queries, headers and bodies, at any level."""
        caplog.set_level("DEBUG")
        async with serving(behaviour) as server:
            outcome = await _outcome(hasty, _with_canaries(server.url))
        assert CANARY not in repr(outcome) + told(outcome) + logged(caplog)
        assert caplog.records, "a call leaves a line"

    async def test_no_error_repeats_what_was_never_sent(
        self, transport: Transport, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The same for connections that were not made, and for addresses that are none."""
        caplog.set_level("DEBUG")
        for url in (f"http://127.0.0.1:{closed_port()}", "http://[", f"ftp://{CANARY}@x"):
            outcome = await _outcome(transport, _with_canaries(url))
            assert isinstance(outcome, ProviderUnavailable)
            assert CANARY not in told(outcome) + logged(caplog)


@contextlib.contextmanager
def _quickly() -> Iterator[None]:
    """Assert that this does not take for ever; a busy machine is given some time."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE.total_seconds() / 2


def _with_canaries(url: str) -> Request:
    return asking(
        url,
        f"/pay/{CANARY}?sign={CANARY}",
        headers={"Authorization": f"Bearer {CANARY}"},
        body=f"key={CANARY}".encode(),
    )


async def _outcome(transport: Transport, request: Request) -> Response | ProviderError:
    try:
        return await transport(request)
    except ProviderError as trouble:
        return trouble
