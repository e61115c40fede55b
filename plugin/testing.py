"""
What a plugin's own tests need: the contract that every provider must pass, and its props.

It needs pytest: the extra ``test``.
"""

from retender.tests.contracts.payment_provider import (
    ALICE,
    BOB,
    FORBIDDEN_PAGE,
    HOSTILE_TEXTS,
    Booked,
    Contract,
    Fault,
    GatewayUnderTest,
    KnowsPayers,
    Offer,
    Operation,
    PaymentProviderContract,
    ProviderScene,
)

__all__ = [
    "ALICE",
    "BOB",
    "FORBIDDEN_PAGE",
    "HOSTILE_TEXTS",
    "Booked",
    "Contract",
    "Fault",
    "GatewayUnderTest",
    "KnowsPayers",
    "Offer",
    "Operation",
    "PaymentProviderContract",
    "ProviderScene",
]
