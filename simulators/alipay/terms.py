"""What a payment request says, read as strictly as the gateway reads it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from retender.plugins.alipay.beijing import beijing, from_beijing
from retender.simulators.alipay.errors import GatewayError, Refused, invalid
from retender.simulators.alipay.switches import AlipaySwitches

PAGE_PAY: Final = "alipay.trade.page.pay"
WAP_PAY: Final = "alipay.trade.wap.pay"
APP_PAY: Final = "alipay.trade.app.pay"
PRECREATE: Final = "alipay.trade.precreate"
CREATE: Final = "alipay.trade.create"

LONGEST = timedelta(days=15)
SHORTEST = timedelta(minutes=1)

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_NUMBER = re.compile(r"[A-Za-z0-9_]{1,64}")
_TIMEOUT = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LARGEST = Decimal(100_000_000)
_SUBJECT_MAX = 256
_PASSBACK_MAX = 512
_SUSPECT = re.compile(r"\b(subject|body|out_trade_no|total_fee)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    What a merchant asks for under one number, by one request.

    Attributes:
        method: which product.
        out_trade_no: the merchant's number.
        amount_minor: in fen.
        subject: what the payer reads.
        product_code: as sent.
        seller_id: whose money it will be.
        instalments: Huabei count, or None.
        extend_params: as sent, for comparing.
        time_expire: absolute end, or None.
        timeout_express: relative end as sent, or None.
        notify_url: where notices go; without one there are none.
        return_url: where the browser goes after paying.
        quit_url: where an H5 payer who leaves goes.
        echoed: fields that come back in notices: body, passback_params.

    """

    method: str
    out_trade_no: str
    amount_minor: int
    subject: str
    product_code: str
    seller_id: str
    instalments: int | None = None
    extend_params: Mapping[str, str] = field(default_factory=dict)
    time_expire: datetime | None = None
    timeout_express: str | None = None
    notify_url: str | None = None
    return_url: str | None = None
    quit_url: str | None = None
    echoed: Mapping[str, str] = field(default_factory=dict)

    def ends_at(self, started_at: datetime) -> datetime:
        """Return when a trade (or PC cashier) that started then ends; absolute wins."""
        if self.time_expire is not None:
            return self.time_expire
        if self.timeout_express == "1c":
            midnight = datetime.combine(beijing(started_at).date() + timedelta(days=1), time())
            return from_beijing(midnight.strftime("%Y-%m-%d %H:%M:%S"))
        if self.timeout_express is not None:
            return started_at + _duration(self.timeout_express)
        return started_at + LONGEST

    def differences(self, other: "Terms") -> set[str]:
        """Return the names of what may be compared and differs."""
        pairs = {
            "total_amount": (self.amount_minor, other.amount_minor),
            "subject": (self.subject, other.subject),
            "seller_id": (self.seller_id, other.seller_id),
            "product_code": (self.product_code, other.product_code),
            "extend_params": (self.extend_params, other.extend_params),
            "time_expire": (self.time_expire, other.time_expire),
            "timeout_express": (self.timeout_express, other.timeout_express),
            "notify_url": (self.notify_url, other.notify_url),
        }
        return {name for name, (ours, theirs) in pairs.items() if ours != theirs}


def read_terms(
    parameters: Mapping[str, str],
    content: Mapping[str, object],
    *,
    now: datetime,
    seller_id: str,
    switches: AlipaySwitches,
) -> Terms:
    """
    Read a payment request.

    Raises:
        Refused: a business parameter is missing or wrong.
        GatewayError: the request looks like an attack.

    """
    method = parameters["method"]
    passback = _text(content, "passback_params", most=_PASSBACK_MAX)
    if passback and _SUSPECT.search(passback):
        raise GatewayError("40002", "Invalid Arguments", "isv.suspected-attack", signed=True)
    extend = _extend_params(content.get("extend_params"))
    echoed = {"body": _text(content, "body", most=128), "passback_params": passback}
    return Terms(
        method=method,
        out_trade_no=_number(content),
        amount_minor=_amount(content),
        subject=_subject(content),
        product_code=_product_code(method, content, switches),
        seller_id=_text(content, "seller_id") or seller_id,
        instalments=_instalments(extend, switches),
        extend_params=extend,
        time_expire=_time_expire(content, now),
        timeout_express=_timeout_express(content),
        notify_url=parameters.get("notify_url"),
        return_url=parameters.get("return_url"),
        quit_url=_text(content, "quit_url"),
        echoed={name: value for name, value in echoed.items() if value},
    )


def read_content(text: str) -> Mapping[str, object]:
    """Read ``biz_content``; numbers stay the text that was sent."""
    try:
        content = json.loads(text or "{}", parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as trouble:
        raise invalid("parameter", "biz_content is no JSON", signed=True) from trouble
    if not isinstance(content, dict):
        raise invalid("parameter", "biz_content is no object", signed=True)
    return content


def _wrong(name: str) -> Refused:
    return Refused("ACQ.INVALID_PARAMETER", f"{name} is missing or wrong")


def _text(content: Mapping[str, object], name: str, *, most: int = 400) -> str | None:
    value = content.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > most:
        raise _wrong(name)
    return value


def _number(content: Mapping[str, object]) -> str:
    value = _text(content, "out_trade_no")
    if value is None or not _NUMBER.fullmatch(value):
        raise _wrong("out_trade_no")
    return value


def _amount(content: Mapping[str, object]) -> int:
    value = _text(content, "total_amount")
    if value is None or not _AMOUNT.fullmatch(value):
        raise _wrong("total_amount")
    if Decimal(value) > _LARGEST:
        raise Refused("ACQ.TOTAL_FEE_EXCEED", "the amount is over the limit")
    if (fen := int(Decimal(value) * 100)) < 1:
        raise _wrong("total_amount")
    return fen


def fen_of(content: Mapping[str, object], name: str) -> int:
    """Read a positive amount in yuan as fen."""
    value = content.get(name)
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value) or Decimal(value) <= 0:
        raise _wrong(name)
    return int(Decimal(value) * 100)


def _subject(content: Mapping[str, object]) -> str:
    value = _text(content, "subject", most=_SUBJECT_MAX)
    if value is None or any(mark in value for mark in "/=&"):
        raise _wrong("subject")
    return value


def _product_code(method: str, content: Mapping[str, object], switches: AlipaySwitches) -> str:
    taken = {
        PAGE_PAY: ("FAST_INSTANT_TRADE_PAY",),
        WAP_PAY: switches.h5_product_codes,
        APP_PAY: ("QUICK_MSECURITY_PAY", ""),
        PRECREATE: ("QR_CODE_OFFLINE", "FACE_TO_FACE_PAYMENT", ""),
        CREATE: ("JSAPI_PAY", "FACE_TO_FACE_PAYMENT", ""),
    }[method]
    value = _text(content, "product_code") or ""
    if value not in taken:
        raise _wrong("product_code")
    return value


def _extend_params(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _wrong("extend_params")
    return value


def _instalments(extend: Mapping[str, str], switches: AlipaySwitches) -> int | None:
    count = extend.get("hb_fq_num")
    if count is None:
        return None
    percent = extend.get("hb_fq_seller_percent", "0")
    if count not in map(str, switches.instalment_counts):
        raise _wrong("hb_fq_num")
    if percent not in map(str, switches.instalment_seller_percents):
        raise _wrong("hb_fq_seller_percent")
    return int(count)


def _time_expire(content: Mapping[str, object], now: datetime) -> datetime | None:
    value = _text(content, "time_expire")
    if value is None:
        return None
    try:
        instant = from_beijing(value)
    except ValueError as trouble:
        raise _wrong("time_expire") from trouble
    if instant <= now:
        raise Refused("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "time_expire has passed")
    if instant > now + LONGEST + SHORTEST:
        raise _wrong("time_expire")
    return instant.astimezone(UTC)


def _timeout_express(content: Mapping[str, object]) -> str | None:
    value = _text(content, "timeout_express")
    if value is None or value == "1c":
        return value
    if not _TIMEOUT.fullmatch(value) or _duration(value) > LONGEST:
        raise _wrong("timeout_express")
    return value


def _duration(text: str) -> timedelta:
    match = _TIMEOUT.fullmatch(text)
    if match is None:
        raise _wrong("timeout_express")
    return int(match[1]) * _UNITS[match[2]]
