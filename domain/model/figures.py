"""Figures: how much there is of what has not come to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.incident import IncidentCode
from retender.domain.model.transition import (
    LIVE,
    UNDER_WAY,
    AttemptState,
    OrderState,
    RefundState,
)

OPEN_ORDERS = (OrderState.NEW, OrderState.EXPIRING, OrderState.CANCELLING)
OPEN_ATTEMPTS = (*LIVE, AttemptState.REFUNDING, AttemptState.REFUND_STUCK)
OPEN_REFUNDS = (*UNDER_WAY, RefundState.STUCK)


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    The open incidents of one code.

    Attributes:
        count: how many.
        since: when the oldest of them was met.

    """

    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    What is under way, counted at one instant; what is final is not counted.

    Attributes:
        waiting: open incidents by code; a code without any is not there.
        orders: by state, of ``OPEN_ORDERS``; a state without any is not there.
        attempts: the same of ``OPEN_ATTEMPTS``.
        refunds: the same of ``OPEN_REFUNDS``.
        untold: events that the shop has not heard of.
        due_since: since when the longest waiting attempt or refund is due for a look
            or a try; in the future if nothing is due yet, None if nothing is planned.

    """

    waiting: Mapping[IncidentCode, Waiting]
    orders: Mapping[OrderState, int]
    attempts: Mapping[AttemptState, int]
    refunds: Mapping[RefundState, int]
    untold: int
    due_since: datetime | None
