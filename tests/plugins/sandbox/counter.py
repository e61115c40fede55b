"""The shop's counter: the sandbox provider on one side, its simulator on the other, one clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import ProviderUnavailable
from retender.domain.model.page import Page
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.wire import SIGNATURE_HEADER
from retender.ports.clock import Clock
from retender.ports.payment_provider import Acknowledgement, PaymentProvider, RawNotice
from retender.ports.transport import Request, Response, Transport
from retender.simulators.kit.delivery import Forgery
from retender.simulators.sandbox.simulator import SandboxSimulator, heard
from retender.tests.contracts.payment_provider import (
    ALICE,
    FORBIDDEN_PAGE,
    Booked,
    Fault,
    Operation,
)

BASE_URL = "https://sandbox.example"
NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)

_DIALS = {
    Fault.LOST_BEFORE_EFFECT: ("lost_before_effect", None),
    Fault.LOST_AFTER_EFFECT: ("lost_after_effect", None),
    Fault.SERVER_ERROR: ("http_5xx_after_effect", None),
    Fault.UNKNOWN_CODE: ("provider_error", "MOON_TOO_FULL"),
    Fault.RATE_LIMIT: ("rate_limit", None),
}


def context(
    settings: Mapping[str, str], transport: Transport | None = None, clock: Clock = lambda: NOON
) -> ProviderContext:
    """Return what the sandbox is built from."""
    return ProviderContext(
        account="till",
        settings={"merchant": "sandbox", **settings},
        transport=transport or nowhere,
        clock=clock,
        random_text=lambda length: "r" * length,
    )


async def nowhere(request: Request) -> Response:
    """Lead nowhere."""
    raise AssertionError(f"a sandbox in this process sends nothing, least of all {request}")


class Counter:
    """A ``GatewayUnderTest``."""

    def __init__(self) -> None:
        self._now = NOON
        self._spoilt: list[tuple[Fault, str]] = []
        self._answers: dict[str, Response] = {}
        self.requests: list[Request] = []
        self.simulator = SandboxSimulator(BASE_URL, clock=self.now)
        self._wire = HttpxTransport.to_app(self.simulator.app, clock=self.now)
        self.provider = self.another_provider()
        self.gateway = self.simulator._gateway

    @property
    def secrets(self) -> Sequence[str]:
        return [self.simulator.settings["secret"]]

    def another_provider(self) -> PaymentProvider:
        return PLUGIN.build(context(self.simulator.settings, self.send, self.now))

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        return self.simulator.act("pay", page, buyer=buyer).ok

    async def begin(self, page: Page, *, buyer: str = ALICE) -> bool:
        return self.simulator.act("scan", page, buyer=buyer).ok

    async def booked(self, number: str) -> Booked:
        book = self.simulator.books().get(number)
        if book is None:
            return Booked()
        subject = self.gateway.ledger.find(number).ask.subject
        return Booked(captured=book.captured_minor, refunded=book.refunded_minor, subject=subject)

    async def notices(self) -> Sequence[RawNotice]:
        async def hear(_url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
            return 200, b"ok"

        await self.simulator.delivery.deliver_due(hear)
        return [
            RawNotice(headers=each.notice.headers, body=each.notice.body, received_at=each.sent_at)
            for each in self.simulator.delivery.history
        ]

    def forge_notices(self) -> None:
        self.simulator.delivery.turn(forge=Forgery.STRANGER_KEY)

    def speak_for_another(self) -> None:
        self.simulator.delivery.turn(alter={"merchant": "somebody-else"})

    def unsigned(self, notice: RawNotice) -> RawNotice:
        kept = {n: v for n, v in notice.headers.items() if n != SIGNATURE_HEADER}
        return replace(notice, headers=kept)

    def hears(self, answer: Acknowledgement) -> bool:
        return heard(answer.status, answer.body)

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        if fault in _DIALS:
            kind, code = _DIALS[fault]
            self.simulator.faults.set(kind, operation, code=code)
        else:
            self._spoilt.append((fault, operation))

    async def send(self, request: Request) -> Response:
        """Carry a request over, with the trouble that only a wire can make."""
        self.requests.append(request)
        fault = next((f for f, operation in self._spoilt if operation == request.operation), None)
        if fault is not None:
            self._spoilt.remove((fault, request.operation))
        if fault is Fault.UNREACHABLE:
            raise ProviderUnavailable("The gateway was not reached.")
        if fault is Fault.NOT_THE_GATEWAY:
            return Response(403, {"content-type": "text/html"}, FORBIDDEN_PAGE)
        if fault is Fault.ANOTHERS_ANSWER:
            return self._answers[request.operation]
        answer = await self._wire(request)
        self._answers.setdefault(request.operation, answer)
        if fault is Fault.BAD_SIGNATURE:
            sign = answer.headers[SIGNATURE_HEADER]
            twisted = ("0" if sign[0] != "0" else "1") + sign[1:]
            return replace(answer, headers={**answer.headers, SIGNATURE_HEADER: twisted})
        return answer
