"""What the sandbox offers: every kind of page, one of them as lazy as some real ones."""

from datetime import timedelta

from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.page import PageKind
from retender.ports.payment_provider import (
    ClosePower,
    PageTerms,
    PayerNeed,
    ProviderTerms,
    RefundTerms,
)

NAME = "sandbox"
TITLE = "Sandbox"
QR_VALIDITY = timedelta(minutes=15)

_ANYWHERE = frozenset(Device)
_SCREEN = frozenset({Device.SCREEN})
_PHONE = frozenset({Device.PHONE})

TERMS = ProviderTerms(
    provider=NAME,
    title=TITLE,
    pages=(
        PageTerms(kind=PageKind.FORM, devices=_ANYWHERE, product="form"),
        PageTerms(kind=PageKind.REDIRECT, devices=_ANYWHERE, product="link"),
        PageTerms(
            kind=PageKind.QR,
            devices=_SCREEN,
            product="code",
            validity=QR_VALIDITY,
            # Signed here and shown without a call: the trade is made by the scan.
            close=ClosePower.LAZY,
        ),
        PageTerms(kind=PageKind.APP_STRING, devices=_PHONE, product="app"),
        PageTerms(
            kind=PageKind.JSAPI,
            devices=_PHONE,
            product="script",
            needs=frozenset({PayerNeed.OPENID}),
            bound_to=frozenset({PayerNeed.OPENID}),
        ),
    ),
    currencies=frozenset({"CNY", "EUR", "JPY", "KWD", "USD"}),
    expiry=ExpiryTerms(shortest=timedelta(seconds=1), longest=timedelta(days=30)),
    refunds=RefundTerms(window=timedelta(days=365)),
    instalments=(3, 6, 12),
    notice_retries=tuple(timedelta(seconds=gap) for gap in (5, 30, 120, 600, 3600)),
)
