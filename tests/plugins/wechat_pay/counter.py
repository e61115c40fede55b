"""The shop's counter: our provider on one side, the simulated gateway on the other, one clock."""

import asyncio
import base64
import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.errors import ProviderUnavailable
from retender.domain.model.money import Money
from retender.domain.model.page import Page, PageKind
from retender.domain.model.payer import Payer
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.wechat_pay.credentials import Credentials, read_credentials
from retender.plugins.wechat_pay.provider import WechatPay
from retender.ports.payment_provider import (
    Acknowledgement,
    PayerNeed,
    PaymentProvider,
    RawNotice,
    RefundOrder,
)
from retender.ports.transport import Request, Response
from retender.simulators.kit.delivery import Forgery
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.notices import heard
from retender.simulators.wechat_pay.simulator import WechatPaySimulator, create_simulator
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.contracts.payment_provider import (
    ALICE,
    FORBIDDEN_PAGE,
    Booked,
    Fault,
    Operation,
)

TEN = datetime(2026, 1, 15, 2, tzinfo=UTC)
BASE_URL = "https://wechat.example"

_DIALS = {
    Fault.LOST_BEFORE_EFFECT: ("lost_before_effect", None),
    Fault.LOST_AFTER_EFFECT: ("lost_after_effect", None),
    Fault.SERVER_ERROR: ("http_5xx_after_effect", None),
    Fault.UNKNOWN_CODE: ("provider_error", "MOON_TOO_FULL"),
    Fault.RATE_LIMIT: ("rate_limit", None),
}


class Counter:
    """A ``GatewayUnderTest``, and the handles that our own tests pull as well."""

    def __init__(
        self,
        identity: Identity,
        switches: WechatPaySwitches | None = None,
        at: datetime = TEN,
    ) -> None:
        self._now = at
        self._random = random.Random(7)  # noqa: S311 -- nonces of a test
        self._spoilt: list[tuple[Fault, str]] = []
        self._heard: dict[int, RawNotice] = {}
        self._answers: dict[str, Response] = {}
        self.requests: list[Request] = []
        self.simulator: WechatPaySimulator = create_simulator(
            BASE_URL, clock=self.now, switches=switches, identity=identity
        )
        self.settings = dict(self.simulator.settings)
        self._wire = HttpxTransport.to_app(self.simulator.app, clock=self.now)
        self.provider = self.another_provider()

    @property
    def secrets(self) -> Sequence[str]:
        pem = self.settings["private_key"]
        return [pem.splitlines()[1], self.settings["api_v3_key"]]

    def another_provider(self) -> PaymentProvider:
        return self.built()

    def built(self, **changes: str) -> WechatPay:
        settings = {**self.settings, **changes}
        given = {name: value for name, value in settings.items() if value}
        return WechatPay(
            _credentials(tuple(given.items())),
            ProviderContext(
                account="wechat",
                settings=given,
                transport=self.send,
                clock=self.now,
                random_text=self._random_text,
            ),
        )

    def _random_text(self, length: int) -> str:
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=length))

    async def send(self, request: Request) -> Response:
        """Carry a request over, with the trouble that only a wire can make."""
        self.requests.append(request)
        fault = next((f for f, operation in self._spoilt if operation == request.operation), None)
        if fault is not None:
            self._spoilt.remove((fault, request.operation))
        if fault is Fault.UNREACHABLE:
            raise ProviderUnavailable("the gateway was not reached")
        if fault is Fault.NOT_THE_GATEWAY:
            return Response(403, {"content-type": "text/html"}, FORBIDDEN_PAGE)
        if fault is Fault.ANOTHERS_ANSWER:
            return self._answers[request.operation]
        # Let others have their turn, as a real wire does.
        await asyncio.sleep(0)
        response = await self._wire(request)
        self._answers.setdefault(request.operation, response)
        if fault is Fault.BAD_SIGNATURE:
            return replace(response, headers=_bent(response.headers))
        return response

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        return self.simulator.act("pay", page, buyer=buyer).ok

    async def begin(self, page: Page, *, buyer: str = ALICE) -> bool:
        return self.simulator.act("scan", page, buyer=buyer).ok

    def knows(self, need: PayerNeed) -> bool:
        return need is PayerNeed.OPENID

    async def booked(self, number: str) -> Booked:
        book = self.simulator.books().get(number)
        orders = self.simulator.state()["orders"]
        assert isinstance(orders, list)
        subject = next((o["subject"] for o in orders if o["number"] == number), None)
        if book is None:
            return Booked(subject=subject)
        return Booked(captured=book.captured_minor, refunded=book.refunded_minor, subject=subject)

    async def notices(self) -> Sequence[RawNotice]:
        async def hear(_url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            raw = RawNotice(
                headers={name.lower(): value for name, value in headers.items()},
                body=body,
                received_at=self.now(),
            )
            self._heard[len(self._heard)] = raw
            return 204, b""

        await self.simulator.delivery.deliver_due(hear)
        return list(self._heard.values())

    def forge_notices(self) -> None:
        self.simulator.delivery.turn(forge=Forgery.STRANGER_KEY)

    def speak_for_another(self) -> None:
        self.simulator.delivery.turn(alter={"mchid": "1900000999"})

    def unsigned(self, notice: RawNotice) -> RawNotice:
        kept = {n: v for n, v in notice.headers.items() if not n.startswith("wechatpay-")}
        return replace(notice, headers=kept)

    def hears(self, answer: Acknowledgement) -> bool:
        return heard(answer.status, answer.body)

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        if fault in _DIALS:
            kind, code = _DIALS[fault]
            self.simulator.faults.set(kind, operation.value, code=code)
        else:
            self._spoilt.append((fault, operation.value))


@lru_cache
def _credentials(settings: tuple[tuple[str, str], ...]) -> Credentials:
    """Read settings that many tests share but once: parsing a private key is slow."""
    return read_credentials(dict(settings))


def _bent(headers: Mapping[str, str]) -> dict[str, str]:
    """Change one bit of the signature."""
    raw = bytearray(base64.b64decode(headers["wechatpay-signature"]))
    raw[0] ^= 1
    return {**headers, "wechatpay-signature": base64.b64encode(raw).decode("ascii")}


def a_charge(
    counter: Counter,
    kind: PageKind = PageKind.QR,
    *,
    number: str = "W20260115000001A1",
    minor: int = 8888,
    subject: str = "Test order 001",
    within: timedelta = timedelta(minutes=31),
    payer: Payer | None = None,
    notify_url: str = "https://merchant.example/wechat/notify",
) -> Charge:
    """Make a charge; by default the one of the worked example."""
    now = counter.now()
    return Charge(
        number=number,
        order_no="ORDER-1",
        amount=Money(minor, "CNY"),
        subject=subject,
        client_type="pc" if kind is PageKind.QR else "h5",
        device=Device.SCREEN if kind is PageKind.QR else Device.PHONE,
        page_kind=kind,
        created_at=now,
        expires_at=now + within,
        notify_url=notify_url,
        payer=payer or Payer(openid="oTEST00000000000000000000001", client_ip="203.0.113.9"),
    )


def a_refund(
    charge: Charge, minor: int | None = None, *, number: str = "R20260115000001A1"
) -> RefundOrder:
    """Ask a charge's money back, or a part of it."""
    return RefundOrder(
        number=number,
        charge_number=charge.number,
        provider_trade_no=None,
        paid=charge.amount,
        amount=charge.amount if minor is None else Money(minor, "CNY"),
        reason="sent back",
        notify_url=charge.notify_url,
    )
