"""BacklogSize: how much there is of what has not come to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retender.domain.model.attention import AttentionCode
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
    The open attention items of one code.

    Attributes:
        count: how many.
        since: when the oldest of them was met.

    """

    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogSize:
    """
    What is under way, counted at one instant; what is final is not counted.

    Attributes:
        waiting: open attention items by code; a code without any is not there.
        orders: by state, of ``OPEN_ORDERS``; a state without any is not there.
        attempts: the same of ``OPEN_ATTEMPTS``.
        refunds: the same of ``OPEN_REFUNDS``.
        untold: events that the shop has not heard of.
        due_since: since when the longest waiting attempt or refund is due for a look
            or a try; in the future if nothing is due yet, None if nothing is planned.

    """

    waiting: Mapping[AttentionCode, Waiting]
    orders: Mapping[OrderState, int]
    attempts: Mapping[AttemptState, int]
    refunds: Mapping[RefundState, int]
    untold: int
    due_since: datetime | None


class WorkKind(StrEnum):
    """What a worker has to do, each by its own rule of when it is due."""

    ORDERS = "orders"
    """To end: the time shown to the payer is over."""
    ATTEMPTS = "attempts"
    """To ask after."""
    REFUNDS = "refunds"
    """To send, or to ask after."""
    EVENTS = "events"
    """To tell the shop."""


@dataclass(frozen=True, slots=True)
class Due:
    """
    Which work there is to do now, and nothing more of it.

    Attributes:
        orders: orders are to be ended.
        events: the shop is to be told of something.
        accounts: of the accounts that were asked about, those with attempts or refunds to look at.

    """

    orders: bool = False
    events: bool = False
    accounts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overdue:
    """
    Work of one kind that was to be done by now, and is in nobody's hands.

    Attributes:
        count: how many pieces.
        since: when the oldest of them was due.

    """

    count: int
    since: datetime
