"""ResolveAttention: end an attention item as a human decided, with a reason that stays."""

from dataclasses import dataclass
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem, Ending, Resolution
from retender.domain.model.attention_errors import (
    AttentionEnded,
    AttentionNotExist,
    ResolutionRefused,
)
from retender.domain.model.cause import Cause, Reason
from retender.domain.model.money import Money
from retender.domain.model.refund import Refund
from retender.domain.model.refund_errors import RefundExceedsPaid
from retender.domain.model.resolutions import Option, options_of
from retender.domain.model.text import check_text
from retender.domain.model.transition import AttemptEvent, RefundEvent
from retender.domain.steps.open_attention import end_attention
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.domain.steps.settle_refund import confirm_refund
from retender.ports.clock import Clock
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import UnitOfWork, Work

REASON_MAX = 500
"""Characters of a reason: enough for a ticket's number and a sentence or two."""

BY_MAX = 64
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class ResolveAttention:
    """
    Believe a human, change what the decision changes, and write down who and why.

    All in one transaction: of two who decide at once, one is told that it has
    ended already. A decision never makes an order paid: that takes a receipt.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    new_id: NewId

    async def __call__(
        self, *, attention_id: str, resolution: Resolution, reason: str, by: str
    ) -> AttentionItem:
        """
        End it, and return it as it is then.

        Args:
            attention_id: which one.
            resolution: one of those that ``ShowAttention`` offers.
            reason: why; up to 500 characters, kept for good.
            by: who decides; up to 64 characters.

        Raises:
            TextInvalid: no reason, or no name.
            AttentionNotExist: no such id.
            AttentionEnded: it has ended already.
            ResolutionRefused: it cannot be ended like this, or not now.
            RefundExceedsPaid: the money went back under another number since.

        """
        check_text("reason", reason, REASON_MAX)
        check_text("by", by, BY_MAX)
        item = await self._resolved(attention_id, resolution, reason, by)
        async with self.unit_of_work(read_only=True) as work:
            return await work.attention.get(attention_id) or item

    @retry_when_busy
    async def _resolved(
        self, attention_id: str, resolution: Resolution, reason: str, by: str
    ) -> AttentionItem:
        async with self.unit_of_work() as work:
            item = await work.attention.get(attention_id)
            if item is None:
                raise AttentionNotExist(attention_id)
            ending = Ending(at=self.clock(), resolution=resolution, why=reason, by=by)
            place = work.story.place()
            await self._carry_out(work, item, ending)
            if not await end_attention(work, item, ending, place=place):
                raise await _ended(work, item)
            await work.commit()
        return item

    async def _carry_out(self, work: Work, item: AttentionItem, ending: Ending) -> None:
        """Change what the decision changes, if it still can be."""
        if not item.is_open:
            raise await _ended(work, item)
        attempt, refund = await _subject(work, item)
        options = options_of(item, attempt=attempt, refund=refund, now=ending.at)
        chosen = next((o for o in options if o.resolution is ending.resolution), None)
        if chosen is None or chosen.why_not is not None:
            raise _refused(ending.resolution, chosen, options)
        cause = Cause(reason=Reason.DECIDED_BY, by=ending.by, words=ending.why)
        changed = True
        if ending.resolution is Resolution.DEAD and attempt is not None:
            changed = await work.attempts.move(
                attempt.attempt_id, AttemptEvent.PROVEN_DEAD, at=ending.at, cause=cause
            )
        elif ending.resolution is Resolution.REFUNDED and refund is not None:
            await _check_room(work, refund)
            changed = await confirm_refund(
                work, refund, cause=cause, at=ending.at, new_id=self.new_id
            )
        elif ending.resolution is Resolution.RETRY and refund is not None:
            await _check_room(work, refund)
            changed = await _send_again(work, refund, at=ending.at, cause=cause)
        if not changed:  # between our look and our turn, somebody found out
            raise ResolutionRefused(ending.resolution, "it has changed just now", ())


async def _subject(work: Work, item: AttentionItem) -> tuple[Attempt | None, Refund | None]:
    if item.code is AttentionCode.ROW_UNREADABLE:
        return None, None  # whatever it is, only its row can be mended
    if item.about is About.ATTEMPT and item.subject is not None:
        return await work.attempts.get(item.subject), None
    if item.about is About.REFUND and item.subject is not None:
        return None, await work.refunds.get(item.subject)
    return None, None


async def _check_room(work: Work, refund: Refund) -> None:
    """
    Make sure that the money did not go back under another number meanwhile.

    A refund that was refused does not count against what may be given back, so the
    shop may have asked for another one since. The order is held while the sum is taken.
    """
    await work.orders.hold(refund.order_id)
    if refund.trade_no is not None:
        return  # a further capture goes back by one refund of its own
    attempt = await work.attempts.get(refund.attempt_id)
    others = [
        other.amount.minor
        for other in await work.refunds.of_order(refund.order_id)
        if other.attempt_id == refund.attempt_id
        and other.refund_no != refund.refund_no
        and other.trade_no is None
        and other.may_have_moved
    ]
    left = (0 if attempt is None else attempt.charge.amount.minor) - sum(others)
    if refund.amount.minor > left:
        rest = Money(max(0, left), refund.amount.currency)
        message = f"{refund.amount} is more than the {rest} that other refunds leave."
        raise RefundExceedsPaid(message, left=rest.decimal(), currency=rest.currency)


async def _send_again(work: Work, refund: Refund, *, at: datetime, cause: Cause) -> bool:
    """Make a stuck refund due, and its surplus be given back again; the number stays."""
    again = await work.refunds.move(
        refund.refund_no, RefundEvent.RETRIED, at=at, cause=cause, next_try_at=at
    )
    if again and refund.is_automatic:
        await work.attempts.move(refund.attempt_id, AttemptEvent.REFUND_RETRIED, at=at, cause=cause)
    return again


async def _ended(work: Work, item: AttentionItem) -> AttentionEnded:
    found = await work.attention.get(item.attention_id) or item
    ending = found.ending
    how, by = ("?", "?") if ending is None else (str(ending.resolution), ending.by)
    return AttentionEnded(item.attention_id, how, by)


def _refused(
    resolution: Resolution, chosen: Option | None, options: tuple[Option, ...]
) -> ResolutionRefused:
    why = "that makes no sense for it" if chosen is None else chosen.why_not or ""
    return ResolutionRefused(
        str(resolution), why, [str(o.resolution) for o in options if o.why_not is None]
    )
