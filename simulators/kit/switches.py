"""Switches: facts about a gateway that nobody could confirm, each settable either way."""

from collections.abc import Mapping
from dataclasses import Field, field, fields
from typing import Any, ClassVar, Protocol


class Switches(Protocol):
    """Any mutable dataclass whose fields were made with ``switch``."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class UnknownSwitchError(ValueError):
    """There is no such switch, or it does not take such a value."""


def switch(default: Any, doc: str) -> Any:  # noqa: ANN401 -- as dataclasses.field, which it wraps
    """Declare a switch with what it decides and why its default is what it is."""
    if isinstance(default, tuple | bool | int | str):
        return field(default=default, metadata={"doc": doc})
    raise TypeError(f"a switch holds a flag, a number, a word or a tuple of them, not {default!r}")


def describe(switches: Switches) -> dict[str, dict[str, object]]:
    """Return value, default and meaning of every switch by name."""
    return {
        each.name: {
            "value": getattr(switches, each.name),
            "default": each.default,
            "doc": each.metadata.get("doc", ""),
        }
        for each in fields(switches)
    }


def turn(switches: Switches, changes: Mapping[str, object]) -> None:
    """
    Set the named switches, all or none.

    Raises:
        UnknownSwitchError: a name or a type of value that no switch has.
    """
    known = {each.name: each for each in fields(switches)}
    settled: dict[str, object] = {}
    for name, value in changes.items():
        if name not in known:
            raise UnknownSwitchError(f"no switch {name!r}; there are {', '.join(sorted(known))}")
        wanted = type(known[name].default)
        taken = tuple(value) if wanted is tuple and isinstance(value, list) else value
        if type(taken) is not wanted:
            raise UnknownSwitchError(f"switch {name!r} takes a {wanted.__name__}, got {value!r}")
        settled[name] = taken
    for name, value in settled.items():
        setattr(switches, name, value)
