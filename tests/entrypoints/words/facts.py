"""Facts of every kind, made by the annotations of their class: filled in, or bare."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from retender.domain.model.money import Money
from retender.domain.model.story import FACTS, Fact

AT = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
ODD = "茶 {x} [b] \\ 🍵"


def every_fact() -> Iterator[Fact]:
    """Yield facts of every class; of every member of an enumeration that they bear, one."""
    for made in FACTS.values():
        yield make(made, bare=True)
        for turn in range(longest(made)):
            yield make(made, turn=turn)


def longest(annotation: Any) -> int:
    """Return how many members the longest enumeration in there has; 1 where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return len(annotation)
    if is_dataclass(annotation):
        return max(map(longest, get_type_hints(annotation).values()))
    return max([1, *map(longest, get_args(annotation))])


def make(annotation: Any, *, turn: int = 0, bare: bool = False) -> Any:
    """Return a value; ``bare`` leaves out what has a default."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, UnionType):
        (known,) = (part for part in get_args(annotation) if part is not type(None))
        return make(known, turn=turn, bare=bare)
    if get_origin(annotation) is tuple:
        return tuple(make(get_args(annotation)[0], turn=turn + n) for n in range(2))
    if get_origin(annotation) is dict:
        return {ODD: make(get_args(annotation)[1])}
    if is_dataclass(annotation):
        hints = get_type_hints(annotation)
        parts = [part for part in fields(annotation) if not bare or _is_needed(part)]
        return annotation(  # type: ignore[operator]  # a class, not one of its objects
            **{part.name: make(hints[part.name], turn=turn, bare=bare) for part in parts}
        )
    members = list(annotation)
    return members[turn % len(members)]


_PLAIN: dict[Any, Any] = {
    str: ODD,
    int: 7,
    bool: True,
    Money: Money(8880, "CNY"),
    datetime: AT,
}


def _is_needed(part: Any) -> bool:
    return part.default is MISSING and part.default_factory is MISSING
