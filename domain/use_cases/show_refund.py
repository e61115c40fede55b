"""ShowRefund: how one refund stands."""

from dataclasses import dataclass

from retender.domain.model.refund import Refund
from retender.domain.model.refund_errors import RefundNotExist
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ShowRefund:
    """Show a refund; changes nothing, asks nobody."""

    unit_of_work: UnitOfWork

    async def __call__(self, *, refund_no: str) -> Refund:
        """Return the refund of this number, or raise ``RefundNotExist``."""
        refund = await self._load(refund_no)
        if refund is None:
            raise RefundNotExist(refund_no)
        return refund

    @retry_when_busy
    async def _load(self, refund_no: str) -> Refund | None:
        async with self.unit_of_work(read_only=True, once=True) as work:
            return await work.refunds.get(refund_no)
