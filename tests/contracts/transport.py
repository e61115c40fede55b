"""TransportContract: trouble is sorted by what is known of the money, proved on real sockets."""

import asyncio
import logging
import time
import traceback
from datetime import timedelta
from typing import ClassVar, Protocol

import pytest

from retender.domain.model.errors import ProviderError, ProviderUnavailable, ProviderUncertain
from retender.ports.transport import Request, Response, Transport
from retender.tests.contracts.kit import Contract
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
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class MakeTransport(Protocol):
    """Makes a transport with the limits that the contract's attributes name."""

    def __call__(self) -> Transport:
        """Make one; the fixture closes it after the test."""


def asking(url: str, path: str = "/", **changes: object) -> Request:
    """Make a request."""
    parts: dict[str, object] = {"operation": "query", "method": "POST", "body": b"a=1", **changes}
    return Request(url=f"{url}{path}", **parts)  # type: ignore[arg-type]  # changes are its fields


class TransportContract(Contract):
    """
    Inherit it and give the fixture ``make_transport``, whose limits are those below.

    The servers are real ones on the loopback; limits are short so that the suite is.
    """

    connect_within: ClassVar[timedelta] = timedelta(milliseconds=150)
    read_within: ClassVar[timedelta] = timedelta(milliseconds=400)
    answer_within: ClassVar[timedelta] = timedelta(milliseconds=700)
    connections_max: ClassVar[int] = 2
    body_max_bytes: ClassVar[int] = 65_536

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def transport(self, make_transport: MakeTransport) -> Transport:
        """The one transport of most tests."""
        return make_transport()

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

    async def test_no_connection_in_time_is_unavailable(self, transport: Transport) -> None:
        """The handshake hangs: nothing was sent, and we do not wait for ever."""
        with full_house() as url:
            began = time.monotonic()
            with pytest.raises(ProviderUnavailable):
                await transport(asking(url))
        assert time.monotonic() - began < self._patience(self.connect_within)

    async def test_no_free_connection_in_time_is_unavailable(self, transport: Transport) -> None:
        """All of the account's are busy: ours was never begun."""
        async with serving(hanging_after()) as server:
            busy = [
                asyncio.ensure_future(transport(asking(server.url)))
                for _ in range(self.connections_max)
            ]
            await asyncio.sleep(0.05)
            async with serving(answering()) as free:
                (outcome,) = await asyncio.gather(
                    transport(asking(free.url)), return_exceptions=True
                )
                await asyncio.gather(*busy, return_exceptions=True)
                assert isinstance(outcome, ProviderUnavailable)
                assert free.received == []

    async def test_a_server_that_cannot_prove_itself_is_unavailable(
        self, transport: Transport
    ) -> None:
        """No TLS, no request."""
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
        """Assert that it is uncertain, asked once, and over within the limits."""
        began = time.monotonic()
        async with serving(behaviour) as server:
            with pytest.raises(ProviderUncertain):
                await transport(asking(server.url))
            assert len(server.received) == 1
        assert time.monotonic() - began < self._patience(self.answer_within)

    def _patience(self, limit: timedelta) -> float:
        # Generous, as the machine that runs this may be busy: far from "never" is enough.
        return limit.total_seconds() + 5

    @pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599])
    async def test_a_server_error_is_uncertain(self, transport: Transport, status: int) -> None:
        """It may have acted before it broke."""
        await self._uncertain(transport, answering(status, b'{"code":"NO"}'))

    async def test_silence_is_uncertain(self, transport: Transport) -> None:
        """The request went out; who knows."""
        await self._uncertain(transport, hanging_after())

    async def test_silence_within_the_answer_is_uncertain(self, transport: Transport) -> None:
        """A "yes" without its end is none."""
        await self._uncertain(transport, hanging_after(HEAD + b"{"))

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

    async def test_a_steady_drip_does_not_hold_us_for_ever(self, transport: Transport) -> None:
        """Each byte is in time, the whole is not."""
        first = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        every = self.read_within.total_seconds() / 4
        await self._uncertain(transport, dripping(first, b"x", every))

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
        self, transport: Transport, behaviour: Behaviour
    ) -> None:
        """A connection in an unknown state is not used again, nor kept from others."""
        async with serving(behaviour) as bad, serving(answering()) as good:
            for _ in range(self.connections_max + 1):
                with pytest.raises(ProviderUncertain):
                    await transport(asking(bad.url))
            assert (await transport(asking(good.url))).status == 200

    async def test_giving_up_on_a_call_does_not_spoil_the_next(self, transport: Transport) -> None:
        """The caller was cancelled; its connection is not handed to another."""
        async with serving(hanging_after()) as slow, serving(answering()) as good:
            for _ in range(self.connections_max + 1):
                call = asyncio.ensure_future(transport(asking(slow.url)))
                await asyncio.sleep(0.02)
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
        self, transport: Transport, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of addresses only the host; nothing of queries, headers and bodies, at any level."""
        caplog.set_level("DEBUG")
        async with serving(behaviour) as server:
            outcome = await _outcome(transport, _with_canaries(server.url))
        assert CANARY not in _all_told(outcome, caplog)
        assert caplog.records, "a call leaves a line"

    async def test_no_error_repeats_what_was_never_sent(
        self, transport: Transport, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The same for connections that were not made, and for addresses that are none."""
        caplog.set_level("DEBUG")
        for url in (f"http://127.0.0.1:{closed_port()}", "http://[", f"ftp://{CANARY}@x"):
            outcome = await _outcome(transport, _with_canaries(url))
            assert isinstance(outcome, ProviderUnavailable)
            assert CANARY not in _all_told(outcome, caplog)


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


def _all_told(outcome: Response | ProviderError, caplog: pytest.LogCaptureFixture) -> str:
    """Return all that log, error, chain and reprs say."""
    texts = [logging.Formatter().format(r) + repr(vars(r)) for r in caplog.records]
    texts.append(repr(outcome))
    trouble: BaseException | None = outcome if isinstance(outcome, ProviderError) else None
    while trouble is not None:
        texts += [str(trouble), repr(getattr(trouble, "details", None))]
        texts += traceback.format_exception(trouble)
        frames = traceback.StackSummary.extract(
            traceback.walk_tb(trouble.__traceback__), capture_locals=True
        )
        # Our own frames here hold the request; those of the transport must not show it.
        texts += [repr(f.locals) for f in frames if "tests" not in f.filename]
        trouble = trouble.__cause__ or trouble.__context__
    return "\n".join(texts)
