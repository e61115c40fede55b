"""AttentionItem: what waits for a human, with its evidence, and how a human ended it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from retender.domain.model.transition import LIVE, UNDER_WAY, AttemptState, RefundState


class AttentionCode(StrEnum):
    """
    Why a human is called; part of the API.

    ``EVIDENCE_`` is a provider's word that does not fit. The others are ours:
    something did not come to its end in the longest time that is stated for it.
    """

    UNKNOWN_NUMBER = "EVIDENCE_UNKNOWN_NUMBER"
    UNKNOWN_REFUND = "EVIDENCE_UNKNOWN_REFUND"
    AMOUNT_MISMATCH = "EVIDENCE_AMOUNT_MISMATCH"
    FOREIGN = "EVIDENCE_FOREIGN"
    FURTHER_CAPTURE = "EVIDENCE_FURTHER_CAPTURE"
    """Money was taken once more under a number that was paid; both trades are named."""
    ABSENT = "EVIDENCE_ABSENT"
    """An account says "not found" of what must be there: its ledger, or the account, is wrong."""
    UNKNOWN_TOO_LONG = "UNKNOWN_TOO_LONG"
    """Nobody has said for long whether an attempt was paid, and its page is over."""
    REFUND_TOO_LONG = "REFUND_TOO_LONG"
    """A refund is under way for long."""
    REFUND_STUCK = "REFUND_STUCK"
    """A refund was refused for good, or its tries ran out."""
    UNTOLD_TOO_LONG = "UNTOLD_TOO_LONG"
    """The shop has not heard of an event for long."""
    ACCOUNT_GONE = "ACCOUNT_GONE"
    """An attempt or a refund is of an account that is configured no more."""
    ROW_UNREADABLE = "ROW_UNREADABLE"
    """A stored row makes no sense, and what depends on it is set aside until a human ends this."""


STANDS: Mapping[AttentionCode, tuple[AttemptState | RefundState, ...]] = {
    AttentionCode.UNKNOWN_TOO_LONG: LIVE,
    AttentionCode.REFUND_TOO_LONG: UNDER_WAY,
    AttentionCode.REFUND_STUCK: (RefundState.STUCK,),
    AttentionCode.UNTOLD_TOO_LONG: (),
    AttentionCode.ACCOUNT_GONE: (*LIVE, *UNDER_WAY),
}
"""
Our own calls, and in which states of its subject each one stands.

In any other state it is over by itself. An event has no states: it is told or
it is not. ROW_UNREADABLE is none of these: what a row says that cannot be read proves nothing.
"""

ESCALATIONS = (
    AttentionCode.UNKNOWN_TOO_LONG,
    AttentionCode.REFUND_TOO_LONG,
    AttentionCode.REFUND_STUCK,
    AttentionCode.UNTOLD_TOO_LONG,
)
"""
What takes too long. Of each of these, at most one is open for one subject.

ACCOUNT_GONE is none of them: it calls at once, once a day, and its id says which day.
"""


FOLDED = (*ESCALATIONS, AttentionCode.ABSENT, AttentionCode.ROW_UNREADABLE)
"""Of each of these, at most one is open for one subject; it stands for all that come after it."""


class About(StrEnum):
    """What an attention item's ``subject`` names; part of the API."""

    ATTEMPT = "attempt"
    REFUND = "refund"
    EVENT = "event"
    ACCOUNT = "account"
    ORDER = "order"


class Resolution(StrEnum):
    """
    How an attention item ended; part of the API.

    None of them says that an order is paid: that takes a provider's receipt.
    """

    DEAD = "dead"
    """A human says that the attempt can take no money."""
    REFUNDED = "refunded"
    """A human says that the money went back."""
    RETRY = "retry"
    """A human wants the stuck refund sent again, under its own number."""
    NOTED = "noted"
    """A human has seen it; nothing changes."""
    SETTLED = "settled"
    """It came to its end by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """
    How, why and by whom an attention item was ended.

    Attributes:
        at: when.
        resolution: what was decided.
        why: in the words of whoever decided it.
        by: who that was.

    """

    at: datetime
    resolution: Resolution
    why: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionItem:
    """
    Something that waits for a human; nothing is logged and dropped.

    Attributes:
        attention_id: of evidence made of its content, so meeting it again adds
            nothing, also after it was resolved.
        code: why, see ``AttentionCode``.
        account: the provider account that it concerns; empty for an event.
        number: the provider-side number that it speaks of; of an event, its id.
        at: when we met it.
        source: notice, query, close or bill; of our own calls, the rule.
        data: what was claimed, or what is known.
        about: what kind of thing ``subject`` is; None for what is not ours.
        subject: the attempt id, refund number, event id, order id or account that it is about.
        order_no: the shop's number of the order, where there is one.
        ending: how it ended; None while it waits.

    """

    attention_id: str
    code: AttentionCode
    account: str
    number: str
    at: datetime
    source: str
    data: dict[str, str] = field(default_factory=dict)
    about: About | None = None
    subject: str | None = None
    order_no: str | None = None
    ending: Ending | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.ending is None
