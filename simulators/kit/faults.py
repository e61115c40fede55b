"""Fault dials: make the next answers of a simulated gateway late, broken, lost or rude."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

ANY_OPERATION = "*"

_PROMISED_LENGTH = 1_000_000


class FaultKind(StrEnum):
    """
    What goes wrong with a call; the name says whether the call took effect.

    ``delay`` holds the answer back, after the effect, and combines with the others.
    ``provider_error`` is the brand's own way to say "something went wrong
    here, ask again"; ``rate_limit`` its way to say "too fast".
    """

    LOST_BEFORE_EFFECT = "lost_before_effect"
    LOST_AFTER_EFFECT = "lost_after_effect"
    DELAY = "delay"
    HTTP_5XX = "http_5xx"
    HTTP_5XX_AFTER_EFFECT = "http_5xx_after_effect"
    RATE_LIMIT = "rate_limit"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_ERROR_AFTER_EFFECT = "provider_error_after_effect"

    @property
    def takes_effect(self) -> bool:
        """Tell whether the gateway does what was asked before it misbehaves."""
        return self in _AFTER_EFFECT


_AFTER_EFFECT = frozenset(
    {
        FaultKind.LOST_AFTER_EFFECT,
        FaultKind.HTTP_5XX_AFTER_EFFECT,
        FaultKind.PROVIDER_ERROR_AFTER_EFFECT,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One dial.

    Attributes:
        kind: what goes wrong.
        operation: the brand's name of the call it applies to, or ``*``.
        times: how many calls it spoils; ``None`` is until cleared.
        seconds: how long a ``delay`` lasts, on the real clock.
        code: which of the brand's own error codes a ``provider_error`` bears;
            ``None`` lets the brand choose.
    """

    kind: FaultKind
    operation: str = ANY_OPERATION
    times: int | None = 1
    seconds: float = 0.0
    code: str | None = None

    def __post_init__(self) -> None:
        """Refuse a dial that could never fire or never end a wait."""
        if self.times is not None and self.times < 1:
            raise ValueError(f"a fault must happen at least once, got times={self.times}")
        if self.seconds < 0:
            raise ValueError(f"a delay cannot be negative, got {self.seconds} seconds")


class Faults:
    """The dials that are set; the oldest that fits a call is used first."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._dials: list[tuple[Fault, int | None]] = []

    def set(
        self,
        kind: FaultKind | str,
        operation: str = ANY_OPERATION,
        *,
        times: int | None = 1,
        seconds: float = 0.0,
        code: str | None = None,
    ) -> Fault:
        """Spoil the next ``times`` calls of ``operation`` and return the dial."""
        fault = Fault(FaultKind(kind), operation, times, seconds, code)
        self._dials.append((fault, times))
        return fault

    def clear(self) -> None:
        """Let everything work again."""
        self._dials.clear()

    def waiting(self) -> list[tuple[Fault, int | None]]:
        """Return the dials not used up, each with the number of times left."""
        return list(self._dials)

    def take_delay(self, *names: str) -> float:
        """Use up one ``delay`` for a call of one of these names; return its seconds, or 0."""
        fault = self._take(names, delays=True)
        return fault.seconds if fault else 0.0

    def take_trouble(self, *names: str) -> Fault | None:
        """Use up one fault other than a ``delay`` for a call of one of these names."""
        return self._take(names, delays=False)

    def _take(self, names: tuple[str, ...], *, delays: bool) -> Fault | None:
        for index, (fault, left) in enumerate(self._dials):
            fits = fault.operation in {*names, ANY_OPERATION}
            if not fits or (fault.kind is FaultKind.DELAY) is not delays:
                continue
            if left == 1:
                del self._dials[index]
            elif left is not None:
                self._dials[index] = (fault, left - 1)
            return fault
        return None


class AnswerLost(Exception):
    """
    Raised in mid-answer, so that the server breaks the connection.

    An in-process client sees the exception itself: a test's transport must
    turn it into its read error.
    """


class LostAnswer(Response):
    """An answer that promises more than it sends, then breaks off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI
        """Send the start of an answer, then raise ``AnswerLost``."""
        length = str(_PROMISED_LENGTH).encode()
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise AnswerLost("the simulated gateway lost this answer on purpose")


@dataclass(frozen=True, slots=True)
class FaultGuard:
    """
    Stands before a gateway's handlers and applies the dials.

    Attributes:
        faults: the dials.
        rate_limited: the brand's answer to a caller who is too fast.
        provider_error: the brand's "unknown error" answer, given the operation
            and the wanted code, if any.
        sleep: how to wait out a ``delay``.
    """

    faults: Faults
    rate_limited: Callable[[str], Response]
    provider_error: Callable[[str, str | None], Response]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __call__(
        self, operation: str, handle: Callable[[], Awaitable[Response]], *, also: str = ""
    ) -> Response:
        """
        Answer a call of ``operation`` with ``handle``, or as the dials say.

        Operations bear the names of our port's methods, so that a test can set a
        dial without knowing the brand; ``also`` is the brand's own name for it.
        """
        trouble = self.faults.take_trouble(operation, also)
        if trouble is None:
            answer = await handle()
        else:
            if trouble.kind.takes_effect:
                await handle()
            answer = self._spoilt(operation, trouble)
        if seconds := self.faults.take_delay(operation, also):
            await self.sleep(seconds)
        return answer

    def _spoilt(self, operation: str, trouble: Fault) -> Response:
        match trouble.kind:
            case FaultKind.LOST_BEFORE_EFFECT | FaultKind.LOST_AFTER_EFFECT:
                return LostAnswer()
            case FaultKind.RATE_LIMIT:
                return self.rate_limited(operation)
            case FaultKind.PROVIDER_ERROR | FaultKind.PROVIDER_ERROR_AFTER_EFFECT:
                return self.provider_error(operation, trouble.code)
            case _:
                return PlainTextResponse("Bad Gateway", status_code=502)
