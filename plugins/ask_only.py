"""AskOnly: the honest no's of a gateway that can make pages and be asked, and nothing else."""

from abc import abstractmethod
from datetime import date

from retender.domain.model.attempt import Charge
from retender.domain.model.errors import NoticeProblem, NoticeRejected, ProviderRefused, Refusal
from retender.domain.model.page import Opened
from retender.ports.payment_provider import (
    Acknowledgement,
    BillLine,
    Notice,
    PaymentProvider,
    ProviderTerms,
    RawNotice,
    Receipt,
    RefundOrder,
    RefundReceipt,
    RefundReceiptState,
)

_NOT_FOUND = 404


class AskOnly(PaymentProvider):
    """
    Inherit it and write ``terms``, ``open`` and ``query``; the rest says no until you replace it.

    A payment is then found by asking; a surplus waits for an operator, since nothing can be
    given back. Terms that fit: pages with ``ClosePower.NONE`` and ``notices_signed=False``.
    """

    @property
    @abstractmethod
    def terms(self) -> ProviderTerms:
        """What this account offers; constant."""

    @abstractmethod
    async def open(self, charge: Charge) -> Opened:
        """Ask for payment and return what to hand to the payer."""

    @abstractmethod
    async def query(self, charge: Charge) -> Receipt:
        """Ask what became of the charge; changes nothing."""

    async def close(self, charge: Charge) -> Receipt:
        """Close nothing, and say what is known."""
        return await self.query(charge)

    async def refund(self, order: RefundOrder) -> RefundReceipt:
        """Refuse: money goes back by hand."""
        raise ProviderRefused(
            Refusal.REJECTED,
            provider_code="NO_REFUNDS",
            provider_message=f"give {order.amount} back by hand",
        )

    async def query_refund(self, order: RefundOrder) -> RefundReceipt:
        """Know of no refund."""
        return RefundReceipt(number=order.number, state=RefundReceiptState.NOT_FOUND)

    async def parse_notice(self, raw: RawNotice) -> Notice:
        """Believe nothing."""
        message = f"This provider sends no notices, so the {len(raw.body)} bytes are not its own."
        raise NoticeRejected(NoticeProblem.UNSIGNED, message)

    def acknowledge(self, problem: NoticeRejected | None) -> Acknowledgement:
        """Say that there is nobody to hear, whatever the ``problem``."""
        del problem
        return Acknowledgement(_NOT_FOUND)

    async def fetch_bill(self, day: date) -> tuple[BillLine, ...]:
        """Refuse: there are no bills."""
        raise ProviderRefused(
            Refusal.REJECTED, provider_code="NO_BILLS", provider_message=f"of {day} or any day"
        )
