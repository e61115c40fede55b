"""The wire that a simulator running as a real server sends its notices over."""

from collections.abc import Mapping

import httpx

from retender.simulators.kit.delivery import MerchantUnreachable


class HttpSender:
    """
    Posts notices like a gateway: no redirects followed, five seconds to answer.

    The simulator plays somebody else's server, so it speaks HTTP by itself
    and does not borrow the transport that it is there to test.
    """

    def __init__(self, timeout_seconds: float = 5.0) -> None:
        """Open nothing yet; connections are made when first needed."""
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds, follow_redirects=False, trust_env=False
        )

    async def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Post and return status and body, or raise ``MerchantUnreachable``."""
        try:
            answer = await self._client.post(url, headers=dict(headers), content=body)
        except (httpx.HTTPError, httpx.InvalidURL) as trouble:
            raise MerchantUnreachable(repr(trouble)) from trouble
        return answer.status_code, answer.content

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
