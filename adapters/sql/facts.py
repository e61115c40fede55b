"""
Facts as text: what a line of a story says is kept as compact JSON, exactly.

One codec serves every class of ``FACTS``, since it reads their annotations. A class is the list of
its values in the order of its fields, without the last ones that have their defaults: names would
be half of what a shop keeps for years. So fields are only ever added, at the end and with a
default; a test knows them all.

Amounts are ``[minor, currency]``, times are whole microseconds since 1970, members of enumerations
are their values; in somebody else's words, what no database takes is replaced. What does not fit
the annotations is an error: another version or a hand wrote it.
"""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from types import UnionType
from typing import Any, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

from retender.adapters.sql.columns import writable
from retender.domain.model.money import Money
from retender.domain.model.story import FACTS, Fact
from retender.domain.model.story_kind import StoryKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def facts_text(fact: Fact) -> str:
    """Return a fact as text that every database keeps as it is."""
    return json.dumps(_values(type(fact), fact), ensure_ascii=False, separators=(",", ":"))


def fact_of(kind: StoryKind, text: str) -> Fact:
    """
    Return the fact of a kind.

    Raises:
        ValueError, TypeError, KeyError: the text is none of ours.

    """
    fact: Fact = _made(FACTS[kind], json.loads(text))
    return fact


# --- one value, by its annotation ------------------------------------------------------

_Step: TypeAlias = Callable[[Any], Any]  # of whatever the annotation says


class _Codec(NamedTuple):
    """How values of one annotation become JSON, and how they are read back."""

    to_json: _Step
    from_json: _Step


@cache
def _codec(annotation: Hashable) -> _Codec:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, UnionType):
        return _or_none(annotation)
    if get_origin(annotation) in {tuple, dict}:
        return _several(annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _Codec(partial(_values, annotation), partial(_made, annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _Codec(str, annotation)
    message = f"facts of type {annotation} cannot be kept"
    raise TypeError(message)


def _or_none(annotation: UnionType) -> _Codec:
    (known,) = (_codec(part) for part in get_args(annotation) if part is not type(None))
    return _Codec(
        lambda value: None if value is None else known.to_json(value),
        lambda value: None if value is None else known.from_json(value),
    )


def _several(annotation: Any) -> _Codec:  # noqa: ANN401 - tuple[X, ...] or dict[str, X]
    if get_origin(annotation) is tuple:
        each = _codec(get_args(annotation)[0])
        return _Codec(
            lambda values: [each.to_json(value) for value in values],
            lambda values: tuple(each.from_json(value) for value in _checked(list, values)),
        )
    each = _codec(get_args(annotation)[1])
    return _Codec(
        lambda named: {writable(name): each.to_json(value) for name, value in named.items()},
        lambda named: {name: each.from_json(v) for name, v in _checked(dict, named).items()},
    )


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - a text or a number
    return value


def _checked(kind: type, value: Any) -> Any:  # noqa: ANN401 - whatever is stored
    if type(value) is not kind:
        message = f"{value!r:.64} is no {kind.__name__}"
        raise TypeError(message)
    return value


def _money(value: Any) -> Money:  # noqa: ANN401 - whatever is stored
    minor, currency = _checked(list, value)
    return Money(minor, currency)


def _instant(value: Any) -> datetime:  # noqa: ANN401 - whatever is stored
    try:
        microseconds: int = _checked(int, value)
        return _EPOCH + microseconds * _MICROSECOND
    except OverflowError as problem:
        message = f"{value} is no time: {problem}"
        raise ValueError(message) from problem


_PLAIN: Mapping[object, _Codec] = {
    str: _Codec(writable, partial(_checked, str)),
    int: _Codec(_as_it_is, partial(_checked, int)),
    bool: _Codec(_as_it_is, partial(_checked, bool)),
    Money: _Codec(lambda money: [money.minor, money.currency], _money),
    datetime: _Codec(lambda at: (at - _EPOCH) // _MICROSECOND, _instant),
}


# --- a class, by its fields ---------------------------------------------------------------


@cache
def _parts(made: type) -> Sequence[tuple["Field[Any]", _Codec]]:
    hints = get_type_hints(made)
    return [(part, _codec(hints[part.name])) for part in fields(made)]


def _values(made: type, fact: object) -> list[Any]:
    parts = _parts(made)
    found = [getattr(fact, part.name) for part, _ in parts]
    while found and found[-1] == _default(parts[len(found) - 1][0]):
        del found[-1]
    return [codec.to_json(value) for value, (_, codec) in zip(found, parts, strict=False)]


def _default(part: "Field[Any]") -> object:
    if part.default_factory is not MISSING:
        return part.default_factory()
    return part.default


def _made(made: type, values: Any) -> Any:  # noqa: ANN401 - whatever is stored
    parts = _parts(made)
    if len(_checked(list, values)) > len(parts):
        message = f"{len(values)} facts are more than a {made.__name__} has"
        raise ValueError(message)
    told = zip(parts, values, strict=False)
    return made(**{part.name: codec.from_json(value) for (part, codec), value in told})
