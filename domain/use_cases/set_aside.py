"""SetAside: put off what depends on a row that cannot be read, and call a human for it."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from retender.domain.model.attention import About, AttentionCode, AttentionItem
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import StoryEntry
from retender.domain.steps.open_attention import opened_line
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork, Work

logger = logging.getLogger(__name__)

SET_ASIDE_FOR = timedelta(minutes=15)
"""Then it is looked at again: somebody may have mended the row."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """
    Let one piece of work wait for a human, so that what stands behind it goes on.

    Nothing is guessed and nothing of it is changed but the time of its next look. An order has
    no such time: it is left alone while the call is open. Calling again for what waits adds
    nothing. A human ends the call, once the row is mended: its state, too, may be what is wrong.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    new_id: NewId

    async def __call__(
        self,
        unreadable: RowUnreadable,
        about: About,
        subject: str,
        *,
        held_until: datetime | None = None,
    ) -> None:
        """
        Set it aside.

        Args:
            unreadable: which row stands in the way, and what is wrong with it.
            about: what kind of thing the work is about.
            subject: its attempt id, refund number, event id or order id.
            held_until: the token of the lease under which it is done, if there is one.

        """
        logger.error("%s %s is set aside: %s", about, subject, unreadable.message)
        await self._noted(unreadable, about, subject, held_until)

    @retry_when_busy
    async def _noted(
        self, unreadable: RowUnreadable, about: About, subject: str, held_until: datetime | None
    ) -> None:
        async with self.unit_of_work() as work:
            now = self.clock()
            if held_until is not None:
                await _put_off(work, about, subject, now + SET_ASIDE_FOR, held_until)
            order_id, order_no = await _order_of(work, unreadable)
            item = AttentionItem(
                attention_id=self.new_id(),
                code=AttentionCode.ROW_UNREADABLE,
                account=unreadable.facts.get("account", ""),
                number=unreadable.facts.get("number", ""),
                at=now,
                source="a stored row cannot be read",
                data={"row": unreadable.what, "key": unreadable.key, "problem": unreadable.why},
                about=about,
                subject=subject,
                order_no=order_no,
            )
            if await work.attention.add(item) and order_id is not None:
                await work.story.add(_line(item, order_id))
            await work.commit()


async def _put_off(
    work: Work, about: About, subject: str, until: datetime, held_until: datetime
) -> None:
    if about is About.ATTEMPT:
        await work.attempts.reschedule(subject, until, held_until=held_until)
    elif about is About.REFUND:
        await work.refunds.put_off(subject, until, held_until=held_until)
    elif about is About.EVENT:
        await work.outbox.put_off(subject, until, held_until=held_until)


async def _order_of(work: Work, unreadable: RowUnreadable) -> tuple[str | None, str | None]:
    """Find whose order it is; the order's own row may be the one that cannot be read."""
    order_id = unreadable.facts.get("order_id")
    order_no = unreadable.facts.get("order_no")
    try:
        if order_no is not None:
            order = await work.orders.get(order_no)
        else:
            order = None if order_id is None else await work.orders.by_id(order_id)
    except RowUnreadable as also:
        return also.facts.get("order_id"), also.facts.get("order_no")
    return (order_id, order_no) if order is None else (order.order_id, order.order_no)


def _line(item: AttentionItem, order_id: str) -> StoryEntry:
    return StoryEntry(
        order_id=order_id,
        attempt_id=item.subject if item.about is About.ATTEMPT else None,
        at=item.at,
        fact=opened_line(item),
    )
