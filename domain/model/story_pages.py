"""What a story says of attempts and their pages: one class for each kind of line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from retender.domain.model.cause import Cause, Problem
from retender.domain.model.errors import Refusal
from retender.domain.model.misfit import Misfit
from retender.domain.model.page import PageKind
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.switch_policy import SwitchChoice
from retender.domain.model.transition import AttemptState


class AskAgainReason(StrEnum):
    """Why a stored page is not simply handed out; part of the API."""

    PAGE_KEY = "page_key"
    NO_PAGE = "no_page"
    PAGE_RAN_OUT = "page_ran_out"
    STRATEGY = "strategy"


class LateReason(StrEnum):
    """Why a page that came is shown to nobody; part of the API."""

    LEFT_BEHIND = "left_behind"
    OTHER_ASKS = "other_asks"


class NotGiven(StrEnum):
    """What a provider did instead of giving a page; part of the API."""

    NOT_REACHED = "not_reached"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptMade:
    """An attempt was written down, before anybody was asked."""

    kind: ClassVar[StoryKind] = StoryKind.ATTEMPT_MADE
    idx: int
    state: AttemptState
    account: str
    client_type: str
    page_kind: PageKind
    product: str
    number: str
    expires_at: datetime
    watch_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptChanged:
    """The state of an attempt changed."""

    kind: ClassVar[StoryKind] = StoryKind.ATTEMPT_CHANGED
    before: AttemptState
    after: AttemptState
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeNumberNotKept:
    """A provider's number was not kept, as another attempt of the account bears it."""

    kind: ClassVar[StoryKind] = StoryKind.TRADE_NO_NOT_KEPT
    provider_trade_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHandedOut:
    """The payer has a page."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_HANDED_OUT
    account: str
    page_kind: PageKind
    product: str
    page_until: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReused:
    """The payer came back to a page that was left and could not be closed, and has it again."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_REUSED
    account: str
    page_kind: PageKind
    page_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierAttempt:
    """An earlier attempt, and why it does not serve a request."""

    idx: int
    misfits: tuple[Misfit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNotReused:
    """An attempt is new, as no earlier one serves its request."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_NOT_REUSED
    idx: int
    earlier: tuple[EarlierAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAskedAgain:
    """A provider is asked for a page once more, under the same number."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_ASKED_AGAIN
    account: str
    number: str
    because: AskAgainReason
    page_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTooLate:
    """A page came and is shown to nobody."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_TOO_LATE
    account: str
    page_kind: PageKind
    product: str
    page_until: datetime
    because: LateReason
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLeft:
    """The payer left a page, and it is to be closed."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_LEFT
    account: str
    page_kind: PageKind
    choice: SwitchChoice
    payable_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLeftOpen:
    """The payer left a page, and it stays open."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_LEFT_OPEN
    account: str
    choice: SwitchChoice
    payable_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchNotAllowed:
    """No second page is handed out while this one may be paid."""

    kind: ClassVar[StoryKind] = StoryKind.SWITCH_REFUSED
    account: str
    choice: SwitchChoice
    payable_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNotGiven:
    """A provider was asked for a page and gave none."""

    kind: ClassVar[StoryKind] = StoryKind.PAGE_NOT_GIVEN
    account: str
    number: str
    outcome: NotGiven
    problem: Problem
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRefused:
    """A request for a page was turned away."""

    kind: ClassVar[StoryKind] = StoryKind.PAY_REFUSED
    account: str
    client_type: str
    problem: Problem
