"""Refunds at the simulated gateway: accepted first, finished later, and not always well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from retender.plugins.wechat_pay.beijing import to_text
from retender.simulators.wechat_pay.prepay_form import read_object
from retender.simulators.wechat_pay.refusals import Refused, wrong_field
from retender.simulators.wechat_pay.switches import WechatPaySwitches

MOST = 50
WINDOW = timedelta(days=365)
NUMBER_LENGTH = 64

REASON_BYTES = 80
"""So much of a reason is taken, in UTF-8."""
_KNOWN = {
    "transaction_id",
    "out_trade_no",
    "out_refund_no",
    "reason",
    "notify_url",
    "amount",
    "funds_account",
    "goods_detail",
}
_ABNORMAL_TYPES = {"USER_BANK_CARD", "MERCHANT_BANK_CARD"}


class RefundState(StrEnum):
    """The states of a refund."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundForm:
    """A refund as the merchant wants it; a repeat of its number must say the same."""

    refund_number: str
    number: str | None
    transaction_id: str | None
    refund: int
    total: int
    notify_url: str | None
    reason: str | None


@dataclass(slots=True, kw_only=True)
class Refund:
    """
    One accepted refund.

    Attributes:
        outcome: what it comes to at ``settles_at``.

    """

    form: RefundForm
    refund_id: str
    number: str
    transaction_id: str
    created_at: datetime
    settles_at: datetime
    outcome: RefundState

    def state(self, now: datetime) -> RefundState:
        """Return the state at that time."""
        return self.outcome if now >= self.settles_at else RefundState.PROCESSING

    def has_left(self, now: datetime) -> bool:
        """Tell whether the money is out of the merchant's account, there or on its way."""
        return self.state(now) in {RefundState.PROCESSING, RefundState.SUCCESS}

    def answer(self, now: datetime) -> dict[str, object]:
        """Return what asking for it, or about it, answers."""
        form = self.form
        state = self.state(now)
        answer: dict[str, object] = {
            "refund_id": self.refund_id,
            "out_refund_no": form.refund_number,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.number,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": to_text(self.created_at),
            "status": str(state),
            "funds_account": "AVAILABLE",
            "promotion_detail": [],
            "amount": {
                "total": form.total,
                "refund": form.refund,
                "payer_total": form.total,
                "payer_refund": form.refund,
                "settlement_refund": form.refund,
                "settlement_total": form.total,
                "discount_refund": 0,
                "currency": "CNY",
            },
        }
        if state is RefundState.SUCCESS:
            answer["success_time"] = to_text(self.settles_at)
        return answer

    def notice(self, now: datetime, mchid: str) -> dict[str, object]:
        """Return what a notice says of it: other words than an answer."""
        form = self.form
        amount = {
            "total": form.total,
            "refund": form.refund,
            "payer_total": form.total,
            "payer_refund": form.refund,
        }
        notice: dict[str, object] = {
            "mchid": mchid,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.number,
            "refund_id": self.refund_id,
            "out_refund_no": form.refund_number,
            "refund_status": str(self.state(now)),
            "user_received_account": "支付用户零钱",
            "amount": amount,
        }
        if self.state(now) is RefundState.SUCCESS:
            notice["success_time"] = to_text(self.settles_at)
        return notice


def read_refund(body: bytes) -> RefundForm:
    """Read a request to refund, or refuse it."""
    said = read_object(body)
    if unknown := sorted(set(said) - _KNOWN):
        raise wrong_field(f"/{unknown[0]}", said[unknown[0]], "unknown", reason="270924358")
    number, transaction_id = said.get("out_trade_no"), said.get("transaction_id")
    if (number is None) == (transaction_id is None):
        raise wrong_field("/out_trade_no", number, "either this or transaction_id")
    refund_number = said.get("out_refund_no")
    if not isinstance(refund_number, str) or not 0 < len(refund_number) <= NUMBER_LENGTH:
        raise wrong_field("/out_refund_no", refund_number, "must be 1 to 64 characters")
    amount = said.get("amount")
    if not isinstance(amount, dict) or amount.get("currency") != "CNY":
        raise wrong_field("/amount", amount, "must hold refund, total and currency CNY")
    return RefundForm(
        refund_number=refund_number,
        number=None if number is None else str(number),
        transaction_id=None if transaction_id is None else str(transaction_id),
        refund=_fen(amount, "refund"),
        total=_fen(amount, "total"),
        notify_url=_text(said, "notify_url"),
        reason=_text(said, "reason", most_bytes=REASON_BYTES),
    )


def _fen(amount: Mapping[str, object], name: str) -> int:
    value = amount.get(name)
    if type(value) is not int or value < 1:
        raise wrong_field(f"/amount/{name}", value, "must be an integer of at least 1")
    return value


def _text(said: Mapping[str, object], name: str, most_bytes: int = 255) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_field(f"/{name}", value, "must be a text")
    if value is not None and len(value.encode()) > most_bytes:
        raise wrong_field(f"/{name}", value, f"must not be longer than {most_bytes} bytes")
    return value


def check_repeat(refund: Refund, form: RefundForm, switches: WechatPaySwitches) -> None:
    """Refuse the number of an accepted refund with anything else in it."""
    if refund.form != form:
        raise Refused(
            "REFUND_FEE_MISMATCH",
            "订单金额或退款金额与之前请求不一致",
            status=switches.refund_mismatch_status,
        )


def check_room(
    form: RefundForm,
    earlier: Sequence[Refund],
    *,
    paid: int,
    paid_at: datetime,
    now: datetime,
    switches: WechatPaySwitches,
) -> None:
    """Refuse what the order has no room for: money, number, time."""
    if now >= paid_at + WINDOW:
        raise Refused("TRADE_OVERDUE", "订单已超过可退款的最大期限")
    if form.total != paid:
        raise wrong_field("/amount/total", form.total, "is not what was paid")
    gone = sum(each.form.refund for each in earlier if each.state(now) is not RefundState.CLOSED)
    if form.refund > paid - gone:
        raise Refused("INVALID_REQUEST", "申请退款金额大于订单可退金额")
    if len(earlier) >= MOST:
        raise Refused("INVALID_REQUEST", "订单退款次数已达上限")
    spacing = timedelta(seconds=switches.refund_spacing_seconds)
    if earlier and now < earlier[-1].created_at + spacing:
        raise Refused(switches.refund_spacing_code, "退款请求过于频繁")


def apply_abnormal(refund: Refund, body: bytes, now: datetime) -> None:
    """Send an abnormal refund's money elsewhere, as its owner asks."""
    said = read_object(body)
    if said.get("out_refund_no") != refund.form.refund_number:
        raise wrong_field("/out_refund_no", said.get("out_refund_no"), "is another refund")
    if said.get("type") not in _ABNORMAL_TYPES:
        raise wrong_field("/type", said.get("type"), f"must be one of {sorted(_ABNORMAL_TYPES)}")
    if refund.state(now) is not RefundState.ABNORMAL:
        raise Refused("INVALID_REQUEST", "退款单状态不是退款异常")
    refund.outcome = RefundState.SUCCESS
    refund.settles_at = now
