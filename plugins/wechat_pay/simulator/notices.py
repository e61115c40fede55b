"""What the gateway tells the merchant by itself, and how long it insists."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.plugins.simulator_kit.delivery import Dressing, NoticeDelivery, RenderedNotice
from retender.plugins.wechat_pay.simulator.refunds import Refund
from retender.plugins.wechat_pay.simulator.trades import Trade
from retender.plugins.wechat_pay.simulator.wire import PlatformPen

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
        """Tell of a payment."""
        plain = trade.answer(self.now())
        event = _event("transaction", "TRANSACTION.SUCCESS", "支付成功")
        self._queue(trade.number, trade.form.notify_url, lambda _: (event, plain))

    def refunded(self, refund: Refund) -> None:
        """Tell what became of a refund, once it is settled; without an address, nobody."""
        if refund.form.notify_url is None:
            return
        event_id = _event("refund", "", "")["id"]

        def say(now: datetime) -> tuple[Mapping[str, object], Mapping[str, object]]:
            state = str(refund.state(now))
            event = _event("refund", f"REFUND.{state}", _SUMMARIES.get(state, ""))
            return {**event, "id": event_id}, refund.notice(now, self.pen.identity.mchid)

        self._queue(refund.form.refund_number, refund.form.notify_url, say, refund.settles_at)

    def _queue(
        self,
        reference: str,
        url: str,
        say: Callable[[datetime], tuple[Mapping[str, object], Mapping[str, object]]],
        not_before: datetime | None = None,
    ) -> None:
        probe = self.pen.switches.notice_probes

        def render(dressing: Dressing) -> RenderedNotice:
            nonlocal probe
            event, plain = say(dressing.now)
            this_one, probe = probe, False
            return self.pen.notice(event, plain, dressing, probe=this_one)

        kind = "refund" if not_before else "payment"
        notice = self.delivery.queue(reference, kind, url, render)
        if not_before is not None:
            notice.due_at = max(notice.due_at, not_before)


def _event(kind: str, event_type: str, summary: str) -> dict[str, object]:
    raw = secrets.token_hex(16)
    event_id = "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))
    return {
        "kind": kind,
        "id": event_id,
        "create_time": "",
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
    }
