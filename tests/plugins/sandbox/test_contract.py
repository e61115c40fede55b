"""The sandbox keeps every promise of a payment provider, over the real transport."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from retender.adapters.http.transport import HttpxTransport
from retender.plugins.hookspecs import ProviderContext
from retender.plugins.sandbox.plugin import PLUGIN
from retender.plugins.sandbox.simulator import SandboxSimulator, heard
from retender.plugins.sandbox.wire import SIGNATURE_HEADER
from retender.ports.payment_provider import PaymentProvider, RawNotice
from retender.ports.transport import Transport
from retender.tests.contracts.payment_provider import Operation, PaymentProviderContract
from retender.tests.contracts.provider.simulated import SimulatedGateway

NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)


def unsigned(raw: RawNotice) -> RawNotice:
    headers = {name: value for name, value in raw.headers.items() if name != SIGNATURE_HEADER}
    return replace(raw, headers=headers)


def sandbox() -> SimulatedGateway:
    simulator = SandboxSimulator("https://sandbox.example", clock=lambda: NOON)

    def build(transport: Transport) -> PaymentProvider:
        return PLUGIN.build(
            ProviderContext(
                account="sandbox",
                settings=simulator.settings,
                transport=transport,
                clock=simulator.clock.now,
                random_text=lambda length: "r" * length,
            )
        )

    def subject_of(number: str) -> str | None:
        trades = simulator._gateway.ledger.all()
        return next((t.ask.subject for t in trades if t.ask.number == number), None)

    return SimulatedGateway(
        simulator=simulator,
        transport=HttpxTransport.to_app(simulator.app, clock=simulator.clock.now),
        build=build,
        operations={operation: {str(operation)} for operation in Operation},
        hears_answer=heard,
        without_signature=unsigned,
        foreign={"merchant": "somebody-else"},
        subject_of=subject_of,
        secrets=[simulator.settings["secret"]],
    )


class TestSandbox(PaymentProviderContract):
    plugin = PLUGIN
    notice_window = timedelta(minutes=5)

    @pytest.fixture
    def gateway(self):
        return sandbox()
