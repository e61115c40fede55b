"""A page that its plugin makes without a call is written down together with its attempt."""

from dataclasses import replace
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import ProviderError, ProviderRefused, ProviderUnavailable
from retender.domain.model.order import Order
from retender.domain.model.transition import AttemptState
from retender.domain.steps.open_page import failed, page_of
from retender.domain.steps.pay_request import PayRequest
from retender.ports.pay_policy import PayPolicy
from retender.ports.time_budget import TimeBudget


async def with_page(
    attempt: Attempt,
    order: Order,
    request: PayRequest,
    *,
    policy: PayPolicy,
    budget: TimeBudget,
    now: datetime,
) -> Attempt:
    """
    Return the attempt OPEN with its page; nothing is sent, and nothing is written down yet.

    So no answer can be lost: there is a page and an attempt, or neither (protocol,
    revision 2, rule 12).

    Raises:
        PayOrderFail: the plugin said no.
        ProviderUnavailable: it made none in its time, or for a reason that is none.

    """
    try:
        opened = await page_of(attempt, request.account, policy, budget)
    except ProviderRefused as refused:
        raise failed(order, request.account, refused) from refused
    except ProviderError as trouble:
        message = f"{request.account.title} made no page: {trouble.message}"
        raise ProviderUnavailable(message) from trouble
    until = request.terms.page_until(attempt.charge.expires_at, now)
    return replace(
        attempt,
        state=AttemptState.OPEN,
        charge=replace(attempt.charge, reference=opened.reference),
        page=opened.page,
        page_until=until,
        opened_at=now,
    )
