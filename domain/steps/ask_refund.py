"""Ask a provider after a refund: by our number, or by its own id where it goes by ids."""

from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import ProviderError, ProviderRefused, ProviderUncertain
from retender.domain.model.event import StoryKind
from retender.domain.model.refund import Refund
from retender.domain.steps.captured import facts_of, tell
from retender.ports.payment_provider import PaymentProvider, RefundOrder, RefundReceipt
from retender.ports.unit_of_work import Work


def order_of(refund: Refund, attempt: Attempt, notify_url: str) -> RefundOrder:
    """Return what a provider is told of a refund, whether it is to send it or is asked."""
    return RefundOrder(
        number=refund.number,
        charge_number=attempt.number,
        provider_trade_no=refund.trade_no or attempt.provider_trade_no,
        paid=refund.amount if refund.trade_no else attempt.charge.amount,
        amount=refund.amount,
        reason=refund.reason,
        notify_url=notify_url,
        reference=attempt.reference,
        order_no=attempt.charge.order_no,
        provider_refund_no=refund.provider_refund_no,
    )


def is_nameless(provider: PaymentProvider, order: RefundOrder) -> bool:
    """Tell whether its provider goes by ids of its own, and none of this refund is known."""
    return order.provider_refund_no is None and not provider.terms.refunds.asked_by_number


async def ask_refund(provider: PaymentProvider, order: RefundOrder) -> RefundReceipt:
    """
    Ask what became of a refund.

    Raises:
        ProviderError: no answer that proves anything; also if it cannot be asked after at all.

    """
    if is_nameless(provider, order):
        message = "It was not asked after: its provider's id of it was in an answer that was lost."
        raise ProviderUncertain(message)
    return await provider.query_refund(order)


async def tell_trouble(
    work: Work, refund: Refund, question: str, problem: ProviderError, *, at: datetime
) -> None:
    """Note in the story what the provider said instead of a receipt."""
    no = isinstance(problem, ProviderRefused)
    answer = "refused" if no else "no answer that proves anything"
    await tell(
        work,
        refund,
        at=at,
        what=f"{question} of {refund.refund_no}: {answer}",
        why=str(problem),
        kind=StoryKind.REFUND_ANSWER if no else StoryKind.REFUND_NO_ANSWER,
        facts={**facts_of(problem), "refund_no": refund.refund_no, "source": question},
    )
