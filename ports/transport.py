"""Transport: the way to a provider's gateway; it signs nothing and knows no brand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One HTTP request, ready to be sent byte for byte.

    Attributes:
        operation: what it is for, such as ``query``; for logs and fault dials.
        method: GET or POST; HEAD asks for a gateway's time alone.
        url: absolute, already escaped; sent exactly as it stands.
        headers: complete but for Host, Content-Length and Connection.
        body: exact bytes; they may be signed.

    """

    operation: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """
    A complete answer below status 500.

    Attributes:
        status: 100 to 499; 5xx is uncertain and never gets here.
        headers: names in lower case.
        body: exact bytes, for signatures; bounded in size.

    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport(Protocol):
    """
    Given to every plugin, one per account; proved by ``TransportContract``.

    Redirects are not followed, nothing is retried, cookies are not kept, every
    step has a time limit. Trouble is sorted by what is known of the money.
    """

    async def __call__(self, request: Request) -> Response:
        """
        Send the request once and return the complete answer.

        Raises:
            ProviderUnavailable: surely not sent: no connection was made.
            ProviderUncertain: sent, in whole or part, and no usable answer:
                time-out, broken connection, body over the bound, status 5xx.

        """
