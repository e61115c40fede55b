"""TextLimit: how long a text a gateway takes, and how a longer one is cut."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a gateway counts; one Chinese character is three bytes of UTF-8."""

    CHARACTERS = "characters"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class TextLimit:
    """
    The most that one field takes; a plugin keeps all of its fields in one table.

    A text for people is cut, since it is better short than refused. What a program reads
    (a number, an address) is never cut: check that it ``fits``, at the door.

    Attributes:
        most: how many.
        unit: of what.

    """

    most: int
    unit: Unit = Unit.CHARACTERS

    def fits(self, text: str) -> bool:
        """Tell whether the gateway takes it."""
        return self._size(text) <= self.most

    def cut(self, text: str) -> str:
        """Return as much of it as the gateway takes, cut between two characters."""
        if self.unit is Unit.CHARACTERS:
            return text[: self.most]
        return text.encode()[: self.most].decode(errors="ignore")

    def _size(self, text: str) -> int:
        return len(text) if self.unit is Unit.CHARACTERS else len(text.encode())
