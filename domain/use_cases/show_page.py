"""ShowPage: the page that an attempt was handed, for a browser to open."""

from dataclasses import dataclass

from retender.domain.model.deadline import check_in_time
from retender.domain.model.errors import (
    AccountDrained,
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
)
from retender.domain.model.pay_result import PageReady
from retender.domain.model.transition import OrderState
from retender.ports.accounts import Accounts
from retender.ports.clock import Clock
from retender.ports.pay_policy import PayPolicy
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ShowPage:
    """Show a stored page while it is good; asks nobody for a new one."""

    unit_of_work: UnitOfWork
    clock: Clock
    policy: PayPolicy
    accounts: Accounts

    async def __call__(self, *, attempt_id: str) -> PageReady:
        """
        Return the attempt's page.

        Raises:
            PayOrderNotExist: no such attempt.
            AccountDrained: the page's account takes no new payments.
            PayOrderStateError: the order, or this attempt, takes no payment any more.
            PayOrderPayTimeout: the order's or the page's time is over; press pay again.

        """
        async with self.unit_of_work(read_only=True) as work:
            attempt = await work.attempts.get(attempt_id)
            order = None if attempt is None else await work.orders.by_id(attempt.order_id)
        if attempt is None or order is None:
            raise PayOrderNotExist(attempt_id)
        now = self.clock()
        if order.state is not OrderState.NEW:
            raise PayOrderStateError(order.order_no, order.state)
        check_in_time(order.shown_until, now, self.policy.deadlines)
        if not attempt.is_payable:
            message = "this page was left for another one"
            raise PayOrderStateError(order.order_no, attempt.state, message)
        if any(each.drained and each.name == attempt.account for each in self.accounts.all()):
            raise AccountDrained(attempt.account)
        ready = PageReady.stored(order, attempt, now)
        if ready is None:
            message = f"This page of order {order.order_no} works no longer; press pay again."
            raise PayOrderPayTimeout(message, reason="page")
        return ready
