"""Phrase: a sentence with its facts, before it is said in a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from retender.domain.model.cause import Problem
from retender.domain.model.money import Money


@dataclass(frozen=True, slots=True)
class Phrase:
    """
    A sentence that can be said in any language.

    Attributes:
        msgid: the English sentence, its facts as named placeholders; the catalogues' key.
        facts: a value for each placeholder.

    """

    msgid: str
    facts: Mapping[str, "Value"]


@dataclass(frozen=True, slots=True)
class Several:
    """Phrases in a row, and what stands between two of them."""

    phrases: tuple[Phrase, ...]
    between: Phrase


Value: TypeAlias = Phrase | Several | Problem | Money | datetime | StrEnum | str | int | None
"""What a placeholder may stand for; whoever says the phrase formats it."""

Line: TypeAlias = tuple[Phrase, Phrase]
"""What was done or learnt, and why."""


def phrase(msgid: str, /, **facts: Value) -> Phrase:
    """
    Return a phrase; catalogues are made of the first argument of every call.

    So that it can be found there, it is written out and not computed.
    """
    return Phrase(msgid, facts)


def only(value: Value) -> Phrase:
    """Return a phrase that is nothing but a value: there are no words of ours to translate."""
    return Phrase("{value}", {"value": value})
