"""``tell``: add a line of typed facts to an order's story; nothing is worded here."""

from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.cause import Problem
from retender.domain.model.errors import RetenderError
from retender.domain.model.refund import Refund
from retender.domain.model.story import Fact, StoryEntry
from retender.domain.model.story_money import Answer
from retender.ports.payment_provider import Receipt
from retender.ports.unit_of_work import Work


async def tell(
    work: Work, subject: Attempt | Refund, fact: Fact, *, at: datetime, place: int | None = None
) -> None:
    """
    Add a line about an attempt, or about its refund, to the order's story.

    A line that is the cause of others stands before them: at ``place``, see ``Story``.
    """
    await work.story.add(line_about(subject, fact, at=at), place=place)


def line_about(subject: Attempt | Refund, fact: Fact, *, at: datetime) -> StoryEntry:
    """Return the line that ``tell`` adds."""
    return StoryEntry(order_id=subject.order_id, attempt_id=subject.attempt_id, at=at, fact=fact)


def problem_of(error: RetenderError) -> Problem:
    """Return what an error says; a provider's own code is among the details."""
    details = {
        name: " ".join(map(str, fact)) if isinstance(fact, list) else str(fact)
        for name, fact in error.details.items()
    }
    return Problem(code=error.code, message=error.message, details=details)


def answer_of(receipt: Receipt) -> Answer:
    """Return what a receipt says."""
    return Answer(
        state=receipt.state,
        number=receipt.number,
        reference=receipt.reference,
        amount=receipt.amount,
        provider_trade_no=receipt.provider_trade_no,
        captured_at=receipt.captured_at,
        foreign=receipt.foreign,
    )
