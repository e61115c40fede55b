"""Tell a repeat of known evidence from money that was taken once more."""

import hashlib
from dataclasses import replace
from datetime import datetime

from retender.domain.model.attempt import Attempt
from retender.domain.model.further_capture import FurtherCapture
from retender.domain.model.incident import About, Incident, IncidentCode
from retender.domain.use_cases.call_human import call_human
from retender.domain.use_cases.outcome import Outcome
from retender.ports.payment_provider import ProviderTerms, Receipt
from retender.ports.unit_of_work import Work


async def known_already(
    work: Work,
    attempt: Attempt,
    receipt: Receipt,
    terms: ProviderTerms | None,
    *,
    source: str,
    at: datetime,
) -> Outcome:
    """
    Tell a repeat from money that was taken once more (protocol, revision 2, rule 1).

    The first trade number that is heard is the capture's own. Another one is another capture
    only where the terms say so: a provider may name one capture by two ids. What was taken
    once more is in every sum, and goes back as a human decides: our refunds go by our number,
    which both captures bear.
    """
    number, known = receipt.provider_trade_no, attempt.provider_trade_no
    if number is None or number == known:
        return Outcome.KNOWN
    if known is None:
        await work.attempts.fill_in(attempt.attempt_id, provider_trade_no=number)
        return Outcome.KNOWN
    if terms is None or not terms.trade_no_is_capture:
        return Outcome.KNOWN
    further = FurtherCapture(
        attempt_id=attempt.attempt_id,
        order_id=attempt.order_id,
        account=attempt.account,
        provider_trade_no=number,
        amount=receipt.amount or attempt.charge.amount,
        found_at=at,
    )
    if not await work.attempts.add_capture(further):
        return Outcome.KNOWN
    incident = incident_of_receipt(
        attempt.account, attempt, receipt, IncidentCode.FURTHER_CAPTURE, source=source, at=at
    )
    await call_human(work, replace(incident, data={**incident.data, "first_trade_no": known}))
    return Outcome.INCIDENT


def incident_of_receipt(
    account: str,
    attempt: Attempt | None,
    receipt: Receipt,
    code: IncidentCode,
    *,
    source: str,
    at: datetime,
) -> Incident:
    """Return the incident of evidence that fits nothing; named after what it says, so once."""
    number = receipt.number or receipt.reference or ""
    claim = f"{code}|{account}|{number}|{receipt.amount}|{receipt.foreign}"
    if code is IncidentCode.FURTHER_CAPTURE:
        claim = f"{claim}|{receipt.provider_trade_no}"
    return Incident(
        incident_id=hashlib.sha256(claim.encode()).hexdigest()[:32],
        code=code,
        account=account,
        number=number,
        at=at,
        source=source,
        data={
            "amount": str(receipt.amount),
            "state": str(receipt.state),
            "provider_trade_no": receipt.provider_trade_no or "",
            "foreign": receipt.foreign or "",
        },
        about=None if attempt is None else About.ATTEMPT,
        subject=None if attempt is None else attempt.attempt_id,
        order_no=None if attempt is None else attempt.charge.order_no,
    )
