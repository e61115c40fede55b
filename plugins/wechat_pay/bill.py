"""The daily bill: checked against its hash, unpacked, read line by line."""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest

from retender.domain.model.errors import RetenderError
from retender.domain.model.money import Money
from retender.plugins.wechat_pay.beijing import BEIJING
from retender.ports.payment_provider import BillLine

UNPACKED_MOST = 64 * 1024 * 1024

_GZIP_MARK = b"\x1f\x8b"
_NONE = {"", "0"}


class BadBill(Exception):
    """What came is not the bill that was announced."""


def read_bill(content: bytes, announced_hash: str) -> tuple[BillLine, ...]:
    """
    Return the bill's payments and refunds.

    Args:
        content: the file as it came, packed or not.
        announced_hash: SHA-1 in hex, of the packed or the unpacked bytes: both
            are in use. It comes from a signed answer, the file does not.

    Raises:
        BadBill: hash, packing or a line is wrong.

    """
    plain = _unpack(content)
    hashes = {hashlib.sha1(each, usedforsecurity=False).hexdigest() for each in (content, plain)}
    if not any(compare_digest(each, announced_hash.lower()) for each in hashes):
        raise BadBill("the file is not the one that was announced")
    try:
        lines = plain.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as trouble:
        raise BadBill("the file is no text") from trouble
    return _read_lines(lines)


def _unpack(content: bytes) -> bytes:
    if not content.startswith(_GZIP_MARK):
        return content
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(content, UNPACKED_MOST)
    except (zlib.error, gzip.BadGzipFile) as trouble:
        raise BadBill("the file cannot be unpacked") from trouble
    if not unpacker.eof:
        raise BadBill("the file is cut off, or unpacks to too much")
    return plain


def _read_lines(lines: list[str]) -> tuple[BillLine, ...]:
    if not lines:
        raise BadBill("the file is empty")
    names = [name.strip("` ") for name in lines[0].split(",")]
    found: list[BillLine] = []
    # Values begin with a backtick; the next line that does not heads the sums.
    for line in lines[1:]:
        if not line.startswith("`"):
            return tuple(found)
        values = line[1:].split(",`")
        if len(values) != len(names):
            raise BadBill("a line has more or fewer values than the first has names")
        found.append(_read_line(dict(zip(names, values, strict=True))))
    raise BadBill("the file has no sums at its end")


def _read_line(row: Mapping[str, str]) -> BillLine:
    try:
        refund_number = row["商户退款单号"].strip()
        is_refund = refund_number not in _NONE
        amount = row["申请退款金额" if is_refund else "订单金额"].strip()
        at = datetime.strptime(row["交易时间"].strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        return BillLine(
            number=row["商户订单号"].strip(),
            refund_number=refund_number if is_refund else None,
            amount=Money.parse(amount, row["货币种类"].strip()),
            provider_trade_no=row["微信订单号"].strip() or None,
            at=at,
        )
    except (KeyError, ValueError, RetenderError) as trouble:
        raise BadBill("a line cannot be read") from trouble
