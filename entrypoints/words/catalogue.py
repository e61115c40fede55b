"""
Catalogues: what our sentences are in other languages, and which language a reader prefers.

They are read from their ``.po`` at run time, once a process: 200 sentences take a few
milliseconds, the file that is reviewed is the file that runs, and neither a wheel nor a link tree
needs a compiled one that could be stale. English needs no catalogue: it is the key.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel.core import negotiate_locale
from babel.messages.pofile import read_po

from retender.entrypoints.words.language import Language


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return the sentences of a language by their English ones."""
    if language is Language.ENGLISH:
        return {}
    source = files("retender.entrypoints.words").joinpath(f"{language}.po")
    with source.open("rb") as opened:
        catalog = read_po(opened, locale=language)
    return {str(message.id): str(message.string) for message in catalog if message.id}


def language_of(accepted: str | None) -> Language:
    """
    Return the language that an ``Accept-Language`` prefers among ours; English if none fits.

    A header that makes no sense prefers nothing.
    """
    by_weight = sorted(_ranges(accepted or ""), key=lambda found: -found[1])
    wanted = [tag for tag, weight in by_weight if weight > 0]
    found = negotiate_locale(wanted, list(Language), sep="-")
    return Language.ENGLISH if found is None else Language(found)


def _ranges(accepted: str) -> list[tuple[str, float]]:
    """Take the header apart; at most 20 ranges, as no reader knows more languages."""
    found = []
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.partition(";")
        found.append((tag.strip().lower(), _weight(weight.strip())))
    return found


def _weight(text: str) -> float:
    name, _, number = text.partition("=")
    if not text:
        return 1.0
    try:
        return float(number) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
