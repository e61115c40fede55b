"""The simulator put together: one gateway, one app, one seller, any number of buyers."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from retender.simulators.alipay.bills import Bills
from retender.simulators.alipay.cashier import Cashier, Session
from retender.simulators.alipay.errors import GatewayError, Refused, invalid
from retender.simulators.alipay.gateway import BROWSER_METHODS, METHODS, Gateway
from retender.simulators.alipay.keys import KeyRing, private_pem, public_pem
from retender.simulators.alipay.notices import LADDER, NoticeWriter, heard
from retender.simulators.alipay.operations import Operations, yuan
from retender.simulators.alipay.pages import CashierPages
from retender.simulators.alipay.requests import Doorkeeper, read_parameters
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import APP_PAY, Terms
from retender.simulators.alipay.trades import Buyer, Ledger, Refund, Trade
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.control import control_routes
from retender.simulators.kit.delivery import NoticeDelivery, NoticePump, Send
from retender.simulators.kit.faults import Faults
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    FilledForm,
    PageMaterial,
    PayerAction,
    in_hand,
)

APP_ID: Final = "2026000000000001"
_APP_METHODS = frozenset({APP_PAY})
SELLER_ID: Final = "2088000000000001"
"""What a merchant id looks like: sixteen digits that begin with 2088."""


def wall_clock() -> datetime:
    """Return the real time, which a simulator follows until told otherwise."""
    return datetime.now(UTC)


class AlipaySimulator:
    """
    A gateway that nobody has to ask for permission; see ``ControlledSimulator``.

    Attributes:
        app: the ASGI application: gateway, human pages, control API.
        settings: what an account of our plugin must be told to use it.
        keys: both sides' keys; ``keys.roll()`` changes the gateway's.

    """

    brand: Final = "alipay"

    def __init__(
        self,
        base_url: str,
        *,
        clock: Callable[[], datetime] = wall_clock,
        switches: AlipaySwitches | None = None,
        certified: bool = False,
        send: Send | None = None,
        keys: KeyRing | None = None,
        app_id: str = APP_ID,
        seller_id: str = SELLER_ID,
    ) -> None:
        """
        Begin with an empty ledger.

        Args:
            base_url: where ``app`` will be reached; pages and QR codes bear it.
            clock: the time that the simulator's own clock follows.
            switches: the unconfirmed facts.
            certified: certificate mode in place of key mode.
            send: how to post notices; if given, a server sends them by itself.
            keys: both sides' keys, or None: make new ones.
            app_id: the one app that the gateway knows.
            seller_id: the merchant whose money it is.

        """
        self.base_url = base_url.rstrip("/")
        self.clock = SimulatorClock(clock)
        self.faults = Faults()
        self.switches = switches or AlipaySwitches()
        self.delivery = NoticeDelivery(self.clock, LADDER, heard)
        self.keys = keys or KeyRing.make(self.clock.now())
        self._app_id = app_id
        self._seller_id = seller_id
        self._certified = certified
        self._send = send
        self._ledger = Ledger(self.clock, self.switches, self._tell)
        self._cashier = Cashier(self._ledger, self.clock, self.switches)
        self._bills = Bills(self._ledger, self.clock, f"{self.base_url}/bills/", seller_id)
        self._door = Doorkeeper(app_id, self.keys, certified, self.switches, self.clock, METHODS)
        self._pages = CashierPages(
            cashier=self._cashier,
            ledger=self._ledger,
            clock=self.clock,
            switches=self.switches,
            keys=self.keys,
            app_id=app_id,
        )
        self._gateway = self._put_together()
        self.app = self._application()

    def _put_together(self) -> Gateway:
        operations = Operations(
            ledger=self._ledger,
            cashier=self._cashier,
            bills=self._bills,
            clock=self.clock,
            switches=self.switches,
            qr_prefix=self._qr_prefix,
        )
        return Gateway(
            doorkeeper=self._door,
            operations=operations,
            pages=self._pages,
            keys=self.keys,
            faults=self.faults,
            seller_id=self._seller_id,
        )

    def _application(self) -> Starlette:
        async def bill(request: Request) -> Response:
            packed = self._bills.fetch(request.path_params["token"])
            if packed is None:
                return PlainTextResponse("this link does not work any more", status_code=404)
            return Response(packed, media_type="application/zip")

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

        return Starlette(
            routes=[
                Route("/gateway.do", self._gateway.answer, methods=["GET", "POST"]),
                Route("/bills/{token}", bill),
                *self._pages.routes(lambda order: self._terms_of(order, _APP_METHODS)),
                *control_routes(self),
            ],
            lifespan=lifespan,
        )

    @property
    def gateway_url(self) -> str:
        """Where requests and pages go."""
        return f"{self.base_url}/gateway.do"

    @property
    def _qr_prefix(self) -> str:
        return f"{self.base_url}/qr/"

    @property
    def settings(self) -> dict[str, str]:
        """Return ready settings of an account; the private key is a throw-away one."""
        settings = {
            "app_id": self._app_id,
            "seller_id": self._seller_id,
            "gateway": self.gateway_url,
            "private_key": private_pem(self.keys.app.key),
            "instalments": ",".join(str(each) for each in self.switches.instalment_counts),
        }
        if not self._certified:
            public = public_pem(self.keys.alipay.key.public_key())
            return {**settings, "alipay_public_key": public}
        return {
            **settings,
            "app_cert": self.keys.app.pem,
            "alipay_cert": self.keys.alipay_certificates,
            "alipay_root_cert": self.keys.root.pem,
        }

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        """Do with a page what a payer would; see ``ControlledSimulator.act``."""
        held, wanted, payer = in_hand(page), PayerAction(action), Buyer(buyer)
        try:
            if isinstance(held, Mapping):
                return self._cashier.pay_waiting(wanted, self._made_trade(held), payer)
            session = self._session(held, buyer)
        except (GatewayError, Refused) as trouble:
            return ActResult(ok=False, code=trouble.sub_code, message=trouble.message)
        return self._cashier.act(wanted, session, payer)

    def books(self) -> Mapping[str, Book]:
        """Return all money captured and refunded, by the merchant's number."""
        return self._ledger.books()

    def state(self) -> Mapping[str, object]:
        """Return trades and open pages as JSON values."""
        trades = [
            {
                "number": trade.number,
                "trade_no": trade.trade_no,
                "subject": trade.terms.subject,
                "status": trade.status,
                "total_amount": yuan(trade.terms.amount_minor),
                "refunded": yuan(trade.refunded_minor),
                "buyer": trade.buyer.name,
                "method": trade.terms.method,
                "ends_at": trade.ends_at.isoformat(),
            }
            for trade in self._ledger.all()
        ]
        return {"trades": trades, "pages": self._cashier.open_pages()}

    def _tell(self, trade: Trade, refund: Refund | None) -> None:
        writer = NoticeWriter(
            app_id=self._app_id,
            keys=self.keys,
            certified=self._certified,
            delivery=self.delivery,
            switches=self.switches,
        )
        writer.tell(trade, refund, self.clock.now())

    def _session(self, held: str | FilledForm, buyer: str) -> Session:
        if isinstance(held, str) and held.startswith(self._qr_prefix):
            code = self._cashier.code(held.removeprefix(self._qr_prefix))
            return self._cashier.session_of(held, buyer, lambda: self._cashier.scan(code))
        if isinstance(held, str) and not held.startswith(self.base_url):
            return self._cashier.session_of(held, buyer, lambda: self._terms_of(held, _APP_METHODS))
        url, fields = (held, {}) if isinstance(held, str) else (held.action, held.fields)
        if not url.startswith(self.gateway_url):
            raise invalid("page", "this page leads elsewhere")
        query = urlsplit(url).query
        page = f"{query}\n{json.dumps(fields, sort_keys=True)}"
        return self._cashier.session_of(
            page, buyer, lambda: self._terms_of(query, BROWSER_METHODS, fields)
        )

    def _terms_of(
        self, query: str, methods: frozenset[str], fields: Mapping[str, str] = MappingProxyType({})
    ) -> Terms:
        """Prove a page in somebody's hand as the gateway would, and read it."""
        parameters = read_parameters(query, b"")
        call = self._door.admit({**parameters, **fields})
        if call.method not in methods:
            raise invalid("method", "this page is not opened like this")
        return self._gateway.terms_of(call)

    def _made_trade(self, held: Mapping[str, str]) -> Trade:
        trade = self._ledger.find(None, held.get("trade_no") or held.get("tradeNO"))
        if trade is None:
            raise Refused("ACQ.TRADE_NOT_EXIST", "there is no trade of this number")
        return trade


def create_simulator(
    base_url: str,
    *,
    clock: Callable[[], datetime] = wall_clock,
    switches: AlipaySwitches | None = None,
    certified: bool = False,
    send: Send | None = None,
    keys: KeyRing | None = None,
) -> AlipaySimulator:
    """Make a simulator that will be served at ``base_url``; see ``AlipaySimulator``."""
    return AlipaySimulator(
        base_url, clock=clock, switches=switches, certified=certified, send=send, keys=keys
    )
