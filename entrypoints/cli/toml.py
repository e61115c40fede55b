"""Settings written as TOML, ready to be used or pasted."""

import json
from collections.abc import Mapping


def toml(tables: Mapping[str, Mapping[str, str | int | float]]) -> str:
    """Return the tables as TOML; the one with an empty name comes without a heading."""
    return "\n".join(_table(name, values) for name, values in tables.items())


def _table(name: str, values: Mapping[str, str | int | float]) -> str:
    heading = f"[{name}]\n" if name else ""
    return heading + "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: str | float) -> str:
    """Write numbers bare, keys in PEM over several lines, all other text in one."""
    if not isinstance(value, str):
        return str(value)
    if "\n" in value and "'''" not in value:
        return f"'''\n{value.rstrip()}\n'''"
    # JSON's escapes are TOML's, for everything that is printable.
    return json.dumps(value, ensure_ascii=False)
