"""``call_human`` and ``end_incident``: each with its line in the order's story."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.event import StoryEntry, StoryKind
from retender.domain.model.incident import About, Ending, Incident, IncidentCode, Resolution
from retender.domain.model.refund import Refund
from retender.domain.model.row_errors import RowUnreadable
from retender.ports.new_id import NewId
from retender.ports.unit_of_work import Work


async def call_human(work: Work, incident: Incident) -> bool:
    """
    Let it wait for a human, in the caller's transaction; False if it waits already.

    The rule that calls is told in the story; the evidence stays with the incident.
    """
    if not await work.incidents.add(incident):
        return False
    facts = {**incident.data, "incident_id": incident.incident_id, "incident": incident.code}
    await _tell(
        work,
        incident,
        at=incident.at,
        what=f"incident {incident.code}",
        why=incident.source,
        kind=StoryKind.INCIDENT_OPENED,
        facts=facts,
    )
    return True


async def end_incident(work: Work, incident: Incident, ending: Ending) -> bool:
    """Note how it ended, in the caller's transaction; False if it has ended already."""
    if not await work.incidents.end(incident.incident_id, ending):
        return False
    await _tell(
        work,
        incident,
        at=ending.at,
        what=f"incident {incident.code} ended: {ending.resolution}",
        why=f"{ending.by}: {ending.why}",
        kind=StoryKind.INCIDENT_ENDED,
        facts={
            "incident_id": incident.incident_id,
            "incident": incident.code,
            "resolution": ending.resolution,
            "by": ending.by,
        },
    )
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
    claim = f"{IncidentCode.ACCOUNT_GONE}|{subject.account}|{its_name}|{at.date()}"
    incident = incident_about(
        subject,
        order_no,
        code=IncidentCode.ACCOUNT_GONE,
        incident_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
        at=at,
        source=f"{subject.account} is configured no more, and nobody can be asked",
        data=facts_of_refund(subject) if isinstance(subject, Refund) else facts_of_attempt(subject),
    )
    waiting = await work.incidents.open_of(order_no or "")
    if not any(w.code is incident.code and w.subject == incident.subject for w in waiting):
        await call_human(work, incident)


BY_ITSELF = "retender"
"""Who ends an incident that came to its end by itself."""


async def call_for_absence(
    work: Work, attempt: Attempt, *, at: datetime, source: str, new_id: NewId
) -> None:
    """
    Let an account wait for a human that knows nothing of a trade that must be there.

    A lost ledger, another account or a proxy in between loses everything at once, so there is
    one call for the account, and the first attempt stands for all.
    """
    order = await work.orders.by_id(attempt.order_id)
    absent = Incident(
        incident_id=new_id(),
        code=IncidentCode.ABSENT,
        account=attempt.account,
        number=attempt.number,
        at=at,
        source=source,
        data={"attempt_id": attempt.attempt_id, **facts_of_attempt(attempt)},
        about=About.ACCOUNT,
        subject=attempt.account,
        order_no=None if order is None else order.order_no,
    )
    await call_human(work, absent)


async def settle_absence(work: Work, account: str, *, at: datetime) -> None:
    """End that call: the account has answered for another trade, or for the same one."""
    for incident in await work.incidents.open_about(account):
        if incident.code is IncidentCode.ABSENT:
            why = "the account knows its trades again"
            ending = Ending(at=at, resolution=Resolution.SETTLED, why=why, by=BY_ITSELF)
            await end_incident(work, incident, ending)


def incident_about(
    subject: Attempt | Refund,
    order_no: str | None,
    *,
    code: IncidentCode,
    incident_id: str,
    at: datetime,
    source: str,
    data: dict[str, str],
) -> Incident:
    """Return an incident about an attempt or a refund of this order."""
    return Incident(
        incident_id=incident_id,
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
    work: Work,
    incident: Incident,
    *,
    at: datetime,
    what: str,
    why: str,
    kind: StoryKind,
    facts: Mapping[str, str],
) -> None:
    if (whose := await _whose(work, incident)) is None:
        return  # evidence of what is not ours has no story to stand in
    order_id, attempt_id = whose
    await work.story.add(
        StoryEntry(
            order_id=order_id,
            attempt_id=attempt_id,
            at=at,
            what=what,
            why=why,
            data={"kind": str(kind), **{name: str(fact) for name, fact in facts.items()}},
        )
    )


async def _whose(work: Work, incident: Incident) -> tuple[str, str | None] | None:
    """Return of which order and attempt it is, as far as their rows can be read."""
    attempt_id = incident.subject if incident.about is About.ATTEMPT else None
    try:
        order = None if incident.order_no is None else await work.orders.get(incident.order_no)
        if order is None:
            return None
        if incident.about is About.REFUND and incident.subject is not None:
            refund = await work.refunds.get(incident.subject)
            attempt_id = None if refund is None else refund.attempt_id
    except RowUnreadable as unreadable:
        # The call matters more than its line, and another call is for that row.
        order_id = unreadable.facts.get("order_id")
        return None if order_id is None else (order_id, attempt_id)
    return order.order_id, attempt_id
