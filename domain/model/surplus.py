"""Surplus: money above what is due, its evidence, and the refund that gives it back."""

from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund, RefundCause


@dataclass(frozen=True, slots=True)
class Surplus:
    """
    A captured payment that the order does not keep.

    It is no row of its own: it *is* the attempt that took the money together
    with its one automatic refund, so the two cannot drift apart.
    """

    attempt: Attempt
    refund: Refund

    @property
    def amount(self) -> Money:
        """All that was taken."""
        return self.attempt.charge.amount

    @property
    def cause(self) -> RefundCause:
        """Another attempt had won, or the order was closed."""
        return self.refund.cause


def surpluses(attempts: list[Attempt], refunds: list[Refund]) -> list[Surplus]:
    """Return the surpluses of one order, in the order of its attempts."""
    automatic = {refund.attempt_id: refund for refund in refunds if refund.is_automatic}
    return [Surplus(a, automatic[a.attempt_id]) for a in attempts if a.attempt_id in automatic]
