"""Money in question: a provider says that it took money, and not as it was asked for."""

from retender.domain.model.attempt_errors import PaymentInQuestion
from retender.domain.model.attention import About, AttentionCode
from retender.domain.model.order import Order
from retender.ports.unit_of_work import Work


async def account_in_question(work: Work, order: Order) -> str | None:
    """
    Return the account that took money otherwise than asked, while a human is called for it.

    The books say it, and not an answer of this moment: nobody may answer, and once a human
    has looked and ended the call, the payer may go on.
    """
    calls = await work.attention.open_of(order.order_no)
    told = (
        call.account
        for call in calls
        if call.code is AttentionCode.AMOUNT_MISMATCH and call.about is About.ATTEMPT
    )
    return next(told, None)


def refuse_in_question(order: Order, account: str | None) -> None:
    """
    Let nobody pay again who may have paid.

    Raises:
        PaymentInQuestion: names whose word it is.

    """
    if account is not None:
        raise PaymentInQuestion(order.order_no, account)
