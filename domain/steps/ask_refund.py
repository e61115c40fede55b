"""Ask a provider after a refund: by our number, or by its own id where it goes by ids."""

from contextlib import AbstractContextManager
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Cause, Reason, Source
from retender.domain.model.errors import ProviderError, ProviderRefused, ProviderUncertain
from retender.domain.model.named import named
from retender.domain.model.refund import Refund
from retender.domain.model.story_money import RefundNotAnswered, RefundRefused
from retender.domain.steps.tell import problem_of, tell
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


def named_refund(refund: Refund, order: RefundOrder) -> AbstractContextManager[None]:
    """Name what is worked on, for lines that are logged and errors that are raised."""
    return named(
        order_no=order.order_no,
        attempt_number=order.charge_number,
        refund_no=refund.refund_no,
        account=refund.account,
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


def cause_of(problem: ProviderError, then: ProviderError | None = None) -> Cause:
    """Return why a refund is where it is: what was said, and what the question after it brought."""
    no = isinstance(problem, ProviderRefused)
    words = problem.message if then is None else f"{problem.message} {then.message}"
    return Cause(reason=Reason.REFUSED if no else Reason.NOT_ANSWERED, words=words)


async def tell_trouble(
    work: Work, refund: Refund, question: Source, problem: ProviderError, *, at: datetime
) -> None:
    """Note in the story what the provider said instead of a receipt."""
    made = RefundRefused if isinstance(problem, ProviderRefused) else RefundNotAnswered
    trouble = made(refund_no=refund.refund_no, source=question, problem=problem_of(problem))
    await tell(work, refund, trouble, at=at)
