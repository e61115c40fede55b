"""FaultyTransport: stands between a provider and its way out, and spoils chosen calls."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from retender.domain.model.errors import ProviderUnavailable
from retender.ports.transport import Request, Response, Transport
from retender.tests.contracts.provider.gateway import Fault, Operation


class FaultyTransport:
    """
    A transport that forwards everything, but for the calls that faults were set for.

    Whether the connection is made and whether the answer's signature is right is decided
    here; every other fault is the gateway's own doing, so ``spoil`` is called just before the
    request goes out.
    """

    def __init__(
        self,
        inner: Transport,
        operations: Mapping[Operation, Collection[str]],
        spoil: Callable[[Fault], None],
    ) -> None:
        """
        Spoil nothing yet.

        Args:
            inner: the real way to the gateway.
            operations: by which ``Request.operation`` the port's operations are known.
            spoil: makes the gateway misbehave at the next request that it gets.

        """
        self._inner = inner
        self._operations = operations
        self._spoil = spoil
        self._waiting: list[tuple[Fault, Operation]] = []

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        """Spoil the next call of the operation; what was set and never met is forgotten."""
        self._waiting = [(fault, operation)]

    async def __call__(self, request: Request) -> Response:
        """Forward the request, or do to it what is set for it."""
        fault = self._take(request.operation)
        if fault is Fault.UNREACHABLE:
            raise ProviderUnavailable("The gateway was not reached: a test has cut the line.")
        if fault is None:
            return await self._inner(request)
        if fault is Fault.BAD_SIGNATURE:
            return _corrupted(await self._inner(request))
        self._spoil(fault)
        return await self._inner(request)

    def _take(self, name: str) -> Fault | None:
        for waiting in self._waiting:
            fault, operation = waiting
            if name in self._operations[operation]:
                self._waiting.remove(waiting)
                return fault
        return None


def _corrupted(answer: Response) -> Response:
    """Change one letter or digit in the middle of the body: still readable, no longer signed."""
    body = bytearray(answer.body)
    for index in range(len(body) // 2, len(body)):
        if chr(body[index]).isascii() and chr(body[index]).isalnum():
            body[index] = ord("7") if body[index] != ord("7") else ord("8")
            return replace(answer, body=bytes(body))
    return replace(answer, body=bytes(body) + b"{}")
