"""ShowRefund: how one refund stands."""

from dataclasses import dataclass

from retender.domain.model.refund import Refund
from retender.domain.model.refund_errors import RefundNotExist
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ShowRefund:
    """Show a refund; changes nothing, asks nobody."""

    unit_of_work: UnitOfWork

    async def __call__(self, *, refund_no: str) -> Refund:
        """Return the refund of this number, or raise ``RefundNotExist``."""
        async with self.unit_of_work(read_only=True) as work:
            refund = await work.refunds.get(refund_no)
        if refund is None:
            raise RefundNotExist(refund_no)
        return refund
