"""The shop's counter: our provider on one side, the simulated gateway on the other, one clock."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from retender.adapters.http.transport import HttpxTransport
from retender.domain.model.errors import ProviderUnavailable
from retender.domain.model.page import AppStringPage, Page, page_to_text
from retender.plugins.alipay.configuration import Configuration, configure
from retender.plugins.alipay.plugin import PLUGIN
from retender.plugins.alipay.provider import Alipay
from retender.ports.payment_provider import Acknowledgement, PaymentProvider, RawNotice
from retender.ports.transport import Request, Response
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.notices import heard
from retender.simulators.alipay.simulator import create_simulator
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.kit.delivery import Forgery
from retender.tests.contracts.payment_provider import (
    ALICE,
    FORBIDDEN_PAGE,
    Booked,
    Fault,
    Operation,
)
from retender.tests.plugins.alipay.charges import NOON

BASE = "http://127.0.0.1:8001"

_DIALS = {
    Fault.LOST_BEFORE_EFFECT: ("lost_before_effect", None),
    Fault.LOST_AFTER_EFFECT: ("lost_after_effect", None),
    Fault.SERVER_ERROR: ("http_5xx_after_effect", None),
    Fault.UNKNOWN_CODE: ("provider_error", "ACQ.MOON_TOO_FULL"),
    Fault.RATE_LIMIT: ("rate_limit", None),
}


@lru_cache
def _configured(settings: tuple[tuple[str, str], ...]) -> Configuration:
    """Read settings once for many tests: checking a private key takes a twentieth of a second."""
    return configure(dict(settings))


class Counter:
    """A ``GatewayUnderTest``, and the handles that our own tests pull as well."""

    def __init__(
        self,
        keys: KeyRing,
        switches: AlipaySwitches | None = None,
        *,
        certified: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._now = NOON
        self._spoilt: list[tuple[Fault, str]] = []
        self._heard: dict[int, RawNotice] = {}
        self._answers: dict[str, Response] = {}
        self.requests: list[Request] = []
        self.simulator = create_simulator(
            BASE, clock=self.now, switches=switches, certified=certified, keys=keys
        )
        defaults = {each.name: each.default for each in PLUGIN.settings if each.default}
        self.settings = {**defaults, **self.simulator.settings, **(settings or {})}
        self._wire = HttpxTransport.to_app(self.simulator.app, clock=self.now)
        self.provider = self.another_provider()

    def another_provider(self) -> PaymentProvider:
        return Alipay(_configured(tuple(self.settings.items())), self._send, self.now)

    @property
    def secrets(self) -> Sequence[str]:
        lines = self.settings["private_key"].splitlines()
        return [self.settings["private_key"], *lines[1:-2]]

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        return self.simulator.act("pay", page, buyer=buyer).ok

    async def begin(self, page: Page, *, buyer: str = ALICE) -> bool:
        """On a phone only a password begins a trade; then the balance is found too low."""
        if isinstance(page, AppStringPage) or "trade.wap.pay" in page_to_text(page):
            tried = self.simulator.act("not_enough_balance", page, buyer=buyer)
            return tried.code == "ACQ.BUYER_BALANCE_NOT_ENOUGH"
        return self.simulator.act("scan", page, buyer=buyer).ok

    async def booked(self, number: str) -> Booked:
        book = self.simulator.books().get(number)
        trades = {each["number"]: each for each in self.simulator.state()["trades"]}  # type: ignore[attr-defined]  # JSON
        return Booked(
            captured=book.captured_minor if book else 0,
            refunded=book.refunded_minor if book else 0,
            subject=trades[number]["subject"] if number in trades else None,
        )

    async def notices(self) -> Sequence[RawNotice]:
        await self.simulator.delivery.deliver_due(self._hear)
        for each in self.simulator.delivery.history:
            self._heard.setdefault(
                each.notice_id,
                RawNotice(
                    headers={name.lower(): value for name, value in each.notice.headers.items()},
                    body=each.notice.body,
                    received_at=each.sent_at,
                ),
            )
        return list(self._heard.values())

    async def _hear(
        self, _url: str, _headers: Mapping[str, str], _body: bytes
    ) -> tuple[int, bytes]:
        return 200, b"success"

    def forge_notices(self) -> None:
        self.simulator.delivery.turn(forge=Forgery.STRANGER_KEY)

    def speak_for_another(self) -> None:
        self.simulator.delivery.turn(alter={"seller_id": "2088000000000666"})

    def unsigned(self, notice: RawNotice) -> RawNotice:
        fields = parse_qsl(notice.body.decode(), keep_blank_values=True)
        bare = [(name, value) for name, value in fields if name not in {"sign", "sign_type"}]
        return replace(notice, body=urlencode(bare).encode())

    def hears(self, answer: Acknowledgement) -> bool:
        return heard(answer.status, answer.body)

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        if fault in _DIALS:
            kind, code = _DIALS[fault]
            self.simulator.faults.set(kind, operation, code=code)
        else:
            self._spoilt.append((fault, operation))

    async def _send(self, request: Request) -> Response:
        """Carry a request, unless the line is down; twist the answer's signature if asked to."""
        self.requests.append(request)
        if self._take(Fault.UNREACHABLE, request.operation):
            raise ProviderUnavailable("No connection to the gateway.")
        if self._take(Fault.NOT_THE_GATEWAY, request.operation):
            return Response(403, {"content-type": "text/html"}, FORBIDDEN_PAGE)
        if self._take(Fault.ANOTHERS_ANSWER, request.operation):
            return self._answers[request.operation]
        response = await self._wire(request)
        self._answers.setdefault(request.operation, response)
        if self._take(Fault.BAD_SIGNATURE, request.operation):
            fields = json.loads(response.body)
            first = fields["sign"][0]
            twisted = ("A" if first != "A" else "B") + fields["sign"][1:]
            body = response.body.replace(fields["sign"].encode(), twisted.encode())
            return replace(response, body=body)
        return response

    def _take(self, fault: Fault, operation: str) -> bool:
        if (fault, operation) in self._spoilt:
            self._spoilt.remove((fault, operation))
            return True
        return False
