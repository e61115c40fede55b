"""CloseOrder: give an unpaid order up, and close its pages."""

import logging
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import PayOrderNotExist, PayOrderStateError, StoreError
from retender.domain.model.order import EndReason, Order
from retender.domain.model.transition import OrderEvent, OrderState
from retender.domain.use_cases.captured import retire_payable
from retender.domain.use_cases.end_order import end_if_nothing_live
from retender.domain.use_cases.redone import redone
from retender.domain.use_cases.repair import Repair
from retender.ports.accounts import Accounts
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.time_budget import NewTimeBudget
from retender.ports.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """
    Close an order on the payer's or the shop's wish.

    It is CLOSED when every page is dead for sure; until then EXPIRING, and the
    worker goes on. Money that comes meanwhile still pays it. The providers are
    asked side by side, and whoever does not answer in time is left to the worker.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: Clock
    new_id: NewId
    budget: NewTimeBudget

    async def __call__(self, *, order_no: str, user_id: str | None = None) -> Order:
        """
        Close the order, and return it as it is then; closing again goes on closing.

        Args:
            order_no: the shop's number.
            user_id: if given, the order must be this user's.

        Raises:
            PayOrderNotExist: no such order, or another user's.
            PayOrderStateError: it is paid, perhaps by a page that was just being closed.
            StoreError: only while it is not given up.

        """
        order, attempts = await self._give_up(order_no, user_id)
        repair = Repair(self.unit_of_work, self.accounts, self.clock, self.new_id, self.budget())
        try:
            await repair.close([attempt for attempt in attempts if attempt.is_live])
            order = await self._end(order_no)
        except StoreError as trouble:
            # It is given up, so "nothing was changed" would be untrue; the worker goes on.
            logger.warning("order %s: %s %s", order_no, trouble.code, trouble.message)
        if order.state is OrderState.PAID:
            raise PayOrderStateError(order_no, order.state, "it was paid, so it stays paid")
        return order

    @redone
    async def _end(self, order_no: str) -> Order:
        """Close the order now if nothing of it can take money."""
        async with self.unit_of_work() as work:
            order = await work.orders.get(order_no)
            if order is None:
                raise PayOrderNotExist(order_no)
            await end_if_nothing_live(work, order, at=self.clock(), new_id=self.new_id)
            order = await work.orders.get(order_no) or order
            await work.commit()
        return order

    @redone
    async def _give_up(self, order_no: str, user_id: str | None) -> tuple[Order, list[Attempt]]:
        """Write the wish down: no new page, and the old ones are to be closed."""
        async with self.unit_of_work() as work:
            order = await work.orders.get(order_no)
            if order is None or user_id not in {None, order.user_id}:
                raise PayOrderNotExist(order_no)
            if order.state is OrderState.PAID:
                raise PayOrderStateError(order_no, order.state, "it was paid, so it stays paid")
            now = self.clock()
            why = "closed on request"
            if await work.orders.move(
                order.order_id,
                OrderEvent.CANCELLED,
                at=now,
                why=why,
                end_reason=EndReason.CANCELLED,
            ):
                await retire_payable(work, order.order_id, at=now, why=why)
            attempts = await work.attempts.of_order(order.order_id)
            order = await work.orders.get(order_no) or order
            await work.commit()
        return order, list(attempts)
