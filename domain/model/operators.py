"""``for_operators``: what went wrong, in words that strangers are not told."""

from typing import TypeVar

from retender.domain.model.errors import RetenderError, StoreError

StoreT = TypeVar("StoreT", bound=StoreError)


def for_operators(error: RetenderError) -> str:
    """
    Return an error's sentence for commands and logs.

    Of a store in trouble it says which database it is, and the driver's own first line; also
    where another error was raised because of that. A password is in neither.
    """
    cause = error.__cause__
    more = f" {for_operators(cause)}" if isinstance(cause, StoreError) else ""
    return f"{error.operators}{more}"


def with_words(error: StoreT, words: str) -> StoreT:
    """Let the error carry this sentence for operators, in the place of its message."""
    error.operators = words
    return error
