"""GatewayUnderTest: the one thing that an implementer gives to ``PaymentProviderContract``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from retender.domain.model.page import Page
from retender.ports.payment_provider import Acknowledgement, PayerNeed, PaymentProvider, RawNotice

ALICE = "alice"
BOB = "bob"


class Operation(StrEnum):
    """The calls of the port that go to the gateway; what faults are set for."""

    OPEN = "open"
    QUERY = "query"
    CLOSE = "close"
    REFUND = "refund"
    QUERY_REFUND = "query_refund"


FORBIDDEN_PAGE = b"<!doctype html><html><body><h1>403 Forbidden</h1></body></html>"
"""What ``Fault.NOT_THE_GATEWAY`` answers."""


class Fault(StrEnum):
    """
    What goes wrong with the next call of an operation, once.

    If a port operation makes several calls, the one that bears its name is meant.
    """

    UNREACHABLE = "unreachable"
    """No connection is made."""
    LOST_BEFORE_EFFECT = "lost before effect"
    """The request is sent, the gateway does nothing, and no answer comes back."""
    LOST_AFTER_EFFECT = "lost after effect"
    """The gateway does what was asked, and its answer is lost."""
    SERVER_ERROR = "server error"
    """The gateway answers with a status 5xx."""
    NOT_THE_GATEWAY = "not the gateway"
    """Somebody in between answers in its place: status 403, a page of HTML, no signature."""
    BAD_SIGNATURE = "bad signature"
    """The gateway does what was asked; its answer has a signature that is wrong."""
    ANOTHERS_ANSWER = "another's answer"
    """The gateway's answer to the first call of the operation comes again, well signed."""
    UNKNOWN_CODE = "unknown code"
    """The gateway answers, well signed, with an error code that stands in no document."""
    RATE_LIMIT = "rate limit"
    """The gateway answers in its own way that one asks too often; it does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """
    What the gateway's own books say of one number; not what it tells over the wire.

    Attributes:
        captured: minor units taken from payers, in all.
        refunded: minor units given back, in all.
        subject: what the payer read, or None if nothing is kept under that number.

    """

    captured: int = 0
    refunded: int = 0
    subject: str | None = None


@runtime_checkable
class KnowsPayers(Protocol):
    """What a gateway under test has, too, that tells its payers apart."""

    def knows(self, need: PayerNeed) -> bool:
        """Tell whether nobody else can pay a page that was opened for another value of this."""


class GatewayUnderTest(Protocol):
    """
    A gateway (usually a simulator) with one merchant account, fresh for every test.

    Notices need no server: the gateway's outgoing deliveries are caught and handed
    out by ``notices``.
    """

    @property
    def provider(self) -> PaymentProvider:
        """The provider under test, always the same object."""

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that must never show: private keys, tokens, as configured."""

    def another_provider(self) -> PaymentProvider:
        """Build a second provider of the same account, as another process would."""

    def now(self) -> datetime:
        """Return the time that the provider and the gateway go by."""

    def advance(self, by: timedelta) -> None:
        """Let time pass, for provider and gateway."""

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        """Pay the page as this buyer would, all the way; False if the gateway refuses."""

    async def begin(self, page: Page, *, buyer: str = ALICE) -> bool:
        """Scan, or log in, without paying; False if the gateway refuses."""

    async def booked(self, number: str) -> Booked:
        """Look into the gateway's books."""

    async def notices(self) -> Sequence[RawNotice]:
        """
        Deliver what is due and return every first delivery so far, oldest first.

        ``received_at`` is the time of delivery; header names are in lower case.
        """

    def forge_notices(self) -> None:
        """From now on, notices are dressed like genuine ones but signed with a stranger's key."""

    def speak_for_another(self) -> None:
        """From now on, notices are genuine but about another merchant or app id."""

    def unsigned(self, notice: RawNotice) -> RawNotice:
        """Return the same message with every trace of a signature taken away."""

    def hears(self, answer: Acknowledgement) -> bool:
        """Tell whether the gateway would take this answer for "received"."""

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        """Spoil the next call of the operation, once."""
