"""Survivors that somebody has looked at, each with the reason why no test sees it."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from retender.tests.mutation.making import Key

FILE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True, slots=True)
class Survivor:
    """
    One mutant that no test kills.

    Attributes:
        key: what names it.
        equivalent: whether it behaves as the code does, so that no test could see it.
        why: the reason, for whoever reads the list.

    """

    key: Key
    equivalent: bool
    why: str


def read() -> dict[Key, Survivor]:
    """
    Read the list.

    Raises:
        ValueError: an entry lacks its reason, or stands there twice.

    """
    found: dict[Key, Survivor] = {}
    for entry in tomllib.loads(FILE.read_text())["survivor"]:
        parts = ("module", "function", "operator", "before", "after")
        key = Key(*(entry[part] for part in parts))
        if key in found or not entry["why"].strip():
            raise ValueError(f"{FILE.name}: twice, or without a reason: {key}")
        found[key] = Survivor(key, entry["equivalent"], entry["why"])
    return found


def as_toml(keys: Iterable[Key]) -> str:
    """Return entries to fill in, for survivors that nobody has looked at yet."""
    return "\n".join(_entry(key) for key in keys)


def _entry(key: Key) -> str:
    lines = [f"{name} = {_quoted(getattr(key, name))}" for name in Key.__slots__]
    return "\n".join(["[[survivor]]", *lines, "equivalent = false", 'why = ""', ""])


def _quoted(text: str) -> str:
    return (
        f"'{text}'"
        if "'" not in text
        else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )
