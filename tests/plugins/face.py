"""The plugin's face, written out: every name with its fields, members and signatures."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any

from retender import plugin

_WHERE = re.compile(r"\b(?:retender|collections|datetime|typing)\.(?:[a-z_]+\.)*(?=[A-Za-z])")
"""Where a type is defined is no matter: plugins do not import it from there."""


def written_out() -> str:
    """Return one text that changes whenever a plugin could notice a change."""
    lines = (line for name in sorted(plugin.__all__) for line in _told(name))
    return "".join(f"{_WHERE.sub('', line)}\n" for line in lines)


def _told(name: str) -> Iterator[str]:
    thing = getattr(plugin, name)
    if not inspect.isclass(thing):
        is_plain = isinstance(thing, int | str)
        yield f"{name} = {thing!r}" if is_plain else f"{name}: {_shown(thing)}"
        return
    bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
    yield f"class {name}({bases})"
    if issubclass(thing, Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in thing)
        return
    if is_dataclass(thing):
        for field in fields(thing):
            must = field.default is MISSING and field.default_factory is MISSING
            yield f"    {field.name}: {_shown(field.type)}{'' if must else ' = ...'}"
    for attribute in sorted(vars(thing)):
        value = inspect.getattr_static(thing, attribute)
        if attribute.startswith("_") and attribute not in {"__init__", "__call__"}:
            continue
        if is_dataclass(thing) and attribute == "__init__":
            continue
        if isinstance(value, property):
            yield f"    {attribute}: {_shown(value.fget.__annotations__.get('return'))}"
        elif isinstance(value, classmethod | staticmethod) or inspect.isfunction(value):
            yield f"    def {attribute}{inspect.signature(getattr(thing, attribute))}"


def _shown(kind: Any) -> str:
    if " object at 0x" in str(kind):
        kind = type(kind)
    return kind.__name__ if inspect.isclass(kind) and not hasattr(kind, "__args__") else str(kind)


if __name__ == "__main__":
    print(written_out(), end="")  # noqa: T201 - this is how the file beside it is made
