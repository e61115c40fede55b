"""What a story says of answers, notices and refunds: one class for each kind of line."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from retender.domain.model.answers import ReceiptState, RefundReceiptState
from retender.domain.model.attention import AttentionCode
from retender.domain.model.cause import Cause, Problem, Source
from retender.domain.model.event import EventKind
from retender.domain.model.money import Money
from retender.domain.model.outcome import Outcome
from retender.domain.model.refund import RefundCause
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.transition import RefundState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a provider said of a charge, as a query's answer and a notice tell it.

    Attributes:
        state: what it says.
        number: our number that it speaks of.
        reference: the provider's own id that it speaks of.
        amount: what was taken.
        provider_trade_no: the provider's own number of it.
        captured_at: when the money was taken.
        foreign: why it is not our account's money.

    """

    state: ReceiptState
    number: str | None = None
    reference: str | None = None
    amount: Money | None = None
    provider_trade_no: str | None = None
    captured_at: datetime | None = None
    foreign: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswered:
    """
    A provider answered a question.

    Attributes:
        watch_until: before this, "not found" proves nothing.
        clock_is_wrong: our clock was too far off to tell what an absence proves.
        outcome: what the answer changed.

    """

    kind: ClassVar[StoryKind] = StoryKind.ANSWER
    account: str
    source: Source
    asked_at: datetime
    answer: Answer
    outcome: Outcome
    watch_until: datetime
    clock_is_wrong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDidNotAnswer:
    """A provider was asked, and gave no answer that proves anything."""

    kind: ClassVar[StoryKind] = StoryKind.NO_ANSWER
    account: str
    source: Source
    asked_at: datetime
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNotAsked:
    """Nobody could be asked about an attempt."""

    kind: ClassVar[StoryKind] = StoryKind.NOT_ASKED
    account: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeHeard:
    """A notice came, and its signature is good."""

    kind: ClassVar[StoryKind] = StoryKind.NOTICE
    account: str
    event_key: str
    answer: Answer
    outcome: Outcome
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceMisfit:
    """A provider's word on a charge does not fit, and waits for a human."""

    kind: ClassVar[StoryKind] = StoryKind.MISFIT
    account: str
    source: Source
    attention: AttentionCode
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDecided:
    """
    A refund was written down.

    Attributes:
        reason: what the shop gave as its reason; None for a refund of ours.

    """

    kind: ClassVar[StoryKind] = StoryKind.REFUND_DUE
    refund_no: str
    amount: Money
    cause: RefundCause
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundChanged:
    """The state of a refund changed."""

    kind: ClassVar[StoryKind] = StoryKind.REFUND_CHANGED
    refund_no: str
    before: RefundState
    after: RefundState
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAnswered:
    """
    A provider said what became of a refund.

    Attributes:
        absence_proves: whether "not found" proves that nothing moved.
        words: the provider's own.

    """

    kind: ClassVar[StoryKind] = StoryKind.REFUND_ANSWER
    refund_no: str
    number: str
    source: Source
    answer: RefundReceiptState
    amount: Money | None = None
    provider_refund_no: str | None = None
    absence_proves: bool = True
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRefused:
    """A provider said no to a refund, or to the question after it."""

    kind: ClassVar[StoryKind] = StoryKind.REFUND_REFUSED
    refund_no: str
    source: Source
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotAnswered:
    """A provider gave no answer on a refund that proves anything."""

    kind: ClassVar[StoryKind] = StoryKind.REFUND_NO_ANSWER
    refund_no: str
    source: Source
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundMisfit:
    """
    A provider's word on a refund does not fit, and waits for a human.

    Attributes:
        said: the amount that it names.
        ours: what we know; None: nothing, since another hand gave the money back.

    """

    kind: ClassVar[StoryKind] = StoryKind.REFUND_MISFIT
    refund_no: str
    number: str
    source: Source
    answer: RefundReceiptState
    said: Money | None = None
    ours: Money | None = None
    provider_refund_no: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTold:
    """The shop is told what became of a refund."""

    kind: ClassVar[StoryKind] = StoryKind.REFUND_TOLD
    refund_no: str
    event: EventKind
    amount: Money
    cause: RefundCause
    problem: str | None = None
