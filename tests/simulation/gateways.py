"""The gateways: the brands' own simulators, their keys, and what a stranger can make of them."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from retender.plugins.sandbox.ledger import TradeState as SandboxState
from retender.plugins.wechat_pay.beijing import from_text
from retender.simulators.alipay import keys as alipay_keys
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.alipay.trades import SUCCESS, WAIT
from retender.simulators.kit.delivery import Dressing, Forgery, RenderedNotice
from retender.simulators.sandbox.simulator import SandboxSimulator
from retender.simulators.wechat_pay.identity import Identity, new_identity
from retender.simulators.wechat_pay.simulator import WechatPaySimulator
from retender.tests.simulation.hosted.ledger import SessionState
from retender.tests.simulation.hosted.simulator import HostedSimulator

if TYPE_CHECKING:
    from retender.tests.simulation.held_page import HeldPage

KEY_BITS = 1024
"""Signing with keys of real length would be a fifth of all work; nothing depends on the length."""

Gateway = AlipaySimulator | WechatPaySimulator | SandboxSimulator | HostedSimulator


def short_key() -> RSAPrivateKey:
    """Make a key that is quick to sign with."""
    return generate_private_key(65537, KEY_BITS)


@dataclass(frozen=True, slots=True)
class Keys:
    """What both brands with keys are given."""

    alipay: KeyRing
    wechat_pay: Identity
    sandbox: str


@cache
def _keys(which: str, now: datetime) -> Keys:
    """Make keys once in a process, by name; nothing that is compared depends on them."""
    assert alipay_keys._new_key is short_key, "the simulation's keys are short"
    secret = f"only-for-simulations-{which}-0123456789"
    return Keys(KeyRing.make(now), new_identity(now, new_key=short_key), secret)


def make_gateways(clock: Callable[[], datetime], seed: int) -> dict[str, Gateway]:
    """Make the four, with empty books; ``clock`` must be at its beginning."""
    keys = _keys("first", clock())
    return {
        "alipay": AlipaySimulator("https://alipay.test", clock=clock, keys=copy(keys.alipay)),
        "wechat_pay": WechatPaySimulator(
            "https://wechat.test", clock=clock, identity=keys.wechat_pay
        ),
        "sandbox": SandboxSimulator("https://sandbox.test", clock=clock, secret=keys.sandbox),
        "hosted": HostedSimulator(clock, keys.sandbox, seed),
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """What a gateway was asked for under a number, by whichever request made the trade."""

    minor: int
    expires_at: datetime | None

    def __str__(self) -> str:
        """Say it in a line."""
        until = "no end" if self.expires_at is None else self.expires_at.isoformat()
        return f"{self.minor} until {until}"


def asked_of(gateway: Gateway) -> Mapping[str, Asked]:
    """Read a gateway's books, paid or not: the terms of each number that has a trade."""
    if isinstance(gateway, AlipaySimulator):
        return {
            trade.number: Asked(trade.terms.amount_minor, trade.terms.time_expire)
            for trade in gateway._ledger._trades.values()
        }
    if isinstance(gateway, SandboxSimulator):
        asks = (trade.ask for trade in gateway._gateway.ledger.all())
        return {ask.number: Asked(ask.minor, ask.expires_at) for ask in asks}
    if isinstance(gateway, HostedSimulator):
        return {each.number: Asked(each.minor, each.expires_at) for each in gateway.ledger}
    forms = (trade.form for trade in gateway._trades)
    return {
        form.number: Asked(form.total, from_text(str(form.said["time_expire"]))) for form in forms
    }


class Lock:
    """One account's keys as its gateway has them, with the next ones at hand."""

    def __init__(self, gateway: Gateway, whose: str, now: datetime) -> None:
        """
        Take note of the next keys.

        Args:
            gateway: of which account.
            whose: the ``merchant``'s key changes, or the ``gateway``'s; some have one for both.
            now: the beginning of the town, when all keys were made.

        """
        self._gateway = gateway
        self._next = self._chosen(_keys("second", now), whose)

    def _chosen(self, keys: Keys, whose: str) -> Mapping[str, object]:
        gateway = self._gateway
        if isinstance(gateway, SandboxSimulator | HostedSimulator):
            return {"_secret": keys.sandbox}
        if isinstance(gateway, AlipaySimulator):
            ring = keys.alipay
            return {"app": ring.app} if whose == "merchant" else {"alipay": ring.alipay}
        new = keys.wechat_pay
        if whose == "merchant":
            return {"merchant_serial": new.merchant_serial, "merchant_key": new.merchant_key}
        return {
            "public_key": new.public_key,
            "public_key_id": f"{new.public_key_id[:-1]}2",
            "api_v3_key": new.api_v3_key,
        }

    def _holders(self) -> tuple[object, ...]:
        gateway = self._gateway
        if isinstance(gateway, SandboxSimulator):
            return gateway, gateway._gateway
        if isinstance(gateway, HostedSimulator):
            return (gateway,)
        return (gateway.keys if isinstance(gateway, AlipaySimulator) else gateway.identity,)

    def change(self) -> None:
        """Let the gateway use the next keys, and take its present ones for the next."""
        before: dict[str, object] = {}
        for holder in self._holders():
            for name, value in self._next.items():
                before[name] = getattr(holder, name)
                setattr(holder, name, value)
        self._next = before

    def settings_to_come(self) -> Mapping[str, str]:
        """Return what our account's settings must be once the gateway has changed."""
        self.change()
        settings = dict(self._gateway.settings)
        self.change()
        return settings


def lie_about(gateway: Gateway, held: "HeldPage") -> tuple[str, RenderedNotice] | None:
    """
    Write what the gateway would tell if this page had been paid, signed by a stranger.

    Returns:
        where it is sent and what, or None: the gateway has no open trade of it.

    """
    number, dressing = held.number, Dressing(gateway.clock.now(), Forgery.STRANGER_KEY)
    if isinstance(gateway, HostedSimulator):
        session = gateway.session_on(held.page)
        is_open = session.state is SessionState.OPEN
        return gateway.lie_about(session, dressing) if is_open else None
    if isinstance(gateway, SandboxSimulator):
        return _lie_at_sandbox(gateway, number, dressing)
    told = len(gateway.delivery._pending)
    if isinstance(gateway, AlipaySimulator):
        trade = gateway._ledger.find(number)
        if trade is None or trade.status != WAIT:
            return None
        gateway._tell(replace(trade, status=SUCCESS, paid_at=dressing.now), None)
    else:
        order = next((each for each in gateway._trades if each.number == number), None)
        if order is None or order.paid_at is not None:
            return None
        gateway._notices.paid(
            replace(order, paid_at=dressing.now, payer="o", transaction_id=number)
        )
    (invented,) = gateway.delivery._pending[told:]
    del gateway.delivery._pending[told:]
    return invented.url, invented.render(dressing)


def _lie_at_sandbox(
    gateway: SandboxSimulator, number: str, dressing: Dressing
) -> tuple[str, RenderedNotice] | None:
    trade = gateway._gateway.ledger._trades.get(number)
    if trade is None or trade.state is not SandboxState.OPEN:
        return None
    paid = replace(trade, state=SandboxState.PAID, captured_minor=trade.ask.minor)
    headers, body = gateway._gateway.notice(
        replace(paid, captured_at=dressing.now), None, now=dressing.now, secret="a stranger's"
    )
    return trade.ask.notify_url, RenderedNotice(headers, body)
