"""What the shop is told, and what an order's story is made of."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

EventFact: TypeAlias = str | dict[str, str | int]
"""A text, or an amount as ``Money.to_json`` has it; JSON, so that it can be kept and sent."""


class EventKind(StrEnum):
    """What the shop may hear; the values are part of the API."""

    ORDER_PAID = "order.paid"
    ORDER_CLOSED = "order.closed"
    SURPLUS_FOUND = "surplus.found"
    SURPLUS_REFUNDED = "surplus.refunded"
    REFUND_DONE = "refund.done"
    REFUND_STUCK = "refund.stuck"
    REFUND_REVERSED = "refund.reversed"
    REFUND_EXTERNAL = "refund.external"
    REFUND_OVERTAKEN = "refund.overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    Something the shop must hear, written in the transaction that made it true.

    Attributes:
        event_id: unique; a second delivery bears the same one.
        kind: what happened.
        subject: what it happened to: an order id, attempt id or refund number.
            At most one event exists per subject and kind.
        order_no: the shop's number of the order.
        at: when we wrote it down.
        data: plain facts; amounts as the API shows them everywhere.

    """

    event_id: str
    kind: EventKind
    subject: str
    order_no: str
    at: datetime
    data: dict[str, EventFact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UntoldEvent:
    """An event that somebody is to tell, and how often that was tried in vain."""

    event: Event
    tries: int = 0


_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(hours=1)


def next_telling(untold: UntoldEvent, now: datetime) -> datetime:
    """
    Return when to tell an event again that its receiver did not take.

    After 5 s, then twice as long each time, an hour at most; up to a quarter
    less, by the event and the try, so that what failed together does not come
    back together.
    """
    doublings = min(untold.tries, 10)  # 5 s x 2^10 is over an hour
    pause = min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
    lot = hashlib.sha256(f"{untold.event.event_id}|{untold.tries}".encode()).digest()[0]
    return now + pause * (1 - lot / 1024)
