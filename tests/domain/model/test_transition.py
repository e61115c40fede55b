"""The state table is the protocol's, and nothing beside it is allowed."""

from typing import Any

from retender.domain.model.transition import (
    CAPTURED,
    LIVE,
    TABLE,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    RefundEvent,
    RefundState,
    edges,
    transition,
)

# Written out by hand from the protocol, so that a slip in the table is seen here.
PROTOCOL = {
    ("NEW", "captured", "PAID"),
    ("EXPIRING", "captured", "PAID"),
    ("NEW", "deadline passed", "EXPIRING"),
    ("NEW", "cancelled", "CANCELLING"),
    ("EXPIRING", "cancelled", "CANCELLING"),
    ("NEW", "given up", "EXPIRING"),
    ("EXPIRING", "given up", "EXPIRING"),
    ("EXPIRING", "nothing live", "CLOSED"),
    ("CANCELLING", "nothing live", "CLOSED"),
    ("CREATING", "page received", "OPEN"),
    ("CREATING", "refused for good", "CLOSED"),
    ("CREATING", "close wanted", "CLOSING"),
    ("OPEN", "close wanted", "CLOSING"),
    ("CREATING", "proven dead", "CLOSED"),
    ("OPEN", "proven dead", "CLOSED"),
    ("CLOSING", "proven dead", "CLOSED"),
    ("CREATING", "captured, won", "SUCCEEDED"),
    ("OPEN", "captured, won", "SUCCEEDED"),
    ("CLOSING", "captured, won", "SUCCEEDED"),
    ("CLOSED", "captured, won", "SUCCEEDED"),
    ("CREATING", "captured, surplus", "REFUNDING"),
    ("OPEN", "captured, surplus", "REFUNDING"),
    ("CLOSING", "captured, surplus", "REFUNDING"),
    ("CLOSED", "captured, surplus", "REFUNDING"),
    ("REFUNDING", "refund confirmed", "REFUNDED"),
    ("REFUND_STUCK", "refund confirmed", "REFUNDED"),
    ("REFUNDING", "refund failed", "REFUND_STUCK"),
    ("CLOSING", "taken back", "OPEN"),  # revision 2, rule 11
    ("DUE", "sent", "SENT"),
    ("SENT", "to be tried again", "DUE"),
    ("SENT", "confirmed", "DONE"),
    ("STUCK", "confirmed", "DONE"),
    ("SENT", "failed for good", "STUCK"),
    # An operator's: beyond the protocol, and under the same number as ever.
    ("STUCK", "retried", "DUE"),
    ("SENT", "overtaken", "OVERTAKEN"),
    ("STUCK", "overtaken", "OVERTAKEN"),
    # A refund that failed after it was done is asked after, and was done until that is known.
    ("DONE", "doubted", "DOUBTED"),
    ("DOUBTED", "confirmed", "DONE"),
    ("DOUBTED", "failed for good", "STUCK"),
    ("DOUBTED", "overtaken", "OVERTAKEN"),
    ("REFUNDED", "refund doubted", "REFUNDING"),
    ("REFUND_STUCK", "refund retried", "REFUNDING"),
}

MACHINES: list[tuple[type[Any], type[Any]]] = [
    (OrderState, OrderEvent),
    (AttemptState, AttemptEvent),
    (RefundState, RefundEvent),
]


def test_the_table_has_the_protocols_edges_and_no_others():
    assert {(str(s), str(e), str(t)) for s, e, t in edges()} == PROTOCOL


def test_every_event_has_exactly_one_row_of_one_machine():
    for states, events in MACHINES:
        for event in events:
            row = transition(event)
            assert all(isinstance(state, states) for state in (*row.sources, row.target))
    assert len({row.event for row in TABLE}) == len(TABLE)


def test_final_states_have_no_way_out():
    # States of different machines may share a name, so they are compared with their type.
    ways_out = {(type(source), source) for source, _, _ in edges()}
    final = [OrderState.PAID, OrderState.CLOSED, AttemptState.SUCCEEDED, RefundState.OVERTAKEN]
    assert not ways_out & {(type(state), state) for state in final}


def test_money_may_come_in_every_state_that_has_not_taken_any():
    assert set(transition(AttemptEvent.WON).sources) == {*LIVE, AttemptState.CLOSED}
    assert set(transition(AttemptEvent.SURPLUS).sources) == {*LIVE, AttemptState.CLOSED}
    assert {*LIVE, AttemptState.CLOSED, *CAPTURED} == set(AttemptState)
