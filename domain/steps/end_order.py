"""``end_if_nothing_live``: the one way to CLOSED."""

from datetime import datetime

from retender.domain.model.cause import Cause, Reason
from retender.domain.model.event import Event, EventKind
from retender.domain.model.order import Order
from retender.domain.model.transition import ENDING, OrderEvent
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import Work


async def end_if_nothing_live(work: Work, order: Order, *, at: datetime, new_id: NewId) -> bool:
    """
    Close an order that is ending, none of whose attempts can take money, and tell the shop.

    No attempt is ever added to an order that is not NEW, so "nothing live" stays
    true once seen. Closing earlier would refund a payment made in time
    (protocol, ablation A9).
    """
    attempts = await work.attempts.of_order(order.order_id)
    if order.state not in ENDING or any(a.is_live for a in attempts):
        return False
    cause = Cause(reason=Reason.NOTHING_LIVE)
    closed = await work.orders.move(order.order_id, OrderEvent.NOTHING_LIVE, at=at, cause=cause)
    if closed:
        await work.outbox.add(
            Event(
                event_id=new_id(),
                kind=EventKind.ORDER_CLOSED,
                subject=order.order_id,
                order_no=order.order_no,
                at=at,
                data={"reason": str(order.end_reason or "")},
            )
        )
    return closed
