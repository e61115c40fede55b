"""Guard: keeps an account's trouble to itself: few calls at once, none while nobody answers."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from retender.domain.model.errors import ProviderUnavailable
from retender.ports.clock import Clock
from retender.ports.transport import Request, Response, Transport

log = logging.getLogger(__name__)

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """
    When an account's calls wait, and when they are not even tried.

    Attributes:
        calls_max: in flight at once; who comes then waits.
        wait_within: for a turn; after that the call was surely not sent.
        failures: so many calls in a row without an answer open the circuit.
        cool_off: how long it stays open the first time; then twice as long, and so on.
        cool_off_max: but never longer than this.

    """

    calls_max: int = 50
    wait_within: timedelta = timedelta(seconds=1)
    failures: int = 5
    cool_off: timedelta = timedelta(seconds=5)
    cool_off_max: timedelta = timedelta(minutes=1)


class CircuitState(StrEnum):
    """Whether calls are let through."""

    CLOSED = "closed"
    """All are."""
    OPEN = "open"
    """None is, until its time has come."""
    HALF_OPEN = "half_open"
    """One is, as a probe; what becomes of it decides."""


class Circuit:
    """
    A circuit breaker: after too many failures in a row, leave a gateway alone for a while.

    A failure is a call without an answer: not reached, cut off, broken, 5xx; and 429, which
    is the gateway's own wish to be left alone. Any other answer is none, whatever it says of
    the money: that a gateway refuses shows that it works.

    Attributes:
        failures: how many in a row, by now.
        open_until: when one call is let through as a probe; None while closed.

    """

    def __init__(
        self, account: str, *, limits: GuardLimits, clock: Clock, random: Callable[[], float]
    ) -> None:
        """
        Begin closed.

        Args:
            account: whose it is, for messages.
            limits: when it opens, and for how long.
            clock: what time it is.
            random: a number from 0 to 1, so that many processes do not probe in step.

        """
        self.failures = 0
        self.open_until: datetime | None = None
        self._account = account
        self._limits = limits
        self._clock = clock
        self._random = random
        self._pause = limits.cool_off
        self._probing = False
        self._era = 0

    @property
    def state(self) -> CircuitState:
        """Whether calls are let through at this moment."""
        if self.open_until is None:
            return CircuitState.CLOSED
        left = self.open_until - self._clock()
        # More than the most is left only if somebody set the clock back.
        is_open = timedelta(0) < left <= self._limits.cool_off_max
        return CircuitState.OPEN if is_open else CircuitState.HALF_OPEN

    def allowed(self, wanted: int) -> int:
        """Return how many of so many calls are worth beginning: all, one as a probe, or none."""
        state = self.state
        if state is CircuitState.CLOSED:
            return wanted
        return min(wanted, 1) if state is CircuitState.HALF_OPEN and not self._probing else 0

    def check(self) -> None:
        """Raise ``ProviderUnavailable``, saying when to come back, if no call is let through."""
        if self.allowed(1) or self.open_until is None:
            return
        at = self.open_until.isoformat(timespec="seconds")
        raise ProviderUnavailable(
            f"{self._account} did not answer {self.failures} times in a row; "
            f"nothing was sent, and it is tried again at {at}.",
            account=self._account,
            retry_at=at,
        )

    def enter(self) -> int:
        """Let a call through, or raise as ``check`` does; hand what it returns to ``leave``."""
        self.check()
        self._probing = self.open_until is not None
        return self._era

    def leave(self, era: int, *, answered: bool) -> None:
        """Learn what became of a call."""
        if era != self._era:
            return  # it began before the last change, and tells of the time before it
        if answered:
            self._close()
            return
        self.failures += 1
        if self._probing or self.failures >= self._limits.failures:
            self._open()

    def _close(self) -> None:
        if self.open_until is not None:
            log.warning("%s answers again: circuit closed", self._account)
            self._era += 1
        self.failures, self.open_until, self._probing = 0, None, False
        self._pause = self._limits.cool_off

    def _open(self) -> None:
        pause = min(self._pause, self._limits.cool_off_max)
        self._pause = pause * 2
        self.open_until = self._clock() + pause * (0.5 + self._random() / 2)
        self._probing = False
        self._era += 1
        log.warning(
            "%s did not answer %d times in a row: circuit open until %s",
            self._account,
            self.failures,
            self.open_until.isoformat(timespec="seconds"),
        )


class GuardedTransport:
    """
    A transport that holds back what would only wait; it is a ``Transport`` itself.

    What it holds back was surely not sent, so the caller gets ``ProviderUnavailable``. A call
    that is cut off by its caller counts as one without an answer.

    Attributes:
        circuit: whether calls are let through.

    """

    def __init__(self, inner: Transport, circuit: Circuit, *, limits: GuardLimits) -> None:
        """Guard this transport."""
        self.circuit = circuit
        self._inner = inner
        self._turns = asyncio.Semaphore(limits.calls_max)
        self._limits = limits

    async def __call__(self, request: Request) -> Response:
        """Wait for a turn, then send the request once."""
        self.circuit.check()  # at once: the turns may all be taken by calls that hang
        await self._take_turn(request)
        answered = False
        try:
            era = self.circuit.enter()
            try:
                response = await self._inner(request)
                answered = response.status != _TOO_MANY_REQUESTS
            finally:
                self.circuit.leave(era, answered=answered)
        finally:
            self._turns.release()
        return response

    async def _take_turn(self, request: Request) -> None:
        try:
            async with asyncio.timeout(self._limits.wait_within.total_seconds()):
                await self._turns.acquire()
        except TimeoutError:
            message = (
                f"{self._limits.calls_max} calls are on their way already; this one was not sent."
            )
            raise ProviderUnavailable(message, operation=request.operation) from None


class Guards:
    """Makes every account's transport a guarded one, and knows how each of them is."""

    def __init__(
        self,
        transports: Callable[[str], Transport],
        *,
        limits: GuardLimits,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        """Guard what ``transports`` makes of an account's name."""
        self.circuits: dict[str, Circuit] = {}
        self._transports = transports
        self._limits = limits
        self._clock = clock
        self._random = random

    def __call__(self, account: str) -> GuardedTransport:
        """Return the account's way to its gateway."""
        circuit = Circuit(account, limits=self._limits, clock=self._clock, random=self._random)
        self.circuits[account] = circuit
        return GuardedTransport(self._transports(account), circuit, limits=self._limits)

    def left_alone(self) -> Mapping[str, bool]:
        """Tell of every account whether its gateway is left alone by now, or only probed."""
        return {
            account: circuit.state is not CircuitState.CLOSED
            for account, circuit in self.circuits.items()
        }

    def check(self, account: str) -> None:
        """Raise ``ProviderUnavailable``, saying until when, if its gateway is left alone now."""
        if circuit := self.circuits.get(account):
            circuit.check()

    def allowed(self, account: str, wanted: int) -> int:
        """Return how many of so many calls to this account are worth beginning now."""
        circuit = self.circuits.get(account)
        return wanted if circuit is None else circuit.allowed(wanted)
