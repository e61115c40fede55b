"""FurtherCapture: money that a provider took once more under a number that was paid."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherCapture:
    """
    A second payment of one attempt, known by a trade number of its own.

    It pays nothing and is in every sum; a human decides how it goes back.

    Attributes:
        attempt_id: the attempt that was paid before.
        order_id: its order.
        account: the provider account; a trade number is unique there.
        provider_trade_no: the provider's number of this capture.
        amount: what was taken.
        found_at: when we heard of it.

    """

    attempt_id: str
    order_id: str
    account: str
    provider_trade_no: str
    amount: Money
    found_at: datetime
