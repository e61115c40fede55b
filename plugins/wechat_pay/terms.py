"""What WeChat Pay offers a direct merchant, as data."""

from datetime import timedelta

from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.page import PageKind
from retender.ports.payment_provider import PageTerms, PayerNeed, ProviderTerms, RefundTerms

_PHONE = frozenset({Device.PHONE})
_TWO_HOURS = timedelta(hours=2)

TERMS = ProviderTerms(
    provider="wechat_pay",
    title="WeChat Pay",
    pages=(
        PageTerms(
            kind=PageKind.QR,
            devices=frozenset({Device.SCREEN}),
            product="native",
            validity=_TWO_HOURS,
        ),
        PageTerms(
            kind=PageKind.REDIRECT,
            devices=_PHONE,
            product="h5",
            needs=frozenset({PayerNeed.CLIENT_IP}),
            bound_to=frozenset({PayerNeed.CLIENT_IP}),
            validity=timedelta(minutes=5),
        ),
        PageTerms(
            kind=PageKind.APP_STRING,
            devices=_PHONE,
            product="app",
            validity=_TWO_HOURS,
        ),
        PageTerms(
            kind=PageKind.JSAPI,
            devices=_PHONE,
            product="jsapi",
            needs=frozenset({PayerNeed.OPENID}),
            bound_to=frozenset({PayerNeed.OPENID}),
            validity=_TWO_HOURS,
        ),
    ),
    currencies=frozenset({"CNY"}),
    # 15 days by most pages, 7 by native's: what holds everywhere is promised.
    expiry=ExpiryTerms(shortest=timedelta(minutes=1), longest=timedelta(days=7)),
    refunds=RefundTerms(most=50, spacing=timedelta(minutes=1), window=timedelta(days=365)),
    notice_retries=tuple(
        timedelta(seconds=seconds)
        for seconds in (
            *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
            *(10800, 10800, 10800, 21600, 21600),
        )
    ),
    bills=True,
    trade_no_is_capture=True,
)
