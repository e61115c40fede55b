"""
Places: how it is told that a handler stands where one stood before.

What a handler does next depends on the code, the instruction and the local
variables of its frames, but not on those that only go into the story.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from types import CoroutineType, FrameType
from typing import Any

from retender.domain.model.attempt import Attempt
from retender.domain.model.attention import AttentionItem
from retender.domain.model.event import Event, UntoldEvent
from retender.domain.model.refund import Refund
from retender.domain.model.story import FACTS, StoryEntry
from retender.domain.steps.retry_when_busy import retry_when_busy
from retender.ports.payment_provider import RawNotice
from retender.tests.model.state import was_just_sent

STORY_ONLY = frozenset(
    {"self", "work", "now", "asked_at", "asked", "why", "problem", "cause", "words"}
)
"""Locals that never decide anything after a wait: they are written into the story."""


async def _unit() -> None:
    """Do nothing, to see by what a unit of work is done again."""


_REDONE = retry_when_busy(_unit).__code__


def frames(coroutine: Any) -> list[FrameType]:
    frames = []
    while isinstance(coroutine, CoroutineType):
        assert coroutine.cr_frame is not None
        if coroutine.cr_code is not _REDONE:  # it hands on, and nothing depends on it
            frames.append(coroutine.cr_frame)
        coroutine = coroutine.cr_await
    return frames


def held(frame: FrameType) -> datetime | None:
    held: datetime | None = frame.f_locals.get("held_until")
    return held


def is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_name != "__aenter__"


def position(frame: FrameType) -> tuple[object, ...]:
    """Return the code, the instruction, and every local on which a decision may depend."""
    told = frame.f_locals
    values = [plain(value) for name, value in told.items() if name not in STORY_ONLY]
    if "asked_at" in told:  # it is compared with one thing only
        subject = told.get("attempt") or told["refund"]
        values.append(subject.proves_absence(told["asked_at"]))
    return (frame.f_code, frame.f_lasti, *values)


def plain(value: Any) -> Any:
    """Return something that is equal for equal values, errors and lists included."""
    kind: Any = type(value)
    plain = _plain_of(kind)
    return value if plain is None else plain(value)


@cache
def _plain_of(kind: type) -> Callable[[Any], Any] | None:
    """Look once for each type: this is asked for all the time."""
    return next((plain for known, plain in _PLAIN if issubclass(kind, known)), None)


def _plain_items(items: Any) -> tuple[Any, ...]:
    return tuple(map(plain, items))


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (set, frozenset),
    (BaseException, lambda error: (type(error), str(error))),
    (dict, lambda facts: _plain_items(facts.items())),
    ((list, tuple), _plain_items),
    (RawNotice, lambda raw: raw.body),
    (Event, lambda event: (event.event_id, event.kind, event.subject)),
    (AttentionItem, lambda item: (item.code, item.subject)),
    ((StoryEntry, *FACTS.values()), lambda _: None),  # a line that is only written
    (UntoldEvent, lambda untold: plain(untold.event)),
    # Who asks is the store's business alone.
    (Attempt, lambda its: replace(its, asking_until=None) if its.asking_until else its),
    # When it was sent matters only where a number may go back twice: just now, or long ago.
    (Refund, lambda its: replace(its, sent_at=was_just_sent(its)) if its.sent_at else its),
)
"""What cannot be compared, or should not be as it is, and how to compare it."""
