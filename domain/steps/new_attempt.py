"""What the story says of a new attempt: what is asked for, and why no earlier page would do."""

from collections.abc import Sequence
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import StoryKind
from retender.domain.model.page import Opened
from retender.domain.steps.captured import tell
from retender.domain.steps.pay_request import PayRequest
from retender.ports.payment_provider import PageTerms
from retender.ports.unit_of_work import Work

_EXPLAINED = 8
"""Of so many of the last attempts the story says why they do not serve a new request."""


async def tell_made(work: Work, attempt: Attempt, request: PayRequest) -> None:
    """Say in the story what the attempt is, and what will be asked for."""
    upstream = attempt.charge.expires_at.isoformat()
    way = f"{request.account.name}, {request.client.code}"
    await tell(
        work,
        attempt,
        at=attempt.charge.created_at,
        what=f"attempt {attempt.idx} {attempt.state}: {way}",
        why=f"{request.terms.product} under {attempt.number}, upstream {upstream}",
        kind=StoryKind.ATTEMPT_MADE,
        facts={
            "account": attempt.account,
            "client_type": request.client.code,
            "page_kind": request.terms.kind,
            "product": request.terms.product,
            "number": attempt.number,
            "expires_at": upstream,
            "watch_until": attempt.watch_until.isoformat(),
        },
    )


async def tell_why_new(
    work: Work, attempt: Attempt, earlier: Sequence[Attempt], request: PayRequest
) -> None:
    """Say of the earlier attempts, as they were found, why none of them served the request."""
    at = attempt.charge.created_at
    reasons = {
        other.idx: request.misfits(other, attempt.charge.amount, at)
        for other in earlier[-_EXPLAINED:]
    }
    if reasons:
        await tell(
            work,
            attempt,
            at=at,
            what=f"attempt {attempt.idx} is new: no earlier page serves this request",
            why="; ".join(
                f"#{idx}: {', '.join(misfit.words for misfit in misfits)}"
                for idx, misfits in reasons.items()
            ),
            kind=StoryKind.PAGE_NOT_REUSED,
            facts={f"attempt_{idx}": " ".join(found) for idx, found in reasons.items()},
        )


async def tell_handed_out(
    work: Work,
    attempt: Attempt,
    terms: PageTerms,
    opened: Opened,
    until: datetime,
    *,
    at: datetime,
) -> None:
    """Say that the payer has a page, and until when it works."""
    await tell(
        work,
        attempt,
        at=at,
        what=f"{opened.page.kind} page of {attempt.account} handed out",
        why=f"{terms.product}, works until {until.isoformat()}",
        kind=StoryKind.PAGE_HANDED_OUT,
        facts=facts_of_page(attempt, terms, opened, until),
    )


def facts_of_page(
    attempt: Attempt, terms: PageTerms, opened: Opened, until: datetime
) -> dict[str, object]:
    """Return what a line about a page says, for machines."""
    return {
        "account": attempt.account,
        "page_kind": opened.page.kind,
        "product": terms.product,
        "page_until": until.isoformat(),
        "reference": opened.reference,
    }
