"""What the hosted provider says of itself: nothing that the other two can promise."""

from datetime import timedelta

from retender.domain.model.client_type import Device
from retender.domain.model.deadline import ExpiryTerms
from retender.domain.model.page import PageKind
from retender.ports.payment_provider import PageTerms, ProviderTerms, RefundTerms

NAME = "hosted"

TERMS = ProviderTerms(
    provider=NAME,
    title="Hosted",
    pages=(
        PageTerms(
            kind=PageKind.REDIRECT,
            devices=frozenset(Device),
            product="checkout",
            reopens=False,  # asking again makes a second session, beside the first
            exists_with_page=True,
            orphan_payable=False,  # the address of a session is in its answer only
        ),
    ),
    currencies=frozenset({"CNY"}),
    expiry=ExpiryTerms(shortest=timedelta(seconds=1), longest=timedelta(days=30)),
    refunds=RefundTerms(repeatable=False, names_trade=True),
    notice_retries=tuple(timedelta(seconds=gap) for gap in (5, 30, 120, 600, 3600)),
    asked_by_number=False,
    trade_no_is_capture=True,
)
