"""The guard of the contract kit: a promised behaviour cannot vanish without a sound."""

from pathlib import Path
from typing import ClassVar

import pytest

from retender.tests.contracts import kit as contracts_kit
from retender.tests.contracts.kit import Contract


class SomeContract(Contract):
    """A contract of two behaviours."""

    def test_paying_works(self):
        assert self is not None

    def test_closing_works(self):
        assert self is not None


def test_an_implementer_may_add_tests():
    class Added(SomeContract):
        def test_more(self):
            assert self is not None

    assert Added.weaker == {}


def test_overriding_a_test_in_silence_is_an_error():
    with pytest.raises(TypeError, match="Silent replaces test_closing_works of its contract"):

        class Silent(SomeContract):
            def test_closing_works(self):
                assert self is not None


def test_removing_a_test_in_silence_is_an_error():
    with pytest.raises(TypeError, match="replaces test_closing_works, test_paying_works"):

        class Removed(SomeContract):
            test_closing_works = None  # type: ignore[assignment]  # taking it away is what is tried
            test_paying_works = None  # type: ignore[assignment]  # taking it away is what is tried


def test_hiding_a_test_behind_a_mixin_is_an_error():
    class Mixin:
        def test_paying_works(self):
            assert self is not None

    with pytest.raises(TypeError, match="replaces test_paying_works"):

        class Mixed(Mixin, SomeContract):
            pass


def test_a_weakness_may_be_said_aloud():
    class Weak(SomeContract):
        weaker: ClassVar = {"test_closing_works": "no such call"}
        test_closing_works = None  # type: ignore[assignment]  # taking it away is what is tried

    class Heir(Weak):
        def test_more(self):
            assert self is not None

    assert Heir.weaker == {"test_closing_works": "no such call"}


def test_a_weakness_needs_a_reason():
    with pytest.raises(TypeError, match="gives no reason for test_closing_works"):

        class Mute(SomeContract):
            weaker: ClassVar = {"test_closing_works": " "}
            test_closing_works = None  # type: ignore[assignment]  # taking it away is what is tried


def test_a_weakness_that_is_none_is_an_error():
    with pytest.raises(TypeError, match="names test_opening_works, not replaced"):

        class Idle(SomeContract):
            weaker: ClassVar = {"test_opening_works": "whatever"}


def test_the_asserts_of_every_part_of_the_kit_can_be_read_by_strangers():
    """A part that is not listed would fail without showing what it compared."""
    kit = Path(contracts_kit.__file__).parent
    parts = {
        path.relative_to(kit).with_suffix("").as_posix().replace("/", ".")
        for path in kit.glob("*/*.py")
        if path.name != "__init__.py"
    }
    assert parts | {"transport_servers"} == set(contracts_kit._ASSERTING)
