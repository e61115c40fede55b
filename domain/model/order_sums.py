"""OrderSums: how much of an order's money was taken, went back, and is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from retender.domain.model.attempt import Attempt
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.refund import Refund
from retender.domain.model.transition import CAPTURED, ENDED, RefundState


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSums:
    """
    What an order's rows add up to.

    Attributes:
        taken: all that providers took, however often.
        given_back: what went back for sure.
        going_back: what is on its way back, or stuck on it; still part of what is kept.

    """

    taken: Money
    given_back: Money
    going_back: Money

    @property
    def kept(self) -> Money:
        """What we hold now, with what is still going back."""
        return kept_of(self.taken, self.given_back)

    @classmethod
    def of(
        cls,
        order: Order,
        attempts: Iterable[Attempt],
        refunds: Sequence[Refund],
        captures: Iterable[FurtherCapture],
    ) -> Self:
        """Add up the rows of one order."""
        taken = [attempt.charge.amount for attempt in attempts if attempt.state in CAPTURED]
        taken += [capture.amount for capture in captures]
        nothing = Money(0, order.amount.currency)
        return cls(
            taken=sum(taken, nothing),
            given_back=sum((r.amount for r in refunds if r.state is RefundState.DONE), nothing),
            going_back=sum((r.amount for r in refunds if r.state not in ENDED), nothing),
        )


def kept_of(taken: Money, given_back: Money) -> Money:
    """
    Return what is kept of what was taken.

    Nothing, where more went back than was taken: another hand's refund may be heard of
    before the payment that it gives back.
    """
    return Money(max(0, taken.minor - given_back.minor), taken.currency)
