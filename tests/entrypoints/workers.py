"""A real worker over the use cases of a shop of the tests."""

from datetime import timedelta
from typing import Any

from retender.domain.use_cases.peek_due_work import PeekDueWork
from retender.entrypoints.worker import Worker
from retender.tests.domain.shop import Shop


async def nothing(**_: object) -> None:
    """Do nothing."""


def worker_of(shop: Shop, **instead: Any) -> Worker:
    """Return a worker that does all that is due; use cases can be given instead of the shop's."""
    return Worker(
        **{
            "expire_orders": shop.expire_orders,
            "peek_due_work": PeekDueWork(shop.unit_of_work, shop.clock),
            "find_due_work": shop.find_due_work,
            "check_attempt": shop.check_attempt,
            "check_refund": shop.check_refund,
            "announce_events": shop.announce_events,
            "escalate": nothing,
            "set_aside": shop.set_aside,
            **instead,
        },
        accounts=shop.accounts,
        allowed=lambda _account, wanted: wanted,
        interval=timedelta(seconds=1),
        batch=20,
        stop_within=timedelta(seconds=1),
        random=lambda: 0.5,
    )
