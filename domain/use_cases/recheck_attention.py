"""RecheckAttention: ask again now about what waits for a human."""

from dataclasses import dataclass

from retender.domain.model.attention import About, AttentionItem
from retender.domain.model.attention_errors import (
    AttentionEnded,
    AttentionNotExist,
    ResolutionRefused,
)
from retender.domain.use_cases.announce_events import AnnounceEvents
from retender.domain.use_cases.check_attempt import CheckAttempt
from retender.domain.use_cases.check_refund import CheckRefund
from retender.domain.use_cases.escalate import settle_if_over
from retender.ports.clock import Clock
from retender.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class RecheckAttention:
    """
    Ask the provider, or tell the shop, at once; what is over then is settled.

    This is how an operator has a payment recognised: by the provider's word,
    never by their own. An event that was put off is told at its time.
    """

    unit_of_work: UnitOfWork
    clock: Clock
    check_attempt: CheckAttempt
    check_refund: CheckRefund
    announce_events: AnnounceEvents

    async def __call__(self, *, attention_id: str) -> AttentionItem:
        """
        Look again, and return the attention item as it is then; it may still be open.

        Raises:
            AttentionNotExist: no such id.
            AttentionEnded: it has ended already.
            ResolutionRefused: it is about nothing of ours, so nobody can be asked.
            UnknownName: the account of its refund is configured no more.

        """
        item = await self._load(attention_id)
        if item.ending is not None:
            raise AttentionEnded(attention_id, str(item.ending.resolution), item.ending.by)
        match item.about, item.subject:
            case About.ATTEMPT, str(attempt_id):
                await self.check_attempt(attempt_id=attempt_id)
            case About.REFUND, str(refund_no):
                await self.check_refund(refund_no=refund_no)
            case About.ACCOUNT, _:
                await self.check_attempt(attempt_id=item.data["attempt_id"])
            case About.ORDER, _:
                raise ResolutionRefused("recheck", "its row must be mended by hand", ["noted"])
            case About.EVENT, _:
                await self.announce_events()
            case _:
                raise ResolutionRefused("recheck", "it is about nothing of ours", ["noted"])
        await settle_if_over(self.unit_of_work, self.clock, item)
        return await self._load(attention_id)

    async def _load(self, attention_id: str) -> AttentionItem:
        async with self.unit_of_work(read_only=True) as work:
            item = await work.attention.get(attention_id)
        if item is None:
            raise AttentionNotExist(attention_id)
        return item
