"""What the story says of a new attempt: what is asked for, and why no earlier page would do."""

from collections.abc import Sequence

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import StoryKind
from retender.domain.use_cases.captured import tell
from retender.domain.use_cases.wish import Wish
from retender.ports.unit_of_work import Work

_EXPLAINED = 8
"""Of so many of the last attempts the story says why they do not serve a new wish."""


async def tell_made(work: Work, attempt: Attempt, wish: Wish) -> None:
    """Say in the story what the attempt is, and what will be asked for."""
    upstream = attempt.charge.expires_at.isoformat()
    await tell(
        work,
        attempt,
        at=attempt.charge.created_at,
        what=f"attempt {attempt.idx} CREATING: {wish.account.name}, {wish.client.code}",
        why=f"{wish.terms.product} under {attempt.number}, upstream {upstream}",
        kind=StoryKind.ATTEMPT_MADE,
        facts={
            "account": attempt.account,
            "client_type": wish.client.code,
            "page_kind": wish.terms.kind,
            "product": wish.terms.product,
            "number": attempt.number,
            "expires_at": upstream,
            "watch_until": attempt.watch_until.isoformat(),
        },
    )


async def tell_why_new(
    work: Work, attempt: Attempt, earlier: Sequence[Attempt], wish: Wish
) -> None:
    """Say of the earlier attempts, as they were found, why none of them served the wish."""
    at = attempt.charge.created_at
    reasons = {
        other.idx: wish.misfits(other, attempt.charge.amount, at) for other in earlier[-_EXPLAINED:]
    }
    if reasons:
        await tell(
            work,
            attempt,
            at=at,
            what=f"attempt {attempt.idx} is new: no earlier page serves this wish",
            why="; ".join(
                f"#{idx}: {', '.join(misfit.words for misfit in misfits)}"
                for idx, misfits in reasons.items()
            ),
            kind=StoryKind.PAGE_NOT_REUSED,
            facts={f"attempt_{idx}": " ".join(found) for idx, found in reasons.items()},
        )
