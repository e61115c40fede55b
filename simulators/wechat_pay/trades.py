"""Orders at the simulated gateway: from prepay to paid, refunded or closed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from retender.plugins.wechat_pay.beijing import BEIJING, to_text
from retender.simulators.wechat_pay.prepay_form import UNPAID_LIFE, PrepayForm, Product
from retender.simulators.wechat_pay.refunds import Refund
from retender.simulators.wechat_pay.refusals import Refused
from retender.simulators.wechat_pay.switches import WechatPaySwitches

TICKET_LIFE = timedelta(hours=2)
H5_LIFE = timedelta(minutes=5)

OTHER_PARAMETERS = "268498688"
ALREADY_PAID = "268498689"
NO_LONGER_VALID = "268447914"
CLOSE_OF_PAID = "268449538"


class TradeState(StrEnum):
    """The states of an order that is not paid by barcode."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


_SPOKEN = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "订单发生过退款，退款详情请查询退款单",
    TradeState.CLOSED: "订单已关闭",
}


@dataclass(slots=True)
class Ticket:
    """
    What one prepay call handed out: the way from a page to its order.

    Attributes:
        code: ``prepay_id``, or the secret part of a ``code_url``.
        payers: who has opened it in time; for them it stays open.

    """

    code: str
    trade: "Trade"
    good_until: datetime
    dead: bool = False
    payers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Trade:
    """One order: the terms of its first request, and what became of it."""

    form: PrepayForm
    created_at: datetime
    closed: bool = False
    payer: str | None = None
    transaction_id: str | None = None
    paid_at: datetime | None = None
    tickets: list[Ticket] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def number(self) -> str:
        """Return the merchant's number."""
        return self.form.number

    def state(self, now: datetime) -> TradeState:
        """Return the state; time alone closes only what nobody paid for seven days."""
        if self.paid_at is not None:
            return TradeState.REFUND if self.refunds else TradeState.SUCCESS
        if self.closed or now >= self.created_at + UNPAID_LIFE:
            return TradeState.CLOSED
        return TradeState.NOTPAY

    def answer(self, now: datetime) -> dict[str, object]:
        """Return what a query answers, which a notice of payment says as well."""
        state = self.state(now)
        amount: dict[str, object] = {"total": self.form.total, "currency": self.form.currency}
        answer: dict[str, object] = {
            "appid": self.form.appid,
            "mchid": self.form.said["mchid"],
            "out_trade_no": self.number,
            "trade_state": str(state),
            "trade_state_desc": _SPOKEN[state],
            "promotion_detail": [],
            "amount": amount,
        }
        if self.form.attach is not None:
            answer["attach"] = self.form.attach
        if self.paid_at is not None:
            amount |= {"payer_total": self.form.total, "payer_currency": self.form.currency}
            answer |= {
                "transaction_id": self.transaction_id,
                "trade_type": self.form.product.trade_type,
                "bank_type": "OTHERS",
                "success_time": to_text(self.paid_at),
                "payer": {"openid": self.payer},
            }
        return answer


class Trades:
    """
    All orders of the merchant.

    Every method is one step that either happens or raises ``Refused``; nothing
    else runs in between, so a close and a payment never both win.
    """

    def __init__(self, switches: WechatPaySwitches) -> None:
        """Start with none."""
        self._switches = switches
        self._trades: dict[str, Trade] = {}
        self._tickets: dict[str, Ticket] = {}
        self._transactions = 0

    def __iter__(self) -> Iterator[Trade]:
        """Go through all, the oldest first."""
        return iter(self._trades.values())

    def find(self, number: str) -> Trade:
        """Return the order of that number."""
        trade = self._trades.get(number)
        if trade is None:
            raise Refused(self._switches.not_exist_code, "no such order")
        return trade

    def find_transaction(self, transaction_id: str) -> Trade:
        """Return the paid order of that transaction."""
        for trade in self:
            if trade.transaction_id == transaction_id:
                return trade
        raise Refused(self._switches.not_exist_code, "no such transaction")

    def ticket(self, code: str) -> Ticket | None:
        """Return the ticket of that code, dead or alive."""
        return self._tickets.get(code)

    def prepay(self, form: PrepayForm, now: datetime) -> Ticket:
        """Make the order, or repeat it; return a fresh ticket."""
        trade = self._trades.get(form.number)
        if trade is None:
            trade = self._trades[form.number] = Trade(form, now)
        else:
            self._check_repeat(trade, form, now)
            if form.product is Product.NATIVE or not self._switches.old_prepay_id_usable:
                for ticket in trade.tickets:
                    ticket.dead = True
        return self._issue(trade, now)

    def _check_repeat(self, trade: Trade, form: PrepayForm, now: datetime) -> None:
        switches = self._switches
        match trade.state(now):
            case TradeState.SUCCESS | TradeState.REFUND:
                raise Refused(switches.paid_reorder_code, "订单已支付", reason=ALREADY_PAID)
            case TradeState.CLOSED:
                raise Refused("ORDER_CLOSED", "订单已关闭", reason=NO_LONGER_VALID)
            case _:
                if not form.repeats(trade.form, any_ip=switches.tolerate_other_client_ip):
                    code = switches.duplicate_dialect
                    message = "201 商户订单号重复" if code == "INVALID_REQUEST" else "订单号重复"
                    raise Refused(code, message, reason=OTHER_PARAMETERS)

    def _issue(self, trade: Trade, now: datetime) -> Ticket:
        count = len(self._tickets) + 1
        life = H5_LIFE if trade.form.product is Product.H5 else TICKET_LIFE
        ticket = Ticket(_ticket_code(now, trade.number, count), trade, now + life)
        trade.tickets.append(ticket)
        self._tickets[ticket.code] = ticket
        return ticket

    def close(self, number: str, now: datetime) -> None:
        """Make sure that nobody pays any more; twice is as good as once."""
        trade = self.find(number)
        state = trade.state(now)
        if state in {TradeState.SUCCESS, TradeState.REFUND}:
            raise Refused(self._switches.close_paid_code, "订单已支付", reason=CLOSE_OF_PAID)
        young = timedelta(seconds=self._switches.min_close_age_seconds)
        if state is TradeState.NOTPAY and now < trade.created_at + young:
            raise Refused("INVALID_REQUEST", "订单生成后不能马上调用关单接口")
        trade.closed = True

    def open_ticket(self, ticket: Ticket, openid: str, now: datetime) -> None:
        """Let a payer open a page: the first one who does is the only one who can."""
        trade = ticket.trade
        self._check_payable(trade, now)
        if openid in ticket.payers:
            return
        if ticket.dead or now >= ticket.good_until:
            raise Refused("CODE_EXPIRED", "this page is out of date", status=400)
        if trade.payer not in (None, openid) or trade.form.openid not in (None, openid):
            raise Refused("PAYER_MISMATCH", "this order is another payer's", status=400)
        trade.payer = openid
        ticket.payers.add(openid)

    def pay(self, ticket: Ticket, openid: str, now: datetime) -> Trade:
        """Take the money, once."""
        self.open_ticket(ticket, openid, now)
        trade = ticket.trade
        self._transactions += 1
        day = now.astimezone(BEIJING).strftime("%Y%m%d")
        trade.transaction_id = f"42000000{self._transactions:02d}{day}{self._transactions:010d}"
        trade.paid_at = now
        return trade

    def _check_payable(self, trade: Trade, now: datetime) -> None:
        match trade.state(now):
            case TradeState.SUCCESS | TradeState.REFUND:
                raise Refused("ORDER_PAID", "this order is paid")
            case TradeState.CLOSED:
                raise Refused("ORDER_CLOSED", "this order is closed")
            case _:
                if now >= trade.form.ends_at:
                    raise Refused("ORDER_EXPIRED", "the time to pay is over", status=400)


def _ticket_code(now: datetime, number: str, count: int) -> str:
    stamp = now.astimezone(BEIJING).strftime("%d%H%M%S")
    tail = hashlib.sha256(f"{number}/{count}/{now.isoformat()}".encode()).hexdigest()[:26]
    return f"wx{stamp}{tail}"
