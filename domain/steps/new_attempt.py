"""What the story says of a new attempt: what is asked for, and why no earlier page would do."""

from collections.abc import Sequence
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.page import Opened
from retender.domain.model.story_pages import (
    AttemptMade,
    EarlierAttempt,
    PageHandedOut,
    PageNotReused,
)
from retender.domain.steps.pay_request import PayRequest
from retender.domain.steps.tell import tell
from retender.ports.payment_provider import PageTerms
from retender.ports.unit_of_work import Work

_EXPLAINED = 8
"""Of so many of the last attempts the story says why they do not serve a new request."""


async def tell_made(work: Work, attempt: Attempt, request: PayRequest) -> None:
    """Say in the story what the attempt is, and what will be asked for."""
    made = AttemptMade(
        idx=attempt.idx,
        state=attempt.state,
        account=attempt.account,
        client_type=request.client.code,
        page_kind=request.terms.kind,
        product=request.terms.product,
        number=attempt.number,
        expires_at=attempt.charge.expires_at,
        watch_until=attempt.watch_until,
    )
    await tell(work, attempt, made, at=attempt.charge.created_at)


async def tell_why_new(
    work: Work, attempt: Attempt, earlier: Sequence[Attempt], request: PayRequest
) -> None:
    """Say of the earlier attempts, as they were found, why none of them served the request."""
    at = attempt.charge.created_at
    explained = tuple(
        EarlierAttempt(idx=other.idx, misfits=request.misfits(other, attempt.charge.amount, at))
        for other in earlier[-_EXPLAINED:]
    )
    if explained:
        await tell(work, attempt, PageNotReused(idx=attempt.idx, earlier=explained), at=at)


async def tell_handed_out(
    work: Work,
    attempt: Attempt,
    terms: PageTerms,
    opened: Opened,
    until: datetime,
    *,
    at: datetime,
    place: int | None = None,
) -> None:
    """Say that the payer has a page, and until when it works."""
    handed_out = PageHandedOut(
        account=attempt.account,
        page_kind=opened.page.kind,
        product=terms.product,
        page_until=until,
        reference=opened.reference,
    )
    await tell(work, attempt, handed_out, at=at, place=place)
