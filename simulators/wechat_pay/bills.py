"""The daily bills: one line a movement, every value behind a backtick, amounts in yuan."""

import gzip
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from retender.domain.model.money import Money
from retender.plugins.wechat_pay.beijing import BEIJING
from retender.simulators.wechat_pay.refunds import Refund
from retender.simulators.wechat_pay.refusals import Refused
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.simulators.wechat_pay.trades import Trade

READY_AT = time(10)
KEPT = timedelta(days=92)
LINK_LIFE = timedelta(minutes=5)

_TRADE_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,"
    "交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,"
    "充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,"
    "费率备注"
)
_TRADE_FOOT = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_FLOW_HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,"
    "账户结余（元）,资金变更提交申请人,备注,业务凭证号"
)
_FLOW_FOOT = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill waiting behind its link."""

    content: bytes
    good_until: datetime


@dataclass(frozen=True, slots=True)
class _Movement:
    """A payment, or a refund of one."""

    at: datetime
    trade: Trade
    refund: Refund | None = None

    @property
    def minor(self) -> int:
        return self.refund.form.refund if self.refund else self.trade.form.total


class Bills:
    """Writes bills when asked and keeps them while their links last."""

    def __init__(self, base_url: str, switches: WechatPaySwitches) -> None:
        """Links start with ``base_url``."""
        self._base_url = base_url
        self._switches = switches
        self._bills: dict[str, Bill] = {}

    def trade_bill(
        self, trades: Iterable[Trade], query: Mapping[str, str], now: datetime
    ) -> dict[str, object]:
        """Answer ``GET /v3/bill/tradebill``."""
        kind = query.get("bill_type", "ALL")
        wanted: Mapping[str, Callable[[_Movement], bool]] = {
            "ALL": lambda _: True,
            "SUCCESS": lambda movement: movement.refund is None,
            "REFUND": lambda movement: movement.refund is not None,
        }
        if kind not in wanted:
            raise Refused("PARAM_ERROR", "bill_type must be ALL, SUCCESS or REFUND")
        rows = [each for each in self._movements(trades, query, now) if wanted[kind](each)]
        return self._hand_out(_trade_text(rows), query, now)

    def flow_bill(
        self, trades: Iterable[Trade], query: Mapping[str, str], now: datetime
    ) -> dict[str, object]:
        """Answer ``GET /v3/bill/fundflowbill``."""
        if query.get("account_type", "BASIC") != "BASIC":
            raise Refused("NO_STATEMENT_EXIST", "账单不存在")
        return self._hand_out(_flow_text(self._movements(trades, query, now)), query, now)

    def file(self, token: str, now: datetime) -> bytes:
        """Return what is behind a link."""
        bill = self._bills.get(token)
        if bill is None or now >= bill.good_until:
            raise Refused("INVALID_REQUEST", "the link is out of date")
        return bill.content

    def _movements(
        self, trades: Iterable[Trade], query: Mapping[str, str], now: datetime
    ) -> list[_Movement]:
        day = _day(query.get("bill_date", ""), now)
        moved = [
            movement
            for movement in _all_movements(trades)
            if movement.at.astimezone(BEIJING).date() == day
        ]
        if not moved:
            raise Refused("NO_STATEMENT_EXIST", "账单不存在")
        return sorted(moved, key=lambda movement: movement.at)

    def _hand_out(self, text: str, query: Mapping[str, str], now: datetime) -> dict[str, object]:
        plain = text.encode()
        content = gzip.compress(plain) if query.get("tar_type") == "GZIP" else plain
        hashed = content if self._switches.bill_hash_of == "compressed" else plain
        token = secrets.token_hex(16)
        self._bills[token] = Bill(content, now + LINK_LIFE)
        return {
            "hash_type": "SHA1",
            # Prescribed by the protocol; the link itself comes in a signed answer.
            "hash_value": hashlib.sha1(hashed, usedforsecurity=False).hexdigest(),
            "download_url": f"{self._base_url}/v3/billdownload/file?token={token}",
        }


def _day(text: str, now: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as trouble:
        raise Refused("PARAM_ERROR", "bill_date is no date") from trouble
    today = now.astimezone(BEIJING)
    if day >= today.date() or day < today.date() - KEPT:
        raise Refused("NO_STATEMENT_EXIST", "账单不存在")
    if day == today.date() - timedelta(days=1) and today.time() < READY_AT:
        raise Refused("STATEMENT_CREATING", "账单生成中")
    return day


def _all_movements(trades: Iterable[Trade]) -> Iterable[_Movement]:
    for trade in trades:
        if trade.paid_at is not None:
            yield _Movement(trade.paid_at, trade)
        for refund in trade.refunds:
            yield _Movement(refund.created_at, trade, refund)


def _yuan(minor: int) -> str:
    return Money(minor, "CNY").decimal()


def _text(head: str, rows: Iterable[Sequence[object]], foot: str, sums: Sequence[object]) -> str:
    lines = [head, *(_line(row) for row in rows), foot, _line(sums)]
    return "\r\n".join(lines) + "\r\n"


def _line(values: Sequence[object]) -> str:
    return ",".join(f"`{value}" for value in values)


def _trade_text(movements: Sequence[_Movement]) -> str:
    paid = sum(each.minor for each in movements if each.refund is None)
    back = sum(each.minor for each in movements if each.refund is not None)
    sums = [len(movements), _yuan(paid), _yuan(back), "0.00", "0.00000", _yuan(paid), _yuan(back)]
    return _text(_TRADE_HEAD, map(_trade_row, movements), _TRADE_FOOT, sums)


def _trade_row(movement: _Movement) -> list[object]:
    trade, refund = movement.trade, movement.refund
    form = trade.form
    paid = "0.00" if refund else _yuan(form.total)
    back = _yuan(refund.form.refund) if refund else "0.00"
    of_refund = [refund.refund_id, refund.form.refund_number] if refund else ["0", "0"]
    return [
        movement.at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        *(form.appid, form.said["mchid"], "0", ""),
        *(trade.transaction_id, trade.number, trade.payer),
        *(form.product.trade_type, "REFUND" if refund else "SUCCESS", "OTHERS", form.currency),
        *(paid, "0.00", *of_refund, back, "0.00"),
        *(("ORIGINAL", str(refund.outcome)) if refund else ("", "")),
        *(form.description, form.attach or "", "0.00000", "0.60%"),
        *(paid, back, ""),
    ]


def _flow_text(movements: Sequence[_Movement]) -> str:
    balance = 0
    rows: list[list[object]] = []
    for count, movement in enumerate(movements, 1):
        trade, refund = movement.trade, movement.refund
        balance += -movement.minor if refund else movement.minor
        rows.append(
            [
                movement.at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
                *(refund.refund_id if refund else trade.transaction_id, f"{count:020d}"),
                *(("退款", "退款", "支出") if refund else ("交易", "交易", "收入")),
                *(_yuan(movement.minor), _yuan(max(balance, 0)), "system", "", trade.number),
            ]
        )
    paid = [each.minor for each in movements if each.refund is None]
    back = [each.minor for each in movements if each.refund is not None]
    sums = [len(movements), len(paid), _yuan(sum(paid)), len(back), _yuan(sum(back))]
    return _text(_FLOW_HEAD, rows, _FLOW_FOOT, sums)
