"""What the gateway does for a merchant's server: every method but the pages."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from retender.plugins.alipay.beijing import beijing, beijing_text
from retender.simulators.alipay.bills import Bills
from retender.simulators.alipay.cashier import Cashier
from retender.simulators.alipay.errors import Refused
from retender.simulators.alipay.requests import Call
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.terms import CREATE, PRECREATE, Terms, fen_of
from retender.simulators.alipay.trades import CLOSED, WAIT, Buyer, Ledger, Trade
from retender.simulators.kit.clock import SimulatorClock

Fields = Mapping[str, object]

QUERY: Final = "alipay.trade.query"
CLOSE: Final = "alipay.trade.close"
CANCEL: Final = "alipay.trade.cancel"
REFUND: Final = "alipay.trade.refund"
REFUND_QUERY: Final = "alipay.trade.fastpay.refund.query"
BILL: Final = "alipay.data.dataservice.bill.downloadurl.query"


def yuan(fen: int) -> str:
    """Write fen as yuan with two digits."""
    return f"{fen // 100}.{fen % 100:02d}"


class Operations:
    """Answers server calls; what it returns are the fields beside code and msg."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        cashier: Cashier,
        bills: Bills,
        clock: SimulatorClock,
        switches: AlipaySwitches,
        qr_prefix: str,
    ) -> None:
        """Work on the ledger and hand out QR codes whose text begins with ``qr_prefix``."""
        self._ledger = ledger
        self._cashier = cashier
        self._bills = bills
        self._clock = clock
        self._switches = switches
        self._qr_prefix = qr_prefix
        self._table: Mapping[str, Callable[[Fields], Fields]] = {
            QUERY: self.query,
            CLOSE: self.close,
            CANCEL: self.cancel,
            REFUND: self.refund,
            REFUND_QUERY: self.query_refund,
            BILL: self.bill,
        }

    def answer(self, call: Call, terms: Callable[[], Terms]) -> Fields:
        """
        Do what is asked.

        Raises:
            Refused: a business failure.

        """
        if call.method == PRECREATE:
            return self.precreate(terms())
        if call.method == CREATE:
            return self.create(terms(), call.content)
        return self._table[call.method](call.content)

    def precreate(self, terms: Terms) -> Fields:
        """Hand out a QR code."""
        code = self._cashier.precreate(terms)
        return {"out_trade_no": terms.out_trade_no, "qr_code": f"{self._qr_prefix}{code.token}"}

    def create(self, terms: Terms, content: Fields) -> Fields:
        """Make a trade at once, bound to the buyer that is named."""
        buyer = content.get("buyer_id") or content.get("buyer_open_id")
        if not isinstance(buyer, str) or not buyer:
            raise Refused("ACQ.INVALID_PARAMETER", "buyer_id is missing")
        trade = self._ledger.claim(terms, Buyer(buyer), self._clock.now())
        return {"out_trade_no": trade.number, "trade_no": trade.trade_no}

    def query(self, content: Fields) -> Fields:
        """Tell the state of a trade."""
        trade = self._find(content)
        paid = yuan(trade.captured_minor)
        fields: dict[str, object] = {
            "buyer_logon_id": trade.buyer.logon_id,
            "buyer_pay_amount": paid,
            "buyer_user_id": trade.buyer.user_id,
            "invoice_amount": paid,
            "out_trade_no": trade.number,
            "point_amount": "0.00",
            "receipt_amount": paid,
            "total_amount": yuan(trade.terms.amount_minor),
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
        }
        if trade.paid_at:
            fields["send_pay_date"] = beijing_text(trade.paid_at)
            fields["fund_bill_list"] = [{"amount": paid, "fund_channel": "ALIPAYACCOUNT"}]
        return fields

    def close(self, content: Fields) -> Fields:
        """End an unpaid trade."""
        trade = self._found(content)
        if trade is None:
            self._cashier.end_codes(_text(content, "out_trade_no") or "")
            raise Refused("ACQ.TRADE_NOT_EXIST", "there is no trade of this number")
        if trade.status != WAIT:
            raise Refused("ACQ.TRADE_STATUS_ERROR", f"the trade is {trade.status}")
        self._ledger.close(trade)
        return {"out_trade_no": trade.number, "trade_no": trade.trade_no}

    def cancel(self, content: Fields) -> Fields:
        """End an unpaid trade, or give back everything of a paid one."""
        trade = self._found(content)
        if trade is None:
            number = _text(content, "out_trade_no") or ""
            self._cashier.end_codes(number)
            return {"out_trade_no": number, "retry_flag": "N"}
        fields = {"out_trade_no": trade.number, "trade_no": trade.trade_no, "retry_flag": "N"}
        if trade.status == WAIT:
            self._ledger.close(trade)
            return {**fields, "action": "close"}
        if trade.status == CLOSED:
            return {**fields, "action": "refund" if trade.paid_at else "close"}
        left = trade.captured_minor - trade.refunded_minor
        self._ledger.refund(trade, f"cancel-{trade.number}", left)
        return {**fields, "action": "refund"}

    def refund(self, content: Fields) -> Fields:
        """Give money back; ``refund_fee`` is all that was given back so far."""
        trade = self._find(content)
        amount = fen_of(content, "refund_amount")
        out_request_no = _text(content, "out_request_no")
        if out_request_no is None:
            if amount != trade.captured_minor:
                raise Refused("ACQ.INVALID_PARAMETER", "out_request_no is missing")
            out_request_no = trade.number
        moved = self._ledger.refund(trade, out_request_no, amount)
        fields: dict[str, object] = {
            "buyer_logon_id": trade.buyer.logon_id,
            "buyer_user_id": trade.buyer.user_id,
            "out_trade_no": trade.number,
            "refund_fee": yuan(trade.refunded_minor),
            "send_back_fee": "0.00",
            "trade_no": trade.trade_no,
        }
        if moved:
            at = beijing_text(trade.refunds[out_request_no].at)
            return {**fields, "fund_change": "Y", "gmt_refund_pay": at}
        return {**fields, "fund_change": "N"} if self._switches.repeated_refund_says_n else fields

    def query_refund(self, content: Fields) -> Fields:
        """Tell of one refund; of an unknown one, nothing but success."""
        trade = self._find(content)
        out_request_no = _text(content, "out_request_no") or trade.number
        refund = trade.refunds.get(out_request_no)
        if refund is None:
            return {}
        return {
            "out_request_no": out_request_no,
            "out_trade_no": trade.number,
            "refund_amount": yuan(refund.amount_minor),
            "refund_status": "REFUND_SUCCESS",
            "total_amount": yuan(trade.terms.amount_minor),
            "trade_no": trade.trade_no,
        }

    def bill(self, content: Fields) -> Fields:
        """Say where a past day's bill can be fetched, for half a minute."""
        try:
            day = date.fromisoformat(_text(content, "bill_date") or "")
        except ValueError as trouble:
            raise Refused("INVAILID_ARGUMENTS", "bill_date") from trouble
        if _text(content, "bill_type") != "trade":
            raise Refused("INVAILID_ARGUMENTS", "bill_type")
        if day >= beijing(self._clock.now()).date():
            raise Refused("BILL_NOT_EXIST", "the day is not over")
        return {"bill_download_url": self._bills.offer(day)}

    def _found(self, content: Fields) -> Trade | None:
        number, trade_no = _text(content, "out_trade_no"), _text(content, "trade_no")
        if not number and not trade_no:
            raise Refused("ACQ.INVALID_PARAMETER", "out_trade_no or trade_no is missing")
        return self._ledger.find(number, trade_no)

    def _find(self, content: Fields) -> Trade:
        trade = self._found(content)
        if trade is None:
            raise Refused("ACQ.TRADE_NOT_EXIST", "there is no trade of this number")
        return trade


def _text(content: Fields, name: str) -> str | None:
    value = content.get(name)
    return value if isinstance(value, str) and value else None
