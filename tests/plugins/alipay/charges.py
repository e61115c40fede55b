"""Charges and refunds as the core would hand them over, and what became of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from retender.domain.model.attempt import Charge
from retender.domain.model.client_type import Device
from retender.domain.model.money import Money
from retender.domain.model.page import AppStringPage, FormPage, Page, PageKind, RedirectPage
from retender.domain.model.payer import Payer
from retender.ports.payment_provider import RefundOrder

TEN = datetime(2026, 1, 15, 2, tzinfo=UTC)  # ten in Beijing
NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)


def charge(**changes: Any) -> Charge:
    facts = {
        "number": "T20260115000001A1",
        "order_no": "order-of-more-than-thirty-two-characters",
        "amount": Money(8888, "CNY"),
        "subject": "Test order 001",
        "client_type": "pc",
        "device": Device.SCREEN,
        "page_kind": PageKind.FORM,
        "created_at": TEN,
        "expires_at": NOON + timedelta(minutes=31),
        "notify_url": "https://merchant.example/alipay/notify",
        "payer": Payer(return_url="https://merchant.example/return"),
    }
    return Charge(**{**facts, **changes})


QR = {"page_kind": PageKind.QR}
PHONE = {"device": Device.PHONE, "client_type": "h5"}
APP = {**PHONE, "page_kind": PageKind.APP_STRING}


def refund_of(paid: Charge, **changes: Any) -> RefundOrder:
    facts = {
        "number": "R20260115000001",
        "charge_number": paid.number,
        "provider_trade_no": None,
        "paid": paid.amount,
        "amount": Money(2000, "CNY"),
        "reason": "Sent back",
        "notify_url": paid.notify_url,
    }
    return RefundOrder(**{**facts, **changes})


def carried(page: Page) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a page signed by us tells Alipay: all parameters, and the content."""
    match page:
        case AppStringPage():
            outer = dict(parse_qsl(page.text))
        case RedirectPage():
            outer = dict(parse_qsl(urlsplit(page.url).query))
        case FormPage():
            outer = dict(parse_qsl(urlsplit(page.action).query)) | dict(page.fields)
        case _:
            raise AssertionError(page)
    return outer, json.loads(outer["biz_content"])
