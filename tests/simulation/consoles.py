"""The gateways' own consoles: there a shop's people give money back, and nobody asks us."""

from datetime import timedelta
from typing import TYPE_CHECKING

from retender.simulators.alipay.errors import Refused as AlipayRefused
from retender.simulators.alipay.simulator import AlipaySimulator
from retender.simulators.kit.delivery import PendingNotice
from retender.simulators.sandbox.simulator import SandboxSimulator
from retender.simulators.wechat_pay.refunds import (
    Refund,
    RefundForm,
    RefundState,
    check_room,
)
from retender.simulators.wechat_pay.refusals import Refused as WechatPayRefused
from retender.simulators.wechat_pay.simulator import WechatPaySimulator
from retender.tests.simulation.hosted.simulator import (
    CONSOLE,
    NEVER_LOST,
    WITHOUT_END,
    HostedSimulator,
)

if TYPE_CHECKING:
    from retender.tests.simulation.gateways import Gateway
    from retender.tests.simulation.held_page import HeldPage

_TAKES = timedelta(seconds=30)
"""How long a refund at WeChat Pay's console is under way."""


def give_back_by_hand(gateway: "Gateway", held: "HeldPage", minor: int) -> str | None:
    """
    Give back of a payment at its gateway's console; return its id there, or None: refused.

    The sandbox has none. Of such a refund nobody but a notice ever tells, so that those are
    sent until they are heard: what a gateway never says nobody can know.
    """
    if isinstance(gateway, SandboxSimulator):
        return None
    if isinstance(gateway, HostedSimulator):
        return gateway.refund_by_hand(held.page, minor)
    told = len(gateway.delivery._pending)
    try:
        if isinstance(gateway, AlipaySimulator):
            name = _at_alipay(gateway, held.number, minor)
        else:
            name = _at_wechat_pay(gateway, held.number, minor)
    except (AlipayRefused, WechatPayRefused):
        return None
    for notice in gateway.delivery._pending[told:]:
        _never_lose(notice)
    return name


def _at_alipay(gateway: AlipaySimulator, number: str, minor: int) -> str | None:
    trade = gateway._ledger.find(number)
    if trade is None:
        return None
    name, told = f"{CONSOLE}{number}-{len(trade.refunds) + 1}", len(gateway.delivery._pending)
    gateway._ledger.refund(trade, name, minor)
    if len(gateway.delivery._pending) == told:
        # Whether all that was paid goes back untold is a switch; here it is told.
        gateway._tell(trade, trade.refunds[name])
    return name


def _at_wechat_pay(gateway: WechatPaySimulator, number: str, minor: int) -> str | None:
    trade, now = gateway._trades.find(number), gateway.clock.now()
    if trade.paid_at is None or trade.transaction_id is None:
        return None
    nth = len(trade.refunds) + 1
    form = RefundForm(
        refund_number=f"{CONSOLE}{number}-{nth}",
        number=number,
        transaction_id=None,
        refund=minor,
        total=trade.form.total,
        notify_url=trade.form.notify_url,
        reason=None,
    )
    check_room(
        form,
        trade.refunds,
        paid=trade.form.total,
        paid_at=trade.paid_at,
        now=now,
        switches=gateway.switches,
    )
    refund = Refund(
        form=form,
        refund_id=f"5030000{number}{nth}",
        number=number,
        transaction_id=trade.transaction_id,
        created_at=now,
        settles_at=now + _TAKES,
        outcome=RefundState.SUCCESS,
    )
    trade.refunds.append(refund)
    gateway._notices.refunded(refund)
    return form.refund_number


def _never_lose(notice: PendingNotice) -> None:
    notice.kind = NEVER_LOST
    notice.ladder = (*notice.ladder, *WITHOUT_END)
