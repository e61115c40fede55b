"""What every contract of the kit is: behaviours that an implementer may add to, not take away."""

import sys
from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest

# A stranger's pytest rewrites the asserts of test files only; these modules hold the kit's. Each
# public module of the kit imports this one before them. Who begins with one of them gets the same
# tests, and only less to read when that one fails.
_ASSERTING = (
    "provider.amounts",
    "provider.closing",
    "provider.gateway",
    "provider.notices",
    "provider.opening",
    "provider.refunds",
    "provider.scene",
    "provider.terms",
    "provider.trouble",
    "store.aside",
    "store.attempts",
    "store.attention",
    "store.backlog",
    "store.coming_back",
    "store.deeds",
    "store.ground",
    "store.leases",
    "store.moves",
    "store.neighbours",
    "store.orders",
    "store.races",
    "store.records",
    "store.refunds",
    "store.samples",
    "store.transactions",
    "transport_servers",
    "provider.merchant",
    "provider.names",
    "store.references",
)
_MODULES = tuple(f"retender.tests.contracts.{name}" for name in _ASSERTING)
pytest.register_assert_rewrite(*(name for name in _MODULES if name not in sys.modules))


class Contract:
    """
    A set of behaviours: a class of tests that implementers inherit.

    The implementer supplies fixtures, the contract supplies the tests. A test that is
    overridden or set to ``None`` in a subclass would vanish without a sound, so that is an
    error at class definition, unless the subclass says it aloud::

        class TestMine(SomeContract):
            weaker = {"test_closing_works": "the gateway has no such call before 2027"}

    Attributes:
        weaker: the tests that this implementation replaces by less, each with the reason.

    """

    weaker: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Refuse a subclass in which a promised behaviour is not what the kit says it is."""
        super().__init_subclass__(**kwargs)
        replaced = set(_replaced(cls))
        if silent := sorted(replaced - set(cls.weaker)):
            raise TypeError(
                f"{cls.__name__} replaces {', '.join(silent)} of its contract: rename what is "
                f"an addition, or give the reason in `weaker`."
            )
        if idle := sorted(set(cls.weaker) - replaced):
            raise TypeError(f"{cls.__name__}.weaker names {', '.join(idle)}, not replaced by it.")
        if mute := sorted(name for name, reason in cls.weaker.items() if not reason.strip()):
            raise TypeError(f"{cls.__name__}.weaker gives no reason for {', '.join(mute)}.")


def _replaced(cls: type) -> Iterator[str]:
    """Name the tests for which the class sees another object than their first definition."""
    first: dict[str, object] = {}
    for definer in reversed(cls.__mro__):
        for name, what in vars(definer).items():
            if name.startswith("test"):
                first.setdefault(name, what)
    for name, what in first.items():
        for definer in cls.__mro__:
            if name in vars(definer):
                if vars(definer)[name] is not what:
                    yield name
                break
