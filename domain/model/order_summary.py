"""OrderSummary: what an order's story comes to: who won, what is kept, and what is still open."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retender.domain.model.attempt import Attempt
from retender.domain.model.backlog import OPEN_ORDERS
from retender.domain.model.money import Money
from retender.domain.model.order_story import OrderStory
from retender.domain.model.order_sums import kept_of
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import Refund
from retender.domain.model.story import Fact, StoryEntry
from retender.domain.model.story_money import NoticeHeard, ProviderAnswered
from retender.domain.model.transition import CAPTURED, ENDED, AttemptState, OrderState, RefundState


class EndOf(StrEnum):
    """Whose end is awaited; part of the API."""

    ORDER = "order"
    ATTEMPT = "attempt"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEnd:
    """
    Something that has not come to its end.

    Attributes:
        of: an order, an attempt or a refund.
        state: where it stands.
        attempt: the attempt, or the one whose money goes back.
        refund: the refund, if it is one.
        look_at: when the worker looks at it next; None: with the others of its
            order, or, for a STUCK refund, when an operator does.
        until: until when it may be paid, as far as we know.

    """

    of: EndOf
    state: OrderState | AttemptState | RefundState
    attempt: Attempt | None = None
    refund: Refund | None = None
    look_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSummary:
    """
    What a story comes to, reckoned from what is written down and nothing else.

    Attributes:
        winner: the attempt that paid the order.
        evidence: the answer or notice that made it the winner.
        taken: all that providers took, however often.
        given_back: what went back for sure.
        going_back: what is on its way back, or stuck on it.
        open_ends: what may still change; none at rest.

    """

    winner: Attempt | None
    evidence: StoryEntry | None
    taken: Money
    given_back: Money
    going_back: Money
    open_ends: tuple[OpenEnd, ...]

    @property
    def kept(self) -> Money:
        """What we hold now, with what is still going back."""
        return kept_of(self.taken, self.given_back)

    @classmethod
    def of(cls, story: OrderStory) -> "OrderSummary":
        """Reckon it."""
        order = story.order
        nothing = Money(0, order.amount.currency)
        done = [refund for refund in story.refunds if refund.state is RefundState.DONE]
        going = [refund for refund in story.refunds if refund.state not in ENDED]
        taken = [a.charge.amount for a in story.attempts if a.state in CAPTURED]
        taken += [capture.amount for capture in story.captures]
        return cls(
            winner=next((a for a in story.attempts if a.attempt_id == order.winner), None),
            evidence=_evidence(story),
            taken=sum(taken, nothing),
            given_back=sum((refund.amount for refund in done), nothing),
            going_back=sum((refund.amount for refund in going), nothing),
            open_ends=tuple(_open_ends(story)),
        )


def _evidence(story: OrderStory) -> StoryEntry | None:
    """Return the word that was believed."""
    return next((entry for entry in story.entries if _won(entry.fact)), None)


def _won(fact: Fact) -> bool:
    return isinstance(fact, ProviderAnswered | NoticeHeard) and fact.outcome is Outcome.WON


def _open_ends(story: OrderStory) -> Iterable[OpenEnd]:
    order = story.order
    if order.state in OPEN_ORDERS:
        new = order.state is OrderState.NEW
        until = order.shown_until if new else None
        yield OpenEnd(of=EndOf.ORDER, state=order.state, look_at=until, until=until)
    for attempt in story.attempts:
        if attempt.is_live:
            yield OpenEnd(
                of=EndOf.ATTEMPT,
                state=attempt.state,
                attempt=attempt,
                look_at=attempt.next_check_at,
                until=attempt.watch_until,
            )
    attempts = {attempt.attempt_id: attempt for attempt in story.attempts}
    for refund in story.refunds:
        if refund.state not in ENDED:
            yield OpenEnd(
                of=EndOf.REFUND,
                state=refund.state,
                attempt=attempts[refund.attempt_id],
                refund=refund,
                look_at=refund.next_try_at,
            )
