"""Facts for machines: what a line of a story says, as a JSON object by name."""

from dataclasses import fields, is_dataclass
from datetime import datetime

from pydantic import JsonValue

from retender.domain.model.money import Money
from retender.domain.model.story import Fact


def facts_view(fact: Fact) -> dict[str, JsonValue]:
    """Return a fact by its names: amounts as every answer shows them, times as ISO 8601."""
    return _by_name(fact)


def _by_name(value: object) -> dict[str, JsonValue]:
    parts = ((part.name, getattr(value, part.name)) for part in fields(value))  # type: ignore[arg-type]  # a dataclass
    return {name: _shown(part) for name, part in parts if part is not None}


def _shown(value: object) -> JsonValue:
    if isinstance(value, Money):
        return dict(value.to_json())
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_shown(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _shown(each) for name, each in value.items()}
    if is_dataclass(value):
        return _by_name(value)
    return value if isinstance(value, bool | int) else str(value)
