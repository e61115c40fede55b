"""SimulatedGateway: a gateway under test, made of a simulator of our kit and its plugin."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retender.domain.model.page import Page
from retender.plugins.simulator_kit.control import ControlledSimulator
from retender.plugins.simulator_kit.delivery import Forgery
from retender.plugins.simulator_kit.faults import ANY_OPERATION, FaultKind
from retender.plugins.simulator_kit.payer import PayerAction
from retender.ports.payment_provider import Acknowledgement, PaymentProvider, RawNotice
from retender.ports.transport import Transport
from retender.tests.contracts.provider.faulty_transport import FaultyTransport
from retender.tests.contracts.provider.gateway import ALICE, Booked, Fault, Operation

UNKNOWN_CODE = "CODE_THAT_STANDS_NOWHERE"

_KINDS = {
    Fault.LOST_BEFORE_EFFECT: FaultKind.LOST_BEFORE_EFFECT,
    Fault.LOST_AFTER_EFFECT: FaultKind.LOST_AFTER_EFFECT,
    Fault.SERVER_ERROR: FaultKind.HTTP_5XX,
    Fault.RATE_LIMIT: FaultKind.RATE_LIMIT,
    Fault.UNKNOWN_CODE: FaultKind.PROVIDER_ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedGateway:
    """
    All of ``GatewayUnderTest``, for brands whose simulator is a ``ControlledSimulator``.

    Freeze the simulator's clock, and give it to the provider too.

    Attributes:
        simulator: the gateway.
        transport: the way to it, such as an HTTP transport wired to the simulator's app.
        build: makes a provider of the one account on a given transport.
        operations: by which ``Request.operation`` each operation of the port is known.
        hears: whether the gateway takes status and body for "received".
        unsigned: takes every trace of a signature out of a notice.
        foreign: fields of a notice, to be overwritten so that it is about another merchant.
        subject_of: what the payer read, by number; the books do not say.
        secrets: texts that must never show.

    """

    simulator: ControlledSimulator
    transport: Transport
    build: Callable[[Transport], PaymentProvider]
    operations: Mapping[Operation, Collection[str]]
    hears_answer: Callable[[int, bytes], bool]
    without_signature: Callable[[RawNotice], RawNotice]
    foreign: Mapping[str, str]
    subject_of: Callable[[str], str | None]
    secrets: Sequence[str]
    _faulty: FaultyTransport = field(init=False)
    _provider: PaymentProvider = field(init=False)

    def __post_init__(self) -> None:
        """Put the fault dials between provider and gateway."""
        faulty = FaultyTransport(self.transport, self.operations, self._spoil)
        object.__setattr__(self, "_faulty", faulty)
        object.__setattr__(self, "_provider", self.build(faulty))

    @property
    def provider(self) -> PaymentProvider:
        """The provider under test."""
        return self._provider

    def another_provider(self) -> PaymentProvider:
        """Build a second provider of the same account."""
        return self.build(self.transport)

    def now(self) -> datetime:
        """Return the simulator's time."""
        return self.simulator.clock.now()

    def advance(self, by: timedelta) -> None:
        """Let the simulator's time pass."""
        self.simulator.clock.advance(by)

    async def pay(self, page: Page, *, buyer: str = ALICE) -> bool:
        """Pay the page."""
        return self.simulator.act(PayerAction.PAY, page, buyer=buyer).ok

    async def begin(self, page: Page, *, buyer: str = ALICE) -> bool:
        """Scan, or log in."""
        action = PayerAction.SCAN if page.kind == "qr" else PayerAction.LOG_IN
        return self.simulator.act(action, page, buyer=buyer).ok

    async def booked(self, number: str) -> Booked:
        """Look into the simulator's books."""
        book = self.simulator.books().get(number)
        if book is None:
            return Booked()
        return Booked(
            captured=book.captured_minor,
            refunded=book.refunded_minor,
            subject=self.subject_of(number),
        )

    async def notices(self) -> Sequence[RawNotice]:
        """Deliver what is due to nobody, and return first deliveries."""
        await self.simulator.delivery.deliver_due(_nobody)
        return [
            RawNotice(
                headers={k.lower(): v for k, v in delivery.notice.headers.items()},
                body=delivery.notice.body,
                received_at=delivery.sent_at,
            )
            for delivery in self.simulator.delivery.history
            if delivery.attempt == 1
        ]

    def forge_notices(self) -> None:
        """Turn the dial that signs with a stranger's key."""
        self.simulator.delivery.turn(forge=Forgery.STRANGER_KEY)

    def speak_for_another(self) -> None:
        """Turn the dial that overwrites fields before signing."""
        self.simulator.delivery.turn(alter=self.foreign)

    def unsigned(self, notice: RawNotice) -> RawNotice:
        """Take the signature away."""
        return self.without_signature(notice)

    def hears(self, answer: Acknowledgement) -> bool:
        """Ask the gateway's own rule."""
        return self.hears_answer(answer.status, answer.body)

    def set_fault(self, fault: Fault, operation: Operation) -> None:
        """Spoil the next call of the operation, once."""
        self._faulty.set_fault(fault, operation)

    def _spoil(self, fault: Fault) -> None:
        code = UNKNOWN_CODE if fault is Fault.UNKNOWN_CODE else None
        self.simulator.faults.set(_KINDS[fault], ANY_OPERATION, code=code)


async def _nobody(_url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
    """Take a notice and say nothing that any gateway would hear."""
    return 503, b""
