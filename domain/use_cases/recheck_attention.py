"""RecheckAttention: ask again now about what waits for a human."""

from dataclasses import dataclass

from retender.domain.model.incident import About, Incident
from retender.domain.model.incident_errors import IncidentEnded, IncidentNotExist, ResolutionRefused
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

    async def __call__(self, *, incident_id: str) -> Incident:
        """
        Look again, and return the incident as it is then; it may still be open.

        Raises:
            IncidentNotExist: no such id.
            IncidentEnded: it has ended already.
            ResolutionRefused: it is about nothing of ours, so nobody can be asked.
            UnknownName: the account of its refund is configured no more.

        """
        incident = await self._load(incident_id)
        if incident.ending is not None:
            raise IncidentEnded(incident_id, str(incident.ending.resolution), incident.ending.by)
        match incident.about, incident.subject:
            case About.ATTEMPT, str(attempt_id):
                await self.check_attempt(attempt_id=attempt_id)
            case About.REFUND, str(refund_no):
                await self.check_refund(refund_no=refund_no)
            case About.ACCOUNT, _:
                await self.check_attempt(attempt_id=incident.data["attempt_id"])
            case About.ORDER, _:
                raise ResolutionRefused("recheck", "its row must be mended by hand", ["noted"])
            case About.EVENT, _:
                await self.announce_events()
            case _:
                raise ResolutionRefused("recheck", "it is about nothing of ours", ["noted"])
        await settle_if_over(self.unit_of_work, self.clock, incident)
        return await self._load(incident_id)

    async def _load(self, incident_id: str) -> Incident:
        async with self.unit_of_work(read_only=True) as work:
            incident = await work.incidents.get(incident_id)
        if incident is None:
            raise IncidentNotExist(incident_id)
        return incident
