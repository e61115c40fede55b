"""Column types: how a time, a name of ours and other people's words are kept exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import JSON, BigInteger, Dialect, Integer, LargeBinary, String, Text
from sqlalchemy.dialects.mysql import MEDIUMBLOB, MEDIUMTEXT
from sqlalchemy.types import TypeDecorator

from retender.domain.model.event import EventFact

NameT = TypeVar("NameT", bound=StrEnum)
ValueT = TypeVar("ValueT")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SERIAL = BigInteger().with_variant(Integer(), "sqlite")
"""Numbers rows in the order of writing; SQLite counts up nothing but an INTEGER."""

LONG_TEXT = Text().with_variant(MEDIUMTEXT(), "mysql")
SEALED = LargeBinary().with_variant(MEDIUMBLOB(), "mysql")
"""As long as it comes; what MariaDB calls a text ends at 64 KiB."""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """
    Stands where a stored value makes no sense; ``why`` says what was found there.

    Databases and drivers read whole results at once. If one value raised, every row of the
    result would be lost with it; so it is the row's reader that refuses (see ``mapping``).
    """

    why: str


class _Careful(TypeDecorator[ValueT]):
    """Reads a value, or says that it makes no sense; it never raises."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Read as the type does."""
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def careful(value: Any) -> Any:  # noqa: ANN401 - whatever is stored
            try:
                return read(value)
            except (ValueError, TypeError, OverflowError) as problem:
                return Spoilt(f"{value!r:.64}: {problem}"[:200])

        return careful


class Instant(_Careful[datetime]):
    """
    A time as whole microseconds since 1970, UTC.

    Databases disagree on time zones and fractions, and SQLite has no times at
    all; integers are exact and compare the same everywhere.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Count the microseconds; a time that does not say its zone is an error."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time without its zone cannot be kept"
            raise ValueError(message)
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


class Name(_Careful[NameT]):
    """A member of one of our enumerations, by its value; drivers never see the enum."""

    impl = String(32)
    cache_ok = True

    def __init__(self, names: type[NameT]) -> None:
        """Keep members of ``names``."""
        super().__init__()
        self.names = names

    def process_bind_param(self, value: NameT | None, dialect: Dialect) -> str | None:
        """Return the value as a plain string."""
        del dialect
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> NameT | None:
        """Return the member; an unknown one is an error, as somebody else wrote it."""
        del dialect
        return None if value is None else self.names(value)


class Words(TypeDecorator[str]):
    """
    Free text that may come from a provider; evidence is kept whatever it holds.

    Lone surrogates and NUL, which no database takes, are replaced.
    """

    impl = LONG_TEXT
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be written."""
        del dialect
        return None if value is None else writable(value)


class Facts(_Careful[dict[str, EventFact]]):
    """Names with texts and amounts; what cannot be written is replaced, as in ``Words``."""

    impl = JSON
    cache_ok = True

    def process_bind_param(
        self, value: Mapping[str, EventFact] | None, dialect: Dialect
    ) -> dict[str, EventFact] | None:
        """Replace what cannot be written."""
        del dialect
        if value is None:
            return None
        return {
            writable(name): writable(fact) if isinstance(fact, str) else fact
            for name, fact in value.items()
        }

    def process_result_value(self, value: object, dialect: Dialect) -> dict[str, EventFact] | None:
        """Return names with texts and amounts; anything else is an error: no code of ours."""
        del dialect
        named = _named(value)
        if named is not None and not all(isinstance(fact, str | dict) for fact in named.values()):
            message = "not names with texts and amounts"
            raise TypeError(message)
        return named


class Details(_Careful[dict[str, Any]]):
    """Values of our own that are only ever read back whole."""

    impl = JSON
    cache_ok = True

    def process_result_value(self, value: object, dialect: Dialect) -> dict[str, Any] | None:
        """Return names and values; anything else is an error, as somebody else wrote it."""
        del dialect
        return _named(value)


def _named(value: object) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    message = "not names and values"
    raise TypeError(message)


def writable(words: str) -> str:
    """Replace what no database takes, nor any answer: lone surrogates and NUL."""
    return words.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
