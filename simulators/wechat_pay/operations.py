"""The gateway's calls, one method each: what is done and what is answered."""

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import urlencode

from retender.plugins.wechat_pay.beijing import to_text
from retender.plugins.wechat_pay.signing import encrypt
from retender.simulators.wechat_pay.bills import Bills
from retender.simulators.wechat_pay.identity import Identity
from retender.simulators.wechat_pay.notices import NoticeWriter
from retender.simulators.wechat_pay.phone import CODE_URL, H5_PATH
from retender.simulators.wechat_pay.prepay_form import Product, read_object, read_prepay
from retender.simulators.wechat_pay.refunds import (
    Refund,
    RefundState,
    apply_abnormal,
    check_repeat,
    check_room,
    read_refund,
)
from retender.simulators.wechat_pay.refusals import Refused, wrong_field
from retender.simulators.wechat_pay.switches import PUBLIC_KEY, WechatPaySwitches
from retender.simulators.wechat_pay.trades import Trade, Trades

PathParameters: TypeAlias = Mapping[str, str]


@dataclass(slots=True)
class Call:
    """A proven request, as far as the operations care."""

    path: PathParameters
    query: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Operations:
    """
    Everything that a merchant can ask for.

    Each method returns the JSON object to answer, None for an answer without a
    body, or raises ``Refused``.
    """

    trades: Trades
    identity: Identity
    switches: WechatPaySwitches
    notices: NoticeWriter
    bills: Bills
    base_url: str
    now: Callable[[], datetime]
    lock: threading.RLock
    _refunds: dict[str, Refund] = field(default_factory=dict)

    def prepay(self, call: Call) -> dict[str, object]:
        """``POST /v3/pay/transactions/{product}``."""
        product = next(each for each in Product if each.path == call.path["product"])
        now = self.now()
        form = read_prepay(
            call.body, product, now=now, identity=self.identity, switches=self.switches
        )
        ticket = self.trades.prepay(form, now)
        match product:
            case Product.NATIVE:
                return {"code_url": CODE_URL + ticket.code}
            case Product.H5:
                query = urlencode({"prepay_id": ticket.code, "package": secrets.randbelow(10**9)})
                return {"h5_url": f"{self.base_url}{H5_PATH}?{query}"}
            case _:
                return {"prepay_id": ticket.code}

    def query(self, call: Call) -> dict[str, object]:
        """``GET /v3/pay/transactions/out-trade-no/{number}`` and ``.../id/{transaction_id}``."""
        if call.query.get("mchid") != self.identity.mchid:
            raise Refused("PARAM_ERROR", "mchid is missing in the query, or another's")
        if transaction_id := call.path.get("transaction_id"):
            trade = self.trades.find_transaction(transaction_id)
        else:
            trade = self.trades.find(call.path["number"])
        return trade.answer(self.now())

    def close(self, call: Call) -> None:
        """``POST /v3/pay/transactions/out-trade-no/{number}/close``."""
        said = read_object(call.body)
        if said != {"mchid": self.identity.mchid}:
            raise wrong_field("/mchid", said.get("mchid"), "must be there, alone, and ours")
        self.trades.close(call.path["number"], self.now())

    def refund(self, call: Call) -> dict[str, object]:
        """``POST /v3/refund/domestic/refunds``."""
        form, now = read_refund(call.body), self.now()
        if earlier := self._refunds.get(form.refund_number):
            check_repeat(earlier, form, self.switches)
            return earlier.answer(now)
        trade = self._paid_trade(form.number, form.transaction_id)
        paid_at, transaction_id = trade.paid_at, trade.transaction_id
        if paid_at is None or transaction_id is None:
            raise Refused("RESOURCE_NOT_EXISTS", "订单不存在或未支付")
        check_room(
            form,
            trade.refunds,
            paid=trade.form.total,
            paid_at=paid_at,
            now=now,
            switches=self.switches,
        )
        refund = Refund(
            form=form,
            refund_id=f"50300000{len(self._refunds) + 1:020d}",
            number=trade.number,
            transaction_id=transaction_id,
            created_at=now,
            settles_at=now + timedelta(seconds=self.switches.refund_processing_seconds),
            outcome=RefundState(self.switches.refund_outcome),
        )
        trade.refunds.append(refund)
        self._refunds[form.refund_number] = refund
        self.notices.refunded(refund)
        return refund.answer(now)

    def _paid_trade(self, number: str | None, transaction_id: str | None) -> Trade:
        try:
            if number is not None:
                return self.trades.find(number)
            return self.trades.find_transaction(transaction_id or "")
        except Refused:
            raise Refused("RESOURCE_NOT_EXISTS", "订单不存在或未支付") from None

    def query_refund(self, call: Call) -> dict[str, object]:
        """``GET /v3/refund/domestic/refunds/{refund_number}``."""
        refund = self._refunds.get(call.path["refund_number"])
        if refund is None:
            raise Refused("RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund.answer(self.now())

    def abnormal_refund(self, call: Call) -> dict[str, object]:
        """``POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund``."""
        now = self.now()
        for refund in self._refunds.values():
            if refund.refund_id == call.path["refund_id"]:
                apply_abnormal(refund, call.body, now)
                self.notices.refunded(refund)
                return refund.answer(now)
        raise Refused("RESOURCE_NOT_EXISTS", "退款单不存在")

    def certificates(self, _call: Call) -> dict[str, object]:
        """``GET /v3/certificates``; a merchant of the public-key age has none."""
        if self.switches.trust == PUBLIC_KEY:
            raise Refused("RESOURCE_NOT_EXISTS", "无可用的平台证书")
        key = self.identity.api_v3_key.encode()
        data = [
            {
                "serial_no": each.serial,
                "effective_time": to_text(each.effective_at),
                "expire_time": to_text(each.expires_at),
                "encrypt_certificate": encrypt(
                    each.pem.encode(), key, secrets.token_hex(6), "certificate"
                ),
            }
            for each in self.identity.certificates
        ]
        return {"data": data}

    def trade_bill(self, call: Call) -> dict[str, object]:
        """``GET /v3/bill/tradebill``."""
        return self.bills.trade_bill(self.trades, call.query, self.now())

    def flow_bill(self, call: Call) -> dict[str, object]:
        """``GET /v3/bill/fundflowbill``."""
        return self.bills.flow_bill(self.trades, call.query, self.now())

    def bill_file(self, call: Call) -> bytes:
        """``GET /v3/billdownload/file``: the bytes, unsigned."""
        return self.bills.file(call.query.get("token", ""), self.now())


def to_bytes(answer: Mapping[str, object] | None) -> bytes:
    """Return the body of an answer: these very bytes are signed."""
    if answer is None:
        return b""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
