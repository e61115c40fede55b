"""``named``: lines that are logged and errors that are raised say which order they are about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import MappingProxyType

from retender.domain.model.attempt import Attempt

_NOTHING: Mapping[str, str] = MappingProxyType({})
_names: ContextVar[Mapping[str, str]] = ContextVar("names", default=_NOTHING)

_WORDS = {
    "order_no": "order",
    "attempt_number": "attempt",
    "refund_no": "refund",
    "event_id": "event",
    "account": "account",
}


def names() -> Mapping[str, str]:
    """Return what is being worked on, for whoever writes a line about it."""
    return _names.get()


@contextmanager
def named(**names: str | None) -> Iterator[None]:
    """
    Name what is worked on inside: ``order_no``, ``attempt_number``, ``refund_no``, ``account``.

    A transport and a plugin log what went wrong with a call and know no order; with this
    their lines bear it. An error that leaves the block carries the names as a note.
    """
    given = {name: text for name, text in names.items() if text}
    token = _names.set({**_names.get(), **given})
    try:
        yield
    except Exception as trouble:
        note = ", ".join(f"{_WORDS[name]} {text}" for name, text in given.items())
        if note not in notes_of(trouble):
            trouble.add_note(note)
        raise
    finally:
        # A coroutine that was dropped is closed from elsewhere, where nothing was named.
        with suppress(ValueError):
            _names.reset(token)


@contextmanager
def named_attempt(attempt: Attempt) -> Iterator[None]:
    """Name an attempt and the order that it is to pay."""
    with named(
        order_no=attempt.charge.order_no, attempt_number=attempt.number, account=attempt.account
    ):
        yield


def notes_of(trouble: BaseException) -> list[str]:
    """Return the names that an error carries, in words, the innermost first."""
    return list(getattr(trouble, "__notes__", ()))
