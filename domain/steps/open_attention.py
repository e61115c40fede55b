"""``open_attention`` and ``end_attention``: each with its line in the order's story."""

import hashlib
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import About, AttentionCode, AttentionItem, Ending, Resolution
from retender.domain.model.cause import Source
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.domain.model.story import AttentionEnded, AttentionOpened, Fact, StoryEntry
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import Work


async def open_attention(work: Work, item: AttentionItem) -> bool:
    """
    Let it wait for a human, in the caller's transaction; False if it waits already.

    The rule that calls is told in the story; the evidence stays with the attention item.
    """
    if not await work.attention.add(item):
        return False
    await _tell(work, item, opened_line(item), at=item.at)
    return True


def opened_line(item: AttentionItem) -> AttentionOpened:
    """Return what the story says of it."""
    return AttentionOpened(
        attention_id=item.attention_id,
        attention=item.code,
        account=item.account,
        about=item.about,
        subject=item.subject,
        row=item.data.get("row"),
        key=item.data.get("key"),
    )


async def end_attention(
    work: Work, item: AttentionItem, ending: Ending, *, place: int | None = None
) -> bool:
    """
    Note how it ended, in the caller's transaction; False if it has ended already.

    A decision that changed something takes its place in the story before that.
    """
    if not await work.attention.end(item.attention_id, ending):
        return False
    by_itself = ending.resolution is Resolution.SETTLED
    ended = AttentionEnded(
        attention_id=item.attention_id,
        attention=item.code,
        resolution=ending.resolution,
        by=ending.by,
        words=None if by_itself else ending.why,
    )
    await _tell(work, item, ended, at=ending.at, place=place)
    return True


async def call_for_account(work: Work, subject: Attempt | Refund, *, at: datetime) -> None:
    """
    Let what belongs to an account that is configured no more wait for a human, at once.

    Nobody can be asked about it, and only a human can tell whether the account comes back.
    It waits once; what was only noted is brought up again the next day.
    """
    order = await work.orders.by_id(subject.order_id)
    order_no = None if order is None else order.order_no
    its_name = subject.refund_no if isinstance(subject, Refund) else subject.attempt_id
    claim = f"{AttentionCode.ACCOUNT_GONE}|{subject.account}|{its_name}|{at.date()}"
    item = attention_about(
        subject,
        order_no,
        code=AttentionCode.ACCOUNT_GONE,
        attention_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
        at=at,
        source=f"{subject.account} is configured no more, and nobody can be asked",
        data=facts_of_refund(subject) if isinstance(subject, Refund) else facts_of_attempt(subject),
    )
    waiting = await work.attention.open_of(order_no or "")
    if not any(w.code is item.code and w.subject == item.subject for w in waiting):
        await open_attention(work, item)


BY_ITSELF = "retender"
"""Who ends an attention item that came to its end by itself."""


async def call_for_absence(
    work: Work, attempt: Attempt, *, at: datetime, source: Source, new_id: NewId
) -> None:
    """
    Let an account wait for a human that knows nothing of a trade that must be there.

    A lost ledger, another account or a proxy in between loses everything at once, so there is
    one call for the account, and the first attempt stands for all.
    """
    order = await work.orders.by_id(attempt.order_id)
    absent = AttentionItem(
        attention_id=new_id(),
        code=AttentionCode.ABSENT,
        account=attempt.account,
        number=attempt.number,
        at=at,
        source=source,
        data={"attempt_id": attempt.attempt_id, **facts_of_attempt(attempt)},
        about=About.ACCOUNT,
        subject=attempt.account,
        order_no=None if order is None else order.order_no,
    )
    await open_attention(work, absent)


async def settle_absence(work: Work, account: str, *, at: datetime) -> None:
    """End that call: the account has answered for another trade, or for the same one."""
    for item in await work.attention.open_about(account):
        if item.code is AttentionCode.ABSENT:
            why = "the account knows its trades again"
            ending = Ending(at=at, resolution=Resolution.SETTLED, why=why, by=BY_ITSELF)
            await end_attention(work, item, ending)


def attention_about(
    subject: Attempt | Refund,
    order_no: str | None,
    *,
    code: AttentionCode,
    attention_id: str,
    at: datetime,
    source: str,
    data: dict[str, str],
) -> AttentionItem:
    """Return an attention item about an attempt or a refund of this order."""
    return AttentionItem(
        attention_id=attention_id,
        code=code,
        account=subject.account,
        number=subject.number,
        at=at,
        source=source,
        data=data,
        about=About.REFUND if isinstance(subject, Refund) else About.ATTEMPT,
        subject=subject.refund_no if isinstance(subject, Refund) else subject.attempt_id,
        order_no=order_no,
    )


def facts_of_attempt(attempt: Attempt) -> dict[str, str]:
    """Return what a human must know of an attempt that does not end."""
    return {
        "state": str(attempt.state),
        "amount": str(attempt.charge.amount),
        "watch_until": attempt.watch_until.isoformat(),
        "looks": str(attempt.checks),
    }


def facts_of_refund(refund: Refund) -> dict[str, str]:
    """Return what a human must know of a refund that does not end."""
    facts = {
        "state": str(refund.state),
        "amount": str(refund.amount),
        "cause": str(refund.cause),
        "since": refund.created_at.isoformat(),
        "tries": str(refund.tries),
    }
    more = {"problem": refund.problem, "trade_no": refund.trade_no}
    return facts | {name: fact for name, fact in more.items() if fact is not None}


async def _tell(
    work: Work, item: AttentionItem, fact: Fact, *, at: datetime, place: int | None = None
) -> None:
    if (whose := await _whose(work, item)) is None:
        return  # evidence of what is not ours has no story to stand in
    order_id, attempt_id = whose
    line = StoryEntry(order_id=order_id, attempt_id=attempt_id, at=at, fact=fact)
    await work.story.add(line, place=place)


async def _whose(work: Work, item: AttentionItem) -> tuple[str, str | None] | None:
    """Return of which order and attempt it is, as far as their rows can be read."""
    attempt_id = item.subject if item.about is About.ATTEMPT else None
    try:
        order = None if item.order_no is None else await work.orders.get(item.order_no)
        if order is None:
            return None
        if item.about is About.REFUND and item.subject is not None:
            refund = await work.refunds.get(item.subject)
            attempt_id = None if refund is None else refund.attempt_id
    except RowUnreadable as unreadable:
        # The call matters more than its line, and another call is for that row.
        order_id = unreadable.facts.get("order_id")
        return None if order_id is None else (order_id, attempt_id)
    return order.order_id, attempt_id
