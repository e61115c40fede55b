"""Alipay's daily bill: a zip with a GBK table, numbers padded with tabs."""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Final

from retender.domain.model.errors import AmountInvalid
from retender.domain.model.money import Money
from retender.plugins.alipay.beijing import from_beijing
from retender.plugins.alipay.charsets import BILL
from retender.ports.payment_provider import BillLine

LARGEST_TABLE: Final = 64 * 1024 * 1024

_TRADE_NO = "支付宝交易号"
_NUMBER = "商户订单号"
_KIND = "业务类型"
_AT = "完成时间"
_AMOUNT = "订单金额（元）"
_REFUND_NUMBER = "退款批次号/请求号"
_PAYMENT, _REFUND = "交易", "退款"


class MalformedBill(ValueError):
    """The file is not a bill as we know them."""


def read_bill(packed: bytes) -> tuple[BillLine, ...]:
    """
    Read payments and refunds out of a bill; other kinds of business are left out.

    Raises:
        MalformedBill: not such a zip, too large unpacked, or not such a table.

    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            tables = [_unpacked(archive, each) for each in archive.infolist()]
        # One odd character, such as in a payer's words, must not hide all payments of a day.
        texts = [table.decode(BILL, "replace") for table in tables]
        if not any(_NUMBER in text and _AMOUNT in text for text in texts):
            raise MalformedBill("no table of it is one of payments")
        return tuple(line for text in texts for line in _lines(text))
    except (zipfile.BadZipFile, csv.Error, KeyError, ValueError) as trouble:
        raise MalformedBill(f"the bill cannot be read: {trouble}") from trouble


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, but never more than a bill could have."""
    with archive.open(member) as file:
        table = file.read(LARGEST_TABLE + 1)
    if len(table) > LARGEST_TABLE:
        raise MalformedBill("the table is too large")
    return table


def _lines(text: str) -> Iterator[BillLine]:
    rows = [row for row in text.splitlines() if row.strip() and not row.startswith("#")]
    for cells in csv.DictReader(rows):
        row = {name.strip(): (value or "").strip() for name, value in cells.items() if name}
        if _NUMBER not in row or _AMOUNT not in row:
            # The summary that comes beside the details speaks of no single trade.
            return
        if row[_KIND] in {_PAYMENT, _REFUND}:
            yield _line(row)


def _line(row: dict[str, str]) -> BillLine:
    is_refund = row[_KIND] == _REFUND
    try:
        amount = Money.parse(row[_AMOUNT].removeprefix("-"), "CNY")
    except AmountInvalid as trouble:
        raise MalformedBill("an amount that is none") from trouble
    number = row[_NUMBER]
    if not number:
        raise MalformedBill("a line without a number")
    return BillLine(
        number=number,
        refund_number=(row[_REFUND_NUMBER] or number) if is_refund else None,
        amount=amount,
        provider_trade_no=row[_TRADE_NO] or None,
        at=from_beijing(row[_AT]),
    )
