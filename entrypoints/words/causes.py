"""Why a state changed, and why a page was left as it was: causes in words."""

from collections.abc import Callable, Mapping

from retender.domain.model.cause import Cause, Reason
from retender.domain.model.order import LatePayment
from retender.domain.model.switch_policy import SwitchChoice, SwitchReason
from retender.entrypoints.words.phrase import Phrase, phrase

_ALONE: Mapping[Reason, Phrase] = {
    Reason.NOTHING_LIVE: phrase("no attempt of it can take money"),
    Reason.ANOTHER_PAID: phrase("another attempt paid the order"),
    Reason.ORDER_EXPIRING: phrase("the order is expiring"),
    Reason.REPLACED: phrase("a newer attempt takes its place"),
    Reason.TIME_AT_PROVIDER_OVER: phrase("its time at the provider is over"),
    Reason.PAGE_LOST: phrase("its page was in the answer that was lost, and nowhere else"),
    Reason.PAGE_GIVEN: phrase("the provider answered with a page"),
    Reason.CAME_BACK: phrase("the payer comes back to it, and it could not be closed"),
    Reason.NEVER_SEEN: phrase("nobody ever had its page, and its time is over"),
    Reason.REVERSED_AND_UNKNOWN: phrase(
        "it was done, its provider said that it failed, and knows it no more"
    ),
    Reason.REVERSED_AND_NOT_ASKABLE: phrase(
        "it was done, its provider said that it failed, and it cannot be asked after"
    ),
    Reason.OVERTAKEN: phrase("another hand gave back what it was to give back"),
}
"""Reasons that need no other fact."""


def _taken(cause: Cause) -> Phrase:
    return phrase(
        "{source}: {account} took {amount} under {number}",
        source=cause.source,
        account=cause.account,
        amount=cause.amount,
        number=cause.number,
    )


def _given_up(cause: Cause) -> Phrase:
    if cause.late_payment is LatePayment.ACCEPT:
        return phrase("closed on request; money that still comes pays it")
    return phrase("closed on request; money that still comes goes back")


def _time_over(cause: Cause) -> Phrase:
    return phrase("the time shown to the payer ended at {until}", until=cause.until)


def _switched(cause: Cause) -> Phrase:
    return phrase("the payer switches; policy {policy}", policy=cause.policy)


def _said_closed(cause: Cause) -> Phrase:
    return phrase("{source}: {account} says closed", source=cause.source, account=cause.account)


def _known_of_nothing(cause: Cause) -> Phrase:
    return phrase(
        "{source}: {account} knows nothing, asked after expiry and grace",
        source=cause.source,
        account=cause.account,
    )


def _decided_by(cause: Cause) -> Phrase:
    return phrase("{by} says: {words}", by=cause.by, words=cause.words)


def _sent_now(cause: Cause) -> Phrase:
    return phrase("try {tries} under {number}", tries=cause.tries, number=cause.number)


def _refund_answered(cause: Cause) -> Phrase:
    said = phrase("{source}: {answer}", source=cause.source, answer=cause.answer)
    return said if cause.words is None else phrase("{said} ({words})", said=said, words=cause.words)


def _refused(cause: Cause) -> Phrase:
    return phrase("the provider said no: {words}", words=cause.words)


def _not_answered(cause: Cause) -> Phrase:
    return phrase("no answer that proves anything: {words}", words=cause.words)


def _tries_ran_out(cause: Cause) -> Phrase:
    if cause.words is None:
        return phrase("tries ran out")
    return phrase("tries ran out; {words}", words=cause.words)


def _reversed(cause: Cause) -> Phrase:
    if cause.words is None:
        return phrase("its provider says that it failed after it was done")
    return phrase("its provider says that it failed after it was done: {words}", words=cause.words)


def _not_listed_both(cause: Cause) -> Phrase:
    return phrase(
        "its provider does not list both trades ({trades}): they may be one payment",
        trades=", ".join(cause.trade_nos),
    )


_WITH_FACTS: Mapping[Reason, Callable[[Cause], Phrase]] = {
    Reason.TAKEN: _taken,
    Reason.GIVEN_UP: _given_up,
    Reason.TIME_TO_PAY_OVER: _time_over,
    Reason.PAYER_SWITCHED: _switched,
    Reason.SAID_CLOSED: _said_closed,
    Reason.KNOWN_OF_NOTHING: _known_of_nothing,
    Reason.DECIDED_BY: _decided_by,
    Reason.SENT_NOW: _sent_now,
    Reason.REFUND_ANSWERED: _refund_answered,
    Reason.REFUSED: _refused,
    Reason.NOT_ANSWERED: _not_answered,
    Reason.TRIES_RAN_OUT: _tries_ran_out,
    Reason.REVERSED: _reversed,
    Reason.NOT_LISTED_BOTH: _not_listed_both,
}


def cause_in_words(cause: Cause) -> Phrase:
    """Return why a state changed."""
    alone = _ALONE.get(cause.reason)
    return _WITH_FACTS[cause.reason](cause) if alone is None else alone


_CHOICES: Mapping[SwitchReason, Callable[[SwitchChoice, str], Phrase]] = {
    SwitchReason.SET_FOR_ACCOUNT: lambda _, account: phrase("set for {account}", account=account),
    SwitchReason.SET_FOR_ALL: lambda *_: phrase("set for all accounts"),
    SwitchReason.ACCOUNT_GONE: lambda _, account: phrase(
        "{account} is configured no more, and nobody can be asked", account=account
    ),
    SwitchReason.CANNOT_CLOSE: lambda _, account: phrase(
        "adaptive, and {account} cannot close such a page", account=account
    ),
    SwitchReason.CLOSES_ONCE_USED: lambda _, account: phrase(
        "adaptive, and {account} can close such a page only once it was used", account=account
    ),
    SwitchReason.OVER_LIMIT: lambda choice, account: phrase(
        "adaptive, {account} closes for sure, and {amount} is over {limit}",
        account=account,
        amount=choice.amount,
        limit=choice.limit,
    ),
    SwitchReason.WITHIN_LIMIT: lambda choice, account: phrase(
        "adaptive, {account} closes for sure, and {amount} is not over {limit}",
        account=account,
        amount=choice.amount,
        limit=choice.limit,
    ),
    SwitchReason.NO_LIMIT: lambda choice, account: phrase(
        "adaptive, {account} closes for sure, and no limit is set for {currency}",
        account=account,
        currency="" if choice.amount is None else choice.amount.currency,
    ),
}


def choice_in_words(choice: SwitchChoice, account: str) -> Phrase:
    """Return from what a policy followed."""
    return _CHOICES[choice.reason](choice, account)
