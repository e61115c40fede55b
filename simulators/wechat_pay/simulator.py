"""The simulator put together: one gateway, one merchant, any number of phones."""

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.control import control_routes
from retender.simulators.kit.delivery import NoticeDelivery, NoticePump, Send
from retender.simulators.kit.faults import Faults
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    PageMaterial,
    PayerAction,
)
from retender.simulators.wechat_pay.bills import Bills
from retender.simulators.wechat_pay.gateway import Gateway
from retender.simulators.wechat_pay.identity import Identity, certify, new_identity
from retender.simulators.wechat_pay.notices import LADDER, NoticeWriter, heard
from retender.simulators.wechat_pay.operations import Operations
from retender.simulators.wechat_pay.pages import PhonePages
from retender.simulators.wechat_pay.phone import Phone
from retender.simulators.wechat_pay.switches import CERTIFICATE, WechatPaySwitches
from retender.simulators.wechat_pay.trades import Trades
from retender.simulators.wechat_pay.wire import PlatformPen


def wall_clock() -> datetime:
    """Return the real time, which a simulator follows until told otherwise."""
    return datetime.now(UTC)


class WechatPaySimulator:
    """
    A gateway that nobody has to ask for permission; see ``ControlledSimulator``.

    Attributes:
        app: the ASGI application: gateway, human pages, control API.
        identity: both sides' numbers and keys.

    """

    brand: Final = "wechat_pay"

    def __init__(
        self,
        base_url: str,
        *,
        clock: Callable[[], datetime] = wall_clock,
        switches: WechatPaySwitches | None = None,
        send: Send | None = None,
        identity: Identity | None = None,
    ) -> None:
        """
        Make keys, unless given, and empty books.

        Args:
            base_url: where ``app`` will be reached; links bear it.
            clock: the time that the simulator's own clock follows.
            switches: the unconfirmed facts.
            send: how to post notices; if given, a server sends them by itself.
            identity: the merchant and the platform; keys take half a second to make.

        """
        self.base_url = base_url.rstrip("/")
        self.clock = SimulatorClock(clock)
        self.faults = Faults()
        self.switches = switches or WechatPaySwitches()
        self.delivery = NoticeDelivery(self.clock, LADDER, heard)
        made = identity or new_identity(self.clock.now())
        # Our own list: a new certificate of ours is nobody else's.
        self.identity = replace(made, certificates=list(made.certificates))
        self._send = send
        self._lock = threading.RLock()
        self._pen = PlatformPen(self.identity, self.switches)
        self._notices = NoticeWriter(self._pen, self.delivery, self.clock.now)
        self._trades = Trades(self.switches)
        self._phone = Phone(
            trades=self._trades,
            identity=self.identity,
            base_url=self.base_url,
            now=self.clock.now,
            paid=self._notices.paid,
            lock=self._lock,
        )
        self.app = self._application()

    def _application(self) -> Starlette:
        operations = Operations(
            trades=self._trades,
            identity=self.identity,
            switches=self.switches,
            notices=self._notices,
            bills=Bills(self.base_url, self.switches),
            base_url=self.base_url,
            now=self.clock.now,
            lock=self._lock,
        )
        gateway = Gateway(operations, self._pen, self.faults)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            if self._send is None:
                yield
                return
            pump = NoticePump(self.delivery, self._send)
            await pump.start()
            try:
                yield
            finally:
                await pump.stop()

        async def bare(_: Request, error: Exception) -> Response:
            return Response(status_code=getattr(error, "status_code", 500))

        return Starlette(
            routes=[
                *gateway.routes(),
                *PhonePages(self._phone, self.switches).routes(),
                *control_routes(self),
            ],
            # Wrong paths and methods are answered with nothing but a status.
            exception_handlers={404: bare, 405: bare},
            lifespan=lifespan,
        )

    @property
    def settings(self) -> dict[str, str]:
        """Return ready settings of an account; the keys are throw-away ones."""
        identity = self.identity
        settings = {
            "mch_id": identity.mchid,
            "app_id": identity.appid,
            "mobile_app_id": identity.mobile_appid,
            "merchant_serial_no": identity.merchant_serial,
            "private_key": identity.merchant_key_pem,
            "api_v3_key": identity.api_v3_key,
            "gateway": self.base_url,
        }
        if self.switches.trust == CERTIFICATE:
            return settings
        return {
            **settings,
            "public_key_id": identity.public_key_id,
            "public_key": identity.public_key_pem,
        }

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """Do with a page what a payer would; see ``ControlledSimulator.act``."""
        return self._phone.act(action, page, buyer=buyer)

    def rotate_certificate(self, key: RSAPrivateKey) -> None:
        """Sign with a new platform certificate from now on; the old one stays on the list."""
        self.identity.certificates.append(certify(key, self.clock.now()))

    def books(self) -> Mapping[str, Book]:
        """
        Return all money captured and refunded, by the merchant's number.

        A refund counts from its acceptance: the merchant's account is debited then.
        """
        now = self.clock.now()
        with self._lock:
            return {
                trade.number: Book(
                    number=trade.number,
                    captured_minor=trade.form.total,
                    refunds={
                        refund.form.refund_number: refund.form.refund
                        for refund in trade.refunds
                        if refund.has_left(now)
                    },
                )
                for trade in self._trades
                if trade.paid_at is not None
            }

    def state(self) -> Mapping[str, object]:
        """Return orders and their refunds as JSON values."""
        now = self.clock.now()
        with self._lock:
            orders = [
                {
                    "number": trade.number,
                    "subject": trade.form.description,
                    "product": trade.form.product.path,
                    "state": str(trade.state(now)),
                    "total": trade.form.total,
                    "payer": trade.payer,
                    "tickets": len(trade.tickets),
                    "ends_at": trade.form.ends_at.isoformat(),
                    "refunds": {
                        refund.form.refund_number: str(refund.state(now))
                        for refund in trade.refunds
                    },
                }
                for trade in self._trades
            ]
        return {"orders": orders}


def create_simulator(
    base_url: str,
    *,
    clock: Callable[[], datetime] = wall_clock,
    switches: WechatPaySwitches | None = None,
    send: Send | None = None,
    identity: Identity | None = None,
) -> WechatPaySimulator:
    """Make a simulator that will be served at ``base_url``; see ``WechatPaySimulator``."""
    return WechatPaySimulator(
        base_url, clock=clock, switches=switches, send=send, identity=identity
    )
