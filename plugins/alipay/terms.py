"""What Alipay offers, as data."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.page import PageKind
from retender.ports.payment_provider import (
    AmountBounds,
    ClosePower,
    PageTerms,
    ProviderTerms,
    RefundTerms,
)

PAGE_PAY: Final = "alipay.trade.page.pay"
WAP_PAY: Final = "alipay.trade.wap.pay"
APP_PAY: Final = "alipay.trade.app.pay"
PRECREATE: Final = "alipay.trade.precreate"

_SCREEN = frozenset({Device.SCREEN})
_PHONE = frozenset({Device.PHONE})

# No page makes a trade by itself: that takes a scan, a login or a password. Until
# then there is nothing to close, and the page works on.
_LAZY = ClosePower.LAZY

TERMS: Final = ProviderTerms(
    provider="alipay",
    title="Alipay",
    pages=(
        PageTerms(
            kind=PageKind.FORM, devices=_SCREEN, product=PAGE_PAY, close=_LAZY, made_here=True
        ),
        PageTerms(
            kind=PageKind.REDIRECT, devices=_SCREEN, product=PAGE_PAY, close=_LAZY, made_here=True
        ),
        PageTerms(kind=PageKind.FORM, devices=_PHONE, product=WAP_PAY, close=_LAZY, made_here=True),
        PageTerms(
            kind=PageKind.REDIRECT, devices=_PHONE, product=WAP_PAY, close=_LAZY, made_here=True
        ),
        PageTerms(
            kind=PageKind.APP_STRING, devices=_PHONE, product=APP_PAY, close=_LAZY, made_here=True
        ),
        PageTerms(
            kind=PageKind.QR,
            devices=_SCREEN,
            product=PRECREATE,
            validity=timedelta(hours=2),
            close=_LAZY,
        ),
    ),
    currencies=frozenset({"CNY"}),
    amounts={"CNY": AmountBounds(1, 10_000_000_000)},
    expiry=ExpiryTerms(
        shortest=timedelta(minutes=1),
        longest=timedelta(days=15),
        granularity=timedelta(seconds=1),
        absolute=True,
    ),
    refunds=RefundTerms(partial=True, spacing=timedelta(seconds=3), immediate=True),
    instalments=(3, 6, 12),
    notices_signed=True,
    notice_retries=(
        timedelta(minutes=4),
        timedelta(minutes=10),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=15),
    ),
    bills=True,
    trade_no_is_capture=True,
)


def terms_of_account(instalments: tuple[int, ...]) -> ProviderTerms:
    """Return what one account offers: instalments only as far as it has contracted them."""
    return replace(TERMS, instalments=instalments)
