"""RefreshAttempts: before a command acts, ask what became of the attempts it depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import UnknownName
from retender.domain.steps.inquire import Inquire
from retender.ports.accounts import Accounts
from retender.ports.new_id import NewId
from retender.ports.payment_provider import PaymentProvider, Receipt
from retender.ports.time_budget import TimeBudget
from retender.ports.unit_of_work import UnitOfWork
from retender.ports.watched_clock import WatchedClock


@dataclass(frozen=True, slots=True)
class RefreshAttempts:
    """
    Refresh before act: ask after several attempts side by side, within one time budget.

    What does not answer in time stays unknown, and unknown is never no: whoever
    acts then decides by policy, and the worker asks again.
    """

    unit_of_work: UnitOfWork
    accounts: Accounts
    clock: WatchedClock
    new_id: NewId
    budget: TimeBudget

    async def ask(self, attempts: Sequence[Attempt]) -> Sequence[Receipt | None]:
        """Query each and settle what it proves; in order, None where nobody answered."""
        return await self.budget.side_by_side(self._ask, attempts)

    async def close(self, attempts: Sequence[Attempt]) -> Sequence[Receipt | None]:
        """Close each, and confirm what that did not prove; the request must be written down."""
        return await self.budget.side_by_side(self._close, attempts)

    async def _ask(self, attempt: Attempt) -> Receipt | None:
        provider = self._provider_of(attempt)
        return None if provider is None else await self._inquire.ask(provider, attempt)

    async def _close(self, attempt: Attempt) -> Receipt | None:
        provider = self._provider_of(attempt)
        return None if provider is None else await self._inquire.close(provider, attempt)

    @property
    def _inquire(self) -> Inquire:
        return Inquire(self.unit_of_work, self.clock, self.new_id, self.budget)

    def _provider_of(self, attempt: Attempt) -> PaymentProvider | None:
        try:
            return self.accounts.get(attempt.account).provider
        except UnknownName:
            return None  # configured no more: the worker tells, and watches it to its end
