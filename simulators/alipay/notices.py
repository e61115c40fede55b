"""What Alipay tells the merchant of a trade, signed, and told again until it is heard."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from retender.plugins.alipay.beijing import beijing, beijing_text
from retender.plugins.alipay.charsets import CHARSETS
from retender.plugins.alipay.signing import CERTIFICATE, joined, sign
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.operations import yuan
from retender.simulators.alipay.switches import AlipaySwitches
from retender.simulators.alipay.trades import Refund, Trade, rings_thrice
from retender.simulators.kit.delivery import (
    Dressing,
    Forgery,
    NoticeDelivery,
    RenderedNotice,
)

LADDER: Final = (
    timedelta(minutes=4),
    timedelta(minutes=10),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)
AT_ONCE: Final = (timedelta(0),) * 3


def heard(status: int, answer: bytes) -> bool:
    """Tell whether the merchant acknowledged: these seven characters and no other."""
    return status == 200 and answer == b"success"  # noqa: PLR2004 -- the one status that counts


class NoticeWriter:
    """Turns what happened to a trade into a notice in the queue."""

    def __init__(
        self,
        *,
        app_id: str,
        keys: KeyRing,
        certified: bool,
        delivery: NoticeDelivery,
        switches: AlipaySwitches,
    ) -> None:
        """Sign with the gateway's key of the moment of each delivery."""
        self._app_id = app_id
        self._keys = keys
        self._certified = certified
        self._delivery = delivery
        self._switches = switches

    def tell(self, trade: Trade, refund: Refund | None, now: datetime) -> None:
        """Queue a notice, if the request that made the trade said where to."""
        url = trade.terms.notify_url
        if not url:
            return
        notify_id = f"{beijing(now):%Y%m%d}00222{secrets.randbelow(10**20):020d}"
        fields = {"notify_id": notify_id, **self._fields(trade, refund)}

        def render(dressing: Dressing) -> RenderedNotice:
            return self._render(fields, dressing)

        thrice = self._switches.immediate_retries and rings_thrice(trade)
        ladder = AT_ONCE + LADDER if thrice else LADDER
        self._delivery.queue(trade.number, trade.status, url, render, ladder=ladder)

    def _fields(self, trade: Trade, refund: Refund | None) -> dict[str, str]:
        """Return what is told; fixed when it happened, however late it is heard."""
        terms, paid = trade.terms, yuan(trade.captured_minor)
        fields = {
            "notify_type": "trade_status_sync",
            "app_id": self._app_id,
            "auth_app_id": self._app_id,
            "charset": self._switches.notice_charset,
            "version": "1.0",
            "trade_no": trade.trade_no,
            "out_trade_no": trade.number,
            "trade_status": trade.status,
            "total_amount": yuan(terms.amount_minor),
            "receipt_amount": paid,
            "buyer_pay_amount": paid,
            "invoice_amount": paid,
            "point_amount": "0.00",
            "buyer_id": trade.buyer.user_id,
            "buyer_logon_id": trade.buyer.logon_id,
            "seller_id": terms.seller_id,
            "subject": terms.subject,
            "gmt_create": beijing_text(trade.created_at),
            **terms.echoed,
        }
        if trade.paid_at:
            fields["gmt_payment"] = beijing_text(trade.paid_at)
            bill = [{"amount": paid, "fundChannel": "ALIPAYACCOUNT"}]
            fields["fund_bill_list"] = json.dumps(bill, separators=(",", ":"))
            if terms.instalments:
                count = {"user_install_num": str(terms.instalments)}
                fields["hb_fq_pay_info"] = json.dumps(count, separators=(",", ":"))
        if trade.closed_at:
            fields["gmt_close"] = beijing_text(trade.closed_at)
        if refund is not None:
            fields["out_biz_no"] = refund.out_request_no
            fields["refund_fee"] = yuan(trade.refunded_minor)
            fields["send_back_fee"] = "0.00"
            fields["gmt_refund"] = beijing_text(refund.at) + ".000"
        return fields

    def _render(self, fields: Mapping[str, str], dressing: Dressing) -> RenderedNotice:
        shown = {**fields, "notify_time": beijing_text(dressing.now), **dressing.alterations}
        if self._certified and self._switches.cert_sn_in_notices:
            shown[CERTIFICATE] = self._keys.alipay.sn
        if self._switches.empty_values_in_notices != "never":
            shown["voucher_detail_list"] = ""
        signed = dict(shown)
        if not self._switches.cert_sn_is_signed:
            signed.pop(CERTIFICATE, None)
        if self._switches.empty_values_in_notices == "unsigned":
            signed = {name: value for name, value in signed.items() if value}
        text = joined(signed)
        charset = CHARSETS[shown["charset"]]
        forged = dressing.forgery is Forgery.STRANGER_KEY
        key = self._keys.stranger if forged else self._keys.alipay.key
        shown |= {"sign": sign(text, key, charset), "sign_type": "RSA2"}
        if dressing.forgery is Forgery.FLIPPED_BYTE:
            first = shown["total_amount"][0]
            shown["total_amount"] = ("9" if first != "9" else "1") + shown["total_amount"][1:]
        kind = f"application/x-www-form-urlencoded; charset={shown['charset']}"
        body = urlencode(shown, encoding=charset).encode()
        return RenderedNotice({"content-type": kind}, body)
