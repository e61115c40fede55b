"""Cause: why a state changed, as facts; whoever shows it words it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from retender.domain.model.answers import RefundReceiptState
from retender.domain.model.money import Money
from retender.domain.model.order import LatePayment
from retender.domain.model.switch_policy import SwitchPolicy


class Source(StrEnum):
    """By which way a provider's word came to us; part of the API."""

    NOTICE = "notice"
    QUERY = "query"
    CLOSE = "close"
    BILL = "bill"
    REFUND = "refund"
    REFUND_QUERY = "refund query"


class Reason(StrEnum):
    """Why a state changed; part of the API. Which facts go with it stands beside it."""

    TAKEN = "taken"
    """source, account, amount, number: a provider says that it took the money."""
    GIVEN_UP = "given_up"
    """late_payment: the shop closed the order."""
    TIME_TO_PAY_OVER = "time_to_pay_over"
    """until: the deadline that the payer saw."""
    NOTHING_LIVE = "nothing_live"
    ANOTHER_PAID = "another_paid"
    ORDER_EXPIRING = "order_expiring"
    REPLACED = "replaced"
    PAYER_SWITCHED = "payer_switched"
    """policy: how the page was left."""
    TIME_AT_PROVIDER_OVER = "time_at_provider_over"
    PAGE_LOST = "page_lost"
    PAGE_GIVEN = "page_given"
    CAME_BACK = "came_back"
    SAID_CLOSED = "said_closed"
    """source, account."""
    KNOWN_OF_NOTHING = "known_of_nothing"
    """source, account: asked after expiry and grace."""
    NEVER_SEEN = "never_seen"
    REFUSED = "refused"
    """words: the provider said no."""
    DECIDED_BY = "decided_by"
    """by, words: a human."""
    SENT_NOW = "sent_now"
    """tries, number."""
    REFUND_ANSWERED = "refund_answered"
    """source, answer, words: what a provider says of a refund."""
    NOT_ANSWERED = "not_answered"
    """words: no answer that proves anything."""
    TRIES_RAN_OUT = "tries_ran_out"
    """words: the last problem, if there is one."""
    REVERSED = "reversed"
    """words: a refund of another hand failed after it was done."""
    REVERSED_AND_UNKNOWN = "reversed_and_unknown"
    REVERSED_AND_NOT_ASKABLE = "reversed_and_not_askable"
    NOT_LISTED_BOTH = "not_listed_both"
    """trade_nos: two trades that may be one payment."""
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    Why a state changed. ``reason`` says which of the other facts are there.

    Attributes:
        reason: the rule or the kind of evidence.
        source: by which way the evidence came.
        account: whose word it is.
        amount: what was taken.
        number: the provider-side number that it is about.
        until: when a time ended.
        policy: how a page was left.
        late_payment: what becomes of money that still comes.
        tries: the how-manieth try it is.
        answer: what a provider says of a refund.
        trade_nos: a provider's own numbers.
        by: who decided.
        words: somebody else's own words: a provider's, or those of who decided. Never ours.

    """

    reason: Reason
    source: Source | None = None
    account: str | None = None
    amount: Money | None = None
    number: str | None = None
    until: datetime | None = None
    policy: SwitchPolicy | None = None
    late_payment: LatePayment | None = None
    tries: int | None = None
    answer: RefundReceiptState | None = None
    trade_nos: tuple[str, ...] = ()
    by: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    An error as the story keeps it.

    Attributes:
        code: of the error; programs branch on it.
        message: its own sentence, which may hold a provider's words.
        details: its facts, a provider's own code among them.

    """

    code: str
    message: str
    details: dict[str, str] = field(default_factory=dict)
