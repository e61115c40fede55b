"""SwitchPolicy: how the earlier page is left, and from what the choice followed."""

from dataclasses import dataclass
from enum import StrEnum

from retender.domain.model.money import Money


class SwitchPolicy(StrEnum):
    """What must be true of the earlier page before a second one is handed out."""

    ADAPTIVE = "adaptive"
    """Strict where a close is authoritative and the amount is over the limit, else best effort."""
    STRICT = "strict"
    """No second page until the first is conclusively dead."""
    BEST_EFFORT = "best_effort"
    """Query, close, confirm; what cannot be confirmed is watched, and the payer goes on."""
    NONE = "none"
    """Leave the first open; a surplus is refunded."""


class SwitchReason(StrEnum):
    """From what a policy followed; part of the API."""

    SET_FOR_ACCOUNT = "set_for_account"
    SET_FOR_ALL = "set_for_all"
    ACCOUNT_GONE = "account_gone"
    CANNOT_CLOSE = "cannot_close"
    CLOSES_ONCE_USED = "closes_once_used"
    OVER_LIMIT = "over_limit"
    WITHIN_LIMIT = "within_limit"
    NO_LIMIT = "no_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchChoice:
    """
    A policy with the reason for it.

    Attributes:
        policy: never ``adaptive``.
        reason: from what it followed.
        amount: of the page; where the limit decided.
        limit: of its currency, if one is set.

    """

    policy: SwitchPolicy
    reason: SwitchReason
    amount: Money | None = None
    limit: Money | None = None
