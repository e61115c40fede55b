"""Mistakes in how a payer comes back to a page that was left, and could not be closed."""

from typing import Any

import pytest

from retender.domain.model.pay_result import PageReady
from retender.domain.steps.take_back import TakeBackPage
from retender.tests.contracts.store.samples import CAUSE


def beside_another(patch: pytest.MonkeyPatch) -> None:
    async def alone(self: TakeBackPage, order: Any, attempts: Any, request: Any) -> Any:
        now = self.clock()
        fitting = (a for a in attempts if request.fits_left(a, order.amount, now))
        left = next(fitting, None)
        if left is None:
            return None
        async with self.unit_of_work() as work:
            at = self.clock()
            held = await work.orders.hold_new(order.order_id, at)
            if not held or not await work.attempts.take_back(left.attempt_id, at=at, cause=CAUSE):
                return None
            attempt: Any = await work.attempts.get(left.attempt_id)
            await work.commit()
        return PageReady.stored(order, attempt, at)

    patch.setattr(TakeBackPage, "__call__", alone)


def from_an_order_that_is_over(patch: pytest.MonkeyPatch) -> None:
    async def unheld(self: TakeBackPage, order: Any, left: Any, request: Any) -> Any:
        del request
        async with self.unit_of_work() as work:
            at = self.clock()
            if not await work.attempts.take_back(left.attempt_id, at=at, cause=CAUSE):
                return None
            attempt: Any = await work.attempts.get(left.attempt_id)
            await work.commit()
        return PageReady.stored(order, attempt, at)

    patch.setattr(TakeBackPage, "_taken_back", unheld)
