"""
The one table of states and transitions, from which stores, tests and the pictures work.

Every state change is ``UPDATE ... WHERE id = ? AND state IN (sources)``; a row
that is no longer in one of the sources is left alone, and that is a normal
outcome with its own branch, never an error. The table was model-checked before
it was decided (protocol 1.1): change the model first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class OrderState(StrEnum):
    """Where an order stands; PAID and CLOSED are final."""

    NEW = "NEW"
    EXPIRING = "EXPIRING"
    CANCELLING = "CANCELLING"
    PAID = "PAID"
    CLOSED = "CLOSED"


class AttemptState(StrEnum):
    """Where one try to pay stands."""

    CREATING = "CREATING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    SUCCEEDED = "SUCCEEDED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    REFUND_STUCK = "REFUND_STUCK"


class RefundState(StrEnum):
    """
    Where one refund stands.

    OVERTAKEN is final, and so is DONE unless its provider says later that it failed: then it
    is DOUBTED, and asked after. STUCK waits for an operator.
    """

    DUE = "DUE"
    SENT = "SENT"
    DONE = "DONE"
    DOUBTED = "DOUBTED"
    STUCK = "STUCK"
    OVERTAKEN = "OVERTAKEN"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    CAPTURED = "captured"
    DEADLINE_PASSED = "deadline passed"
    CANCELLED = "cancelled"
    GIVEN_UP = "given up"
    NOTHING_LIVE = "nothing live"


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    PAGE_RECEIVED = "page received"
    REFUSED = "refused for good"
    CLOSE_WANTED = "close wanted"
    TAKEN_BACK = "taken back"
    PROVEN_DEAD = "proven dead"
    WON = "captured, won"
    SURPLUS = "captured, surplus"
    REFUND_CONFIRMED = "refund confirmed"
    REFUND_DOUBTED = "refund doubted"
    REFUND_FAILED = "refund failed"
    REFUND_RETRIED = "refund retried"


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    SENT = "sent"
    TRY_AGAIN = "to be tried again"
    CONFIRMED = "confirmed"
    DOUBTED = "doubted"
    FAILED = "failed for good"
    RETRIED = "retried"
    OVERTAKEN = "overtaken"


State: TypeAlias = OrderState | AttemptState | RefundState
TransitionEvent: TypeAlias = OrderEvent | AttemptEvent | RefundEvent


@dataclass(frozen=True, slots=True)
class Transition:
    """
    One row of the table: from any of the sources, by the event, to the target.

    Attributes:
        event: names the row; an event has exactly one.
        sources: the states in which it is accepted.
        target: the state that it leads to.
        because: what must be known for it to happen.

    """

    event: TransitionEvent
    sources: tuple[State, ...]
    target: State
    because: str


_O, _A, _R = OrderState, AttemptState, RefundState

TABLE: tuple[Transition, ...] = (
    Transition(
        OrderEvent.CAPTURED,
        (_O.NEW, _O.EXPIRING),
        _O.PAID,
        "a provider's evidence of the full amount, and no winner yet",
    ),
    Transition(
        OrderEvent.DEADLINE_PASSED, (_O.NEW,), _O.EXPIRING, "the time shown to the payer is over"
    ),
    Transition(
        OrderEvent.CANCELLED,
        (_O.NEW, _O.EXPIRING),
        _O.CANCELLING,
        "the shop gave it up, and money that still comes goes back",
    ),
    Transition(
        OrderEvent.GIVEN_UP,
        (_O.NEW, _O.EXPIRING),
        _O.EXPIRING,
        "the shop gave it up, and money that still comes pays it",
    ),
    Transition(
        OrderEvent.NOTHING_LIVE,
        (_O.EXPIRING, _O.CANCELLING),
        _O.CLOSED,
        "no attempt of it can take money",
    ),
    Transition(
        AttemptEvent.PAGE_RECEIVED, (_A.CREATING,), _A.OPEN, "the provider answered with a page"
    ),
    Transition(
        AttemptEvent.REFUSED,
        (_A.CREATING,),
        _A.CLOSED,
        "the provider said no, and no trade exists under the number",
    ),
    Transition(
        AttemptEvent.CLOSE_WANTED,
        (_A.CREATING, _A.OPEN),
        _A.CLOSING,
        "another attempt won, the payer switched, or the order is expiring",
    ),
    Transition(
        AttemptEvent.TAKEN_BACK,
        (_A.CLOSING,),
        _A.OPEN,
        "the payer comes back; it could not be closed",
    ),
    Transition(
        AttemptEvent.PROVEN_DEAD,
        (_A.CREATING, _A.OPEN, _A.CLOSING),
        _A.CLOSED,
        "the provider says closed, or knows nothing when asked after expiry and grace; "
        "or an operator says so after the watch",
    ),
    Transition(
        AttemptEvent.WON,
        (_A.CREATING, _A.OPEN, _A.CLOSING, _A.CLOSED),
        _A.SUCCEEDED,
        "captured, and the order took it as its one payment",
    ),
    Transition(
        AttemptEvent.SURPLUS,
        (_A.CREATING, _A.OPEN, _A.CLOSING, _A.CLOSED),
        _A.REFUNDING,
        "captured, but the order has its payment or is closed: give it back",
    ),
    Transition(
        AttemptEvent.REFUND_CONFIRMED,
        (_A.REFUNDING, _A.REFUND_STUCK),
        _A.REFUNDED,
        "the provider confirms that the money went back",
    ),
    Transition(
        AttemptEvent.REFUND_DOUBTED,
        (_A.REFUNDED,),
        _A.REFUNDING,
        "the provider says that its refund failed after it was done",
    ),
    Transition(
        AttemptEvent.REFUND_FAILED,
        (_A.REFUNDING,),
        _A.REFUND_STUCK,
        "the provider refuses the refund for good: an operator must look",
    ),
    Transition(
        AttemptEvent.REFUND_RETRIED,
        (_A.REFUND_STUCK,),
        _A.REFUNDING,
        "an operator has the refund sent again, under its own number",
    ),
    Transition(RefundEvent.SENT, (_R.DUE,), _R.SENT, "written down just before the call"),
    Transition(
        RefundEvent.TRY_AGAIN, (_R.SENT,), _R.DUE, "no answer: the same number is sent again"
    ),
    Transition(
        RefundEvent.CONFIRMED,
        (_R.SENT, _R.DOUBTED, _R.STUCK),
        _R.DONE,
        "the provider confirms that the money went back",
    ),
    Transition(
        RefundEvent.DOUBTED,
        (_R.DONE,),
        _R.DOUBTED,
        "the provider says that it failed after it was done: it is asked after",
    ),
    Transition(
        RefundEvent.FAILED,
        (_R.SENT, _R.DOUBTED),
        _R.STUCK,
        "the provider refuses for good, or tries ran out",
    ),
    Transition(
        RefundEvent.RETRIED,
        (_R.STUCK,),
        _R.DUE,
        "an operator wants the same number sent again",
    ),
    Transition(
        RefundEvent.OVERTAKEN,
        (_R.SENT, _R.DOUBTED, _R.STUCK),
        _R.OVERTAKEN,
        "another hand gave the money back; nothing moved under this number",
    ),
)

_BY_EVENT: dict[TransitionEvent, Transition] = {row.event: row for row in TABLE}

ENDING = (OrderState.EXPIRING, OrderState.CANCELLING)
"""Orders that take no new attempt, and are CLOSED once nothing of them can take money."""

LIVE = (AttemptState.CREATING, AttemptState.OPEN, AttemptState.CLOSING)
"""Attempts that may still take money, as far as we know."""

KEPT = (AttemptState.OPEN, AttemptState.CLOSING)
"""Attempts whose page is kept: it is handed out, or may be taken back."""

PAYABLE = (AttemptState.CREATING, AttemptState.OPEN)
"""Attempts whose page may be handed out; one per order and fingerprint."""

CAPTURED = (
    AttemptState.SUCCEEDED,
    AttemptState.REFUNDING,
    AttemptState.REFUNDED,
    AttemptState.REFUND_STUCK,
)
"""Attempts that took money; a second success of theirs is no news."""

ENDED = (RefundState.DONE, RefundState.OVERTAKEN)
"""Refunds of which nothing more is awaited."""

UNDER_WAY = (RefundState.DUE, RefundState.SENT, RefundState.DOUBTED)
"""Refunds that a worker sends or asks after."""

ASKED_AFTER = (RefundState.SENT, RefundState.DOUBTED)
"""Refunds that a worker asks after."""


def transition(event: TransitionEvent) -> Transition:
    """Return the event's row of the table."""
    return _BY_EVENT[event]


def edges(
    rows: Iterable[Transition] = TABLE,
) -> Iterator[tuple[State, TransitionEvent, State]]:
    """Yield every edge of the three machines, or of the rows of one, in the table's order."""
    for row in rows:
        for source in row.sources:
            yield source, row.event, row.target
