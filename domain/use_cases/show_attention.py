"""ShowAttention: one attention item with all the evidence, and the ways to end it."""

from contextlib import suppress
from dataclasses import dataclass

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionItem
from retender.domain.model.attention_errors import AttentionNotExist
from retender.domain.model.event import Event
from retender.domain.model.order_story import OrderStory
from retender.domain.model.refund import Refund
from retender.domain.model.resolutions import Option, options_of
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.use_cases.explain_order import ExplainOrder
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCase:
    """
    All that a human needs in order to decide.

    Attributes:
        item: what waits, or waited.
        story: the order with everything that was asked, said and done; None for
            what is not ours.
        attempt: what the attention item is about, if it is about an attempt.
        refund: the same, if it is about a refund.
        event: the same, if it is about an event.
        options: the ways to end it; none once it has ended.

    """

    item: AttentionItem
    story: OrderStory | None = None
    attempt: Attempt | None = None
    refund: Refund | None = None
    event: Event | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowAttention:
    """Show one attention item; changes nothing, and asks no provider."""

    unit_of_work: UnitOfWork
    clock: Clock

    async def __call__(self, *, attention_id: str) -> AttentionCase:
        """
        Return the attention item with its evidence.

        Raises:
            AttentionNotExist: no such id.

        """
        async with self.unit_of_work(read_only=True) as work:
            item = await work.attention.get(attention_id)
        if item is None:
            raise AttentionNotExist(attention_id)
        story = None
        if item.order_no is not None:
            with suppress(RowUnreadable):  # the call must be shown all the same
                story = await ExplainOrder(self.unit_of_work)(order_no=item.order_no)
        attempt, refund, event = _subject(item, story)
        now = self.clock()
        return AttentionCase(
            item=item,
            story=story,
            attempt=attempt,
            refund=refund,
            event=event,
            options=options_of(item, attempt=attempt, refund=refund, now=now),
        )


def _subject(
    item: AttentionItem, story: OrderStory | None
) -> tuple[Attempt | None, Refund | None, Event | None]:
    """Find what the attention item is about among what belongs to the order."""
    if story is None:
        return None, None, None
    its, about = item.subject, item.about
    attempts = (a for a in story.attempts if about is About.ATTEMPT and a.attempt_id == its)
    refunds = (r for r in story.refunds if about is About.REFUND and r.refund_no == its)
    events = (e for e in story.events if about is About.EVENT and e.event_id == its)
    return next(attempts, None), next(refunds, None), next(events, None)
