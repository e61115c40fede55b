"""What errors mean that a story tells of, by their codes."""

from collections.abc import Mapping

from retender.domain.model.cause import Problem
from retender.entrypoints.words.phrase import Phrase, phrase

_MEANINGS: Mapping[str, Phrase] = {
    "ACCOUNT_DRAINED": phrase("the account takes no new payments"),
    "CLOCK_OFF": phrase("our clock is wrong, so nothing new is begun"),
    "INPUT_INVALID": phrase("the request cannot be meant like this"),
    "ACCOUNT_UNKNOWN": phrase("the account is configured no more"),
    "NOT_OFFERED": phrase("the provider does not offer this"),
    "PAYER_INPUT_INVALID": phrase("what the payer's side supplied cannot be meant"),
    "PAYER_INPUT_MISSING": phrase("the page needs more of the payer's side"),
    "PAY_ORDER_FAIL": phrase("the provider refused the payment"),
    "PAY_ORDER_IN_QUESTION": phrase("money was taken, and not as it was asked for"),
    "PAY_ORDER_PAY_TIMEOUT": phrase("it is too late to pay"),
    "PAY_ORDER_STATE_ERROR": phrase("the order takes no payment any more"),
    "PAY_ORDER_TOO_MANY_ATTEMPTS": phrase(
        "too many pages may be paid, or were begun within an hour"
    ),
    "PROVIDER_CLOCK_OFF": phrase("the provider's clock and ours are too far apart"),
    "PROVIDER_REFUSED": phrase("the provider said no"),
    "PROVIDER_UNAVAILABLE": phrase("the provider was not reached"),
    "PROVIDER_UNCERTAIN": phrase("the answer was lost, and the provider may have acted"),
}
"""Any other code has no meaning here: then the error's own sentence must do."""


def meaning_of(problem: Problem) -> Phrase | None:
    """Return what a problem means, where its code is known."""
    return _MEANINGS.get(problem.code)
