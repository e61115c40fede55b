"""The wire: what may happen to a call on its way to a gateway, and to a notice on its way back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from retender.adapters.http.asgi import AsgiApp, Message
from retender.adapters.http.gateway_clock import GatewayClock
from retender.adapters.http.limits import HttpLimits
from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import ProviderError, ProviderUnavailable
from retender.ports.transport import Request, Response
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.delivery import Forgery
from retender.simulators.kit.faults import FaultKind
from retender.tests.simulation.hosted.simulator import FORGOTTEN, NEVER_LOST
from retender.tests.simulation.script import DAY

if TYPE_CHECKING:
    from retender.tests.simulation.town import Town

LIMITS = HttpLimits()
PUMP_EVERY, PUMP_SLOWLY = 5.0, 60.0
SLOWLY = (0.1, 0.1, 0.1, 8.4, 20.0)
"""Seconds that the hosted gateway takes to answer ``open``; the last is over any bound."""


@dataclass(slots=True)
class Line:
    """
    One process's ``Transport`` to one gateway: the real one, over a wire that has faults.

    The real transport calls the gateway's app; what the app does to its answers it is told by
    the simulator's own fault dials. Only what happens before an app is reached is done here.
    """

    town: "Town"
    account: str
    inner: HttpxTransport

    @classmethod
    def to(cls, town: "Town", account: str, gateway_clock: GatewayClock) -> "Line":
        """Lay a line to the account's gateway, whose answers bear the time of its own clock."""
        gateway = town.gateways[account]
        inner = HttpxTransport.to_app(
            _dated(gateway.app, gateway.clock),
            clock=town.clock,
            limits=LIMITS,
            gateway_clock=gateway_clock,
        )
        return cls(town, account, inner)

    async def __call__(self, request: Request) -> Response:
        """Send, or not, or later, and say what a caller would see."""
        town, chance = self.town, self.town.chance_of(request)
        await asyncio.sleep(chance.uniform(0.01, 0.2))
        fault = town.outage_of(self.account, request.operation) or _drawn(chance, town.call_rates)
        if fault is not None:
            town.log(f"{self.account} {request.operation}: {fault}")
        match fault:
            case "refused":
                raise ProviderUnavailable("The gateway refused the connection.")
            case "late":
                town.later(chance.uniform(11, 400), partial(self._arrive_late, request))
                town.faults(self.account).set(FaultKind.LOST_BEFORE_EFFECT)
            case "silent":
                town.faults(self.account).set(FaultKind.LOST_BEFORE_EFFECT)
                await asyncio.sleep(LIMITS.read_within.total_seconds())
            case "delay":
                town.faults(self.account).set(FaultKind.DELAY, seconds=chance.uniform(3, 30))
            case "forgets":
                # In the request itself: who asks may die while it is under way.
                headers = {**request.headers, FORGOTTEN: "yes"}
                return await self.inner(replace(request, headers=headers))
            case str():
                town.faults(self.account).set(fault)
        try:
            answer = await self.inner(request)
        finally:
            town.look()
        slow = self.account == "hosted" and request.operation == "open"
        await asyncio.sleep(chance.choice(SLOWLY) if slow else chance.uniform(0.01, 0.2))
        return answer

    async def _arrive_late(self, request: Request) -> None:
        """Let the request take effect when nobody waits for its answer any more."""
        try:
            await self.inner(request)
        except ProviderError:
            self.town.log(f"{self.account} {request.operation}: came late and had no effect")
        else:
            self.town.log(f"{self.account} {request.operation}: came late")
        self.town.look()


async def pump(town: "Town", account: str, chance: Random) -> None:
    """Let a gateway tell us what it has to tell, as well as the wire lets it."""
    delivery = town.gateways[account].delivery
    while True:
        await asyncio.sleep(
            (PUMP_SLOWLY if town.is_quiet else PUMP_EVERY) * chance.uniform(0.5, 1.5)
        )
        rates = town.notice_rates
        # A delay holds for what is queued from now on, the rest for what leaves now.
        late = chance.random() < rates["delay"]
        delivery.turn(delay_seconds=chance.choice((30.0, 300.0, DAY)) if late else 0.0)
        for notice in delivery.due(delivery._clock.now()):
            if chance.random() < rates["lost"] and notice.kind != NEVER_LOST:
                delivery._pending.remove(notice)
                town.log(f"notice of {notice.reference}: lost, and never told again")
        if due := delivery.due(delivery._clock.now()):
            # Each try that does not arrive takes a rung of the ladder, and it ends.
            sure = any(notice.kind == NEVER_LOST for notice in due)
            delivery.turn(
                drop=int(chance.random() < rates["drop"] and not sure),
                duplicate=int(chance.random() < rates["duplicate"]),
                reorder=chance.random() < rates["reorder"],
                forge=_forgery(chance)
                if chance.random() < rates["forge"] / 2 and not sure
                else Forgery.NONE,
            )
            if not (sure and town.processes["server"].is_down()):
                await delivery.deliver_due(town.deliver)


def _dated(app: AsgiApp, clock: SimulatorClock) -> AsgiApp:
    """Say with every answer what time it is, as a server does in front of any app."""

    async def dated(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        await app(scope, receive, say)

    return dated


def _forgery(chance: Random) -> Forgery:
    return chance.choice((Forgery.STRANGER_KEY, Forgery.FLIPPED_BYTE))


def _drawn(chance: Random, rates: Mapping[str, float]) -> str | None:
    """Choose at most one fault, each as likely as its rate."""
    left = chance.random()
    for name, rate in rates.items():
        left -= rate
        if left < 0:
            return name
    return None
