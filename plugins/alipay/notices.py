"""Alipay's notices: who sent one is proven first, what it says is read afterwards."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from retender.domain.model.errors import AmountInvalid, NoticeProblem, NoticeRejected
from retender.domain.model.money import Money
from retender.plugins.alipay.beijing import from_beijing
from retender.plugins.alipay.charsets import CHARSETS
from retender.plugins.alipay.codes import TRADE_STATES
from retender.plugins.alipay.credentials import Credentials
from retender.plugins.alipay.signing import is_signed, notice_texts
from retender.ports.payment_provider import (
    Notice,
    Receipt,
    ReceiptState,
    RefundReceipt,
    RefundReceiptState,
)

MOST_FIELDS: Final = 200

# These differ between two deliveries of one notice, or are no part of what is said.
_PASSING = {"notify_time", "sign", "sign_type", "alipay_cert_sn"}


def prove(body: bytes, credentials: Credentials) -> dict[str, str]:
    """
    Return the fields of a notice that Alipay signed.

    Raises:
        NoticeRejected: it is not proven to be Alipay's.

    """
    fields = _read(body)
    if not fields.get("sign"):
        raise NoticeRejected(NoticeProblem.UNSIGNED, "The notice bears no signature.")
    if fields.get("sign_type") != "RSA2":
        raise NoticeRejected(NoticeProblem.SIGNATURE_WRONG, "The notice is not signed with RSA2.")
    keys = credentials.keys_for(fields.get("alipay_cert_sn"))
    if not keys:
        raise NoticeRejected(
            NoticeProblem.UNKNOWN_KEY, "The notice names a certificate that we do not trust."
        )
    charset, sign = _charset(fields), fields["sign"]
    texts = list(notice_texts(fields))
    if not any(is_signed(text, sign, key, charset) for key in keys for text in texts):
        raise NoticeRejected(
            NoticeProblem.SIGNATURE_WRONG, "The notice was not signed by Alipay, or was changed."
        )
    return fields


def event_key(fields: Mapping[str, str]) -> str:
    """
    Return what is equal for repeats of one notice and for nothing else.

    Made of all that the notice says, and not of its ``notify_id`` alone: a notice
    that says something new is never taken for a repeat.
    """
    lasting = {name: value for name, value in fields.items() if value and name not in _PASSING}
    text = "&".join(f"{name}={len(value)}:{value}" for name, value in sorted(lasting.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_notice(fields: Mapping[str, str], *, app_id: str, seller_id: str) -> Notice | None:
    """
    Read proven fields; None if the trade's state is a word that we do not know.

    Raises:
        NoticeRejected: it lacks what every such notice has.

    """
    about = fields.get("trade_status") or fields.get("notify_type") or "unnamed"
    if "trade_status" not in fields:
        return Notice(event_key=event_key(fields), about=about)
    number = fields.get("out_trade_no")
    if not number:
        raise _malformed("no out_trade_no")
    paid_at = _time(fields.get("gmt_payment"))
    state = TRADE_STATES.get(fields["trade_status"])
    if state is None:
        return None
    if state is ReceiptState.CLOSED and paid_at is not None:
        # Paid once and fully given back: closed now, but it did take the money.
        state = ReceiptState.PAID
    paid = state is ReceiptState.PAID
    receipt = Receipt(
        number=number,
        state=state,
        amount=_amount(fields.get("total_amount")) if paid else None,
        provider_trade_no=fields.get("trade_no") or None,
        captured_at=paid_at if paid else None,
        foreign=_foreign(fields, app_id=app_id, seller_id=seller_id),
        # All that was given back so far, by whoever; not this notice's refund.
        refunded=_amount(fields["refund_fee"]) if paid and fields.get("refund_fee") else None,
    )
    refund = _refund(fields, number)
    return Notice(event_key=event_key(fields), receipt=receipt, refund=refund, about=about)


def _read(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError as trouble:
        raise NoticeRejected(NoticeProblem.NOT_TEXT, "The notice is no form.") from trouble
    try:
        pairs = _pairs(text, _charset(dict(_pairs(text, "latin-1"))))
    except UnicodeDecodeError as trouble:
        raise NoticeRejected(
            NoticeProblem.NOT_TEXT, "The notice is not in the charset that it declares."
        ) from trouble
    except ValueError as trouble:
        raise _malformed("not a form, or too many fields") from trouble
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _malformed("a field stands twice")
    return fields


def _pairs(text: str, charset: str) -> list[tuple[str, str]]:
    return parse_qsl(
        text,
        keep_blank_values=True,
        strict_parsing=True,
        encoding=charset,
        errors="strict",
        max_num_fields=MOST_FIELDS,
    )


def _charset(fields: Mapping[str, str]) -> str:
    declared = fields.get("charset", "utf-8").lower()
    if declared not in CHARSETS:
        raise _malformed("an unknown charset")
    return CHARSETS[declared]


def _foreign(fields: Mapping[str, str], *, app_id: str, seller_id: str) -> str | None:
    """
    Say what contradicts.

    Every notice names its app. The seller is optional: absent or empty it contradicts nothing.
    """
    if (said := fields.get("app_id", "missing")) != app_id:
        return f"app_id {said[:32]} is not ours"
    if (said := fields.get("seller_id", "")) not in {"", seller_id}:
        return f"seller_id {said[:32]} is not ours"
    return None


def _refund(fields: Mapping[str, str], number: str) -> RefundReceipt | None:
    if not fields.get("out_biz_no") and not fields.get("gmt_refund"):
        return None
    # ``refund_fee`` is all that was given back so far, not this refund's amount; and a
    # refund without a number of its own bears the trade's.
    return RefundReceipt(number=fields.get("out_biz_no") or number, state=RefundReceiptState.DONE)


def _amount(text: str | None) -> Money:
    try:
        return Money.parse(text or "", "CNY")
    except AmountInvalid as trouble:
        raise _malformed("no total_amount") from trouble


def _time(text: str | None) -> datetime | None:
    try:
        return from_beijing(text) if text else None
    except ValueError as trouble:
        raise _malformed("a time that is none") from trouble


def _malformed(what: str) -> NoticeRejected:
    return NoticeRejected(NoticeProblem.MALFORMED, f"The notice cannot be read: {what}.")
