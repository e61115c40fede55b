"""What the gateway tells the merchant by itself, and how long it insists."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.simulators.kit.delivery import (
    Dressing,
    NoticeDelivery,
    Render,
    RenderedNotice,
)
from retender.simulators.wechat_pay.refunds import Refund
from retender.simulators.wechat_pay.trades import Trade
from retender.simulators.wechat_pay.wire import PlatformPen

LADDER: tuple[timedelta, ...] = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        *(15, 15, 30),
        *(3 * 60, 10 * 60, 20 * 60, 30 * 60, 30 * 60, 30 * 60, 60 * 60),
        *(3 * 3600, 3 * 3600, 3 * 3600, 6 * 3600, 6 * 3600),
    )
)
"""Fifteen retries in 24 hours and 4 minutes."""

_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def heard(status: int, _body: bytes) -> bool:
    """Tell whether the merchant's answer counts as received."""
    return status in {200, 204}


@dataclass(slots=True)
class NoticeWriter:
    """Queues notices; each delivery is sealed and signed anew."""

    pen: PlatformPen
    delivery: NoticeDelivery
    now: Callable[[], datetime]

    def paid(self, trade: Trade) -> None:
        """Tell of a payment, at once."""
        event = _event("transaction", "TRANSACTION.SUCCESS", "支付成功")
        render = self._render(event, trade.answer(self.now()))
        self.delivery.queue(trade.number, "payment", trade.form.notify_url, render)

    def refunded(self, refund: Refund) -> None:
        """Tell what a refund comes to, once it is settled; without an address, nobody."""
        form, state = refund.form, str(refund.outcome)
        if form.notify_url is None:
            return
        event = _event("refund", f"REFUND.{state}", _SUMMARIES[state])
        render = self._render(event, refund.notice(refund.settles_at, self.pen.identity.mchid))
        notice = self.delivery.queue(form.refund_number, "refund", form.notify_url, render)
        notice.due_at = max(notice.due_at, refund.settles_at)

    def _render(self, event: Mapping[str, object], plain: Mapping[str, object]) -> Render:
        is_probe = self.pen.switches.notice_probes

        def render(dressing: Dressing) -> RenderedNotice:
            nonlocal is_probe
            # The real one follows the probe.
            this_one, is_probe = is_probe, False
            return self.pen.notice(event, plain, dressing, probe=this_one)

        return render


def _event(kind: str, event_type: str, summary: str) -> dict[str, object]:
    raw = secrets.token_hex(16)
    return {
        "kind": kind,
        "id": "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:])),
        "create_time": "",
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
    }
