"""Daily bills: a zip with a GBK table of what was paid and refunded."""

import csv
import io
import secrets
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from retender.plugins.alipay.beijing import beijing, beijing_text
from retender.simulators.alipay.errors import Refused
from retender.simulators.alipay.trades import Ledger, Trade
from retender.simulators.kit.clock import SimulatorClock

LINK_LIFE = timedelta(seconds=30)

_COLUMNS = (
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "备注",
)


class Bills:
    """Hands out links to bills; each works for half a minute."""

    def __init__(self, ledger: Ledger, clock: SimulatorClock, prefix: str, seller_id: str) -> None:
        """Offer links that begin with ``prefix``."""
        self._ledger = ledger
        self._clock = clock
        self._prefix = prefix
        self._seller_id = seller_id
        self._links: dict[str, tuple[date, datetime]] = {}

    def offer(self, day: date) -> str:
        """
        Return a link to that day's bill.

        Raises:
            Refused: nothing happened on that day.

        """
        if not list(self._rows(day)):
            raise Refused("NO_BILL_DATA", "nothing was booked on that day")
        token = secrets.token_hex(8)
        self._links[token] = (day, self._clock.now() + LINK_LIFE)
        return f"{self._prefix}{token}"

    def fetch(self, token: str) -> bytes | None:
        """Return the zip behind a link, or None: no such link (any more)."""
        day, until = self._links.get(token, (None, None))
        if day is None or until is None or self._clock.now() >= until:
            return None
        packed = io.BytesIO()
        name = f"{self._seller_id}_{day:%Y%m%d}_业务明细.csv"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, self._table(day).encode("gbk", "replace"))
        return packed.getvalue()

    def _table(self, day: date) -> str:
        text = io.StringIO()
        rows = list(self._rows(day))
        text.write("#支付宝业务明细查询\r\n")
        text.write(f"#账号：[{self._seller_id}]\r\n")
        text.write("#-----------------------------------------业务明细列表----------------\r\n")
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        # Numbers end in a tab, so that spreadsheets leave them alone.
        writer.writerows([f"{cell}\t" for cell in row] for row in rows)
        text.write("#-----------------------------------------业务明细列表结束------------\r\n")
        text.write(f"#共{len(rows)}笔\r\n")
        return text.getvalue()

    def _rows(self, day: date) -> Iterator[list[str]]:
        for trade in self._ledger.all():
            if trade.paid_at and beijing(trade.paid_at).date() == day:
                yield _row(trade, "交易", trade.paid_at, trade.captured_minor, "")
            for refund in trade.refunds.values():
                if beijing(refund.at).date() == day:
                    amount = -refund.amount_minor
                    yield _row(trade, "退款", refund.at, amount, refund.out_request_no)


def _row(trade: Trade, kind: str, at: datetime, minor: int, out_request_no: str) -> list[str]:
    amount = f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"
    return [
        trade.trade_no,
        trade.number,
        kind,
        trade.terms.subject,
        beijing_text(trade.created_at),
        beijing_text(at),
        trade.buyer.logon_id,
        amount,
        amount,
        out_request_no,
        "0.00",
        "",
    ]
