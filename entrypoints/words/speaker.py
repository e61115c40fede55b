"""Speaker: says phrases in one language, with times, amounts and names as its reader has them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from retender.domain.model.cause import Problem
from retender.domain.model.story import Fact
from retender.entrypoints.words.catalogue import catalogue
from retender.entrypoints.words.language import Language
from retender.entrypoints.words.phrase import Phrase, Several, Value, phrase
from retender.entrypoints.words.problems import meaning_of
from retender.entrypoints.words.story_lines import line_of
from retender.entrypoints.words.terms import term_of


def instant(at: datetime) -> str:
    """Return a time of day with its date and zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Speaker:
    """
    Says phrases.

    Attributes:
        language: in which it speaks.
        when: how it writes a time.

    """

    language: Language = Language.ENGLISH
    when: Callable[[datetime], str] = instant

    def line(self, fact: Fact) -> tuple[str, str]:
        """Say what a line of a story tells, and why."""
        what, why = line_of(fact)
        return self.text(what), self.text(why)

    def text(self, said: Phrase) -> str:
        """Say a phrase."""
        template = catalogue(self.language).get(said.msgid, said.msgid)
        return template.format_map({name: self._word(value) for name, value in said.facts.items()})

    def _word(self, value: Value) -> str:
        match value:
            case Phrase():
                return self.text(value)
            case Several():
                return self.text(value.between).join(map(self.text, value.phrases))
            case Problem():
                return self._problem(value)
            case datetime():
                return self.when(value)
            case StrEnum():
                term = term_of(value)
                return str(value) if term is None else self.text(term)
            case _:
                # A row of the story may say less than its kind does.
                return "?" if value is None else str(value)

    def _problem(self, problem: Problem) -> str:
        """
        Say what went wrong: an error's own sentence, which is English.

        In other languages its meaning stands first, as far as its code tells it.
        """
        meaning = meaning_of(problem)
        if self.language is Language.ENGLISH or meaning is None:
            return problem.message
        return self.text(phrase("{meaning} ({words})", meaning=meaning, words=problem.message))
