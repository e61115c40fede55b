"""The sandbox's simulator: the gateway behind a server, with notices, faults and a human page."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retender.plugins.sandbox.gateway import MERCHANT, SandboxGateway
from retender.plugins.sandbox.ledger import AnswerDropped, Refund, RefundState, Refused, Trade
from retender.plugins.sandbox.terms import NAME, TERMS
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.control import control_routes
from retender.simulators.kit.delivery import (
    Dressing,
    Forgery,
    NoticeDelivery,
    NoticePump,
    RenderedNotice,
    Send,
)
from retender.simulators.kit.faults import FaultGuard, Faults, LostAnswer
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    PageMaterial,
    PayerAction,
)
from retender.simulators.sandbox.pages import cashier_routes, number_on

_TOO_MANY: Final = 429
_HEARD: Final = (200, b"ok")


def wall_clock() -> datetime:
    """Return the real time, which the simulator follows until told otherwise."""
    return datetime.now(UTC)


def heard(status: int, body: bytes) -> bool:
    """Tell whether the merchant said "received"."""
    return (status, body) == _HEARD


@dataclass(slots=True)
class SandboxSwitches:
    """None: whatever the sandbox does is so because we say so."""


class SandboxSimulator:
    """
    A sandbox for more than one process; see ``ControlledSimulator``.

    Attributes:
        app: the ASGI application: gateway, human pages, control API.
        settings: what an account of our plugin must be told to use it.

    """

    brand: Final = NAME

    def __init__(
        self,
        base_url: str,
        *,
        clock: Callable[[], datetime] = wall_clock,
        send: Send | None = None,
        secret: str | None = None,
        merchant: str = MERCHANT,
    ) -> None:
        """
        Begin with empty books.

        Args:
            base_url: where ``app`` will be reached; pages and codes bear it.
            clock: the time that the simulator's own clock follows.
            send: how to post notices; if given, a server sends them by itself.
            secret: shared with the account, or None: make one.
            merchant: the one merchant that the gateway knows.

        """
        self.clock = SimulatorClock(clock)
        self.faults = Faults()
        self.switches = SandboxSwitches()
        self.delivery = NoticeDelivery(self.clock, TERMS.notice_retries, heard)
        self._send = send
        self._secret = secret or secrets.token_hex(32)
        self._merchant = merchant
        self._gateway = SandboxGateway(
            secret=self._secret,
            clock=self.clock.now,
            merchant=merchant,
            base_url=base_url,
            tell=self._tell,
        )
        self._guard = FaultGuard(
            self.faults,
            rate_limited=lambda operation: self._said(operation, "TOO_OFTEN", _TOO_MANY),
            provider_error=lambda operation, code: self._said(operation, code or "SYSTEM_ERROR"),
        )
        self.app = Starlette(
            routes=[
                Route("/v1/{operation}", self._answer, methods=["POST"]),
                *cashier_routes(self._gateway, self.act),
                *control_routes(self),
            ],
            lifespan=self._lifespan,
        )

    @property
    def settings(self) -> dict[str, str]:
        """Return ready settings of an account."""
        return {
            "secret": self._secret,
            "gateway": self._gateway.base_url,
            "merchant": self._merchant,
        }

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """Do with a page what a payer would; see ``ControlledSimulator.act``."""
        wanted, number = PayerAction(action), None
        try:
            number = number_on(self._gateway, page)
            self._do(wanted, number, buyer)
        except Refused as no:
            return ActResult(ok=False, code=no.code, message=no.message, number=number)
        return ActResult(ok=True, number=number)

    def _do(self, wanted: PayerAction, number: str, buyer: str) -> None:
        if wanted is PayerAction.LEAVE:
            return
        self._gateway.ledger.begin(number, buyer)
        if wanted is PayerAction.NOT_ENOUGH_BALANCE:
            raise Refused("NOT_ENOUGH", "there is too little to pay with")
        if wanted in {PayerAction.PAY, PayerAction.ENTER_PASSWORD}:
            self._gateway.ledger.pay(number, buyer)

    def books(self) -> Mapping[str, Book]:
        """Return all money captured and refunded, by the merchant's number."""
        return {
            trade.ask.number: Book(
                number=trade.ask.number,
                captured_minor=trade.captured_minor,
                refunds={
                    number: refund.minor
                    for number, refund in trade.refunds.items()
                    if refund.state is not RefundState.FAILED
                },
                currency=trade.ask.currency,
            )
            for trade in self._gateway.ledger.all()
        }

    def state(self) -> Mapping[str, object]:
        """Return every trade as JSON values."""
        return {
            "trades": [
                {
                    "number": trade.ask.number,
                    "state": trade.state,
                    "subject": trade.ask.subject,
                    "minor": trade.ask.minor,
                    "currency": trade.ask.currency,
                    "outcome": trade.outcome,
                    "ends_at": trade.ask.expires_at.isoformat(),
                }
                for trade in self._gateway.ledger.all()
            ]
        }

    async def _answer(self, request: Request) -> Response:
        operation, body = request.path_params["operation"], await request.body()

        async def handle() -> Response:
            try:
                answer = self._gateway.answer(operation, request.headers, body)
            except AnswerDropped:
                return LostAnswer()
            return Response(answer.body, answer.status, dict(answer.headers))

        return await self._guard(operation, handle)

    def _said(self, operation: str, code: str, status: int = 400) -> Response:
        answer = self._gateway.signed(operation, {"code": code, "message": "simulated"}, status)
        return Response(answer.body, answer.status, dict(answer.headers))

    def _tell(self, trade: Trade, refund: Refund | None) -> None:
        def render(dressing: Dressing) -> RenderedNotice:
            stranger = dressing.forgery is Forgery.STRANGER_KEY
            headers, body = self._gateway.notice(
                trade,
                refund,
                now=dressing.now,
                secret="a stranger's secret" if stranger else None,
                alterations=dressing.alterations,
            )
            if dressing.forgery is Forgery.FLIPPED_BYTE:
                body = body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]
            return RenderedNotice(headers, body)

        kind = "payment" if refund is None else "refund"
        self.delivery.queue(trade.ask.number, kind, trade.ask.notify_url, render)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        if self._send is None:
            yield
            return
        pump = NoticePump(self.delivery, self._send)
        await pump.start()
        try:
            yield
        finally:
            await pump.stop()


def create_simulator(
    base_url: str,
    *,
    clock: Callable[[], datetime] = wall_clock,
    send: Send | None = None,
    secret: str | None = None,
) -> SandboxSimulator:
    """Make a simulator that will be served at ``base_url``; see ``SandboxSimulator``."""
    return SandboxSimulator(base_url, clock=clock, send=send, secret=secret)
