"""
Handlers: production's use cases, run one step at a time, and remembered where they stand.

A use case suspends in two places only: where it begins a transaction, and where
it calls a provider. What it does next is a function of where it stands and of
what it is answered, so a place is found again by its frames: code, instruction,
local variables. Coroutines cannot be copied; a place is entered a second time by
giving a fresh one the same answers again.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import CoroutineType, FrameType, TracebackType
from typing import Any, NamedTuple, TypeVar

from retender.adapters.memory.rows import Rows
from retender.adapters.memory.unit_of_work import MemoryWork
from retender.domain.model.attempt import Attempt
from retender.domain.model.errors import RetenderError, UndefinedTransition
from retender.domain.use_cases.redone import redone
from retender.ports.payment_provider import RawNotice
from retender.ports.unit_of_work import Work
from retender.tests.model.state import Ledger, Ledgers, Phase

T = TypeVar("T")
R = TypeVar("R")


class Begin(NamedTuple):
    """A handler wants a transaction."""

    read_only: bool


class Call(NamedTuple):
    """A handler wants to ask a provider."""

    verb: str
    account: str
    what: Any  # a Charge or a RefundOrder


Wish = Begin | Call


class Suspend:
    """Hands a wish to whoever drives the coroutine, and returns the answer."""

    def __init__(self, wish: Wish) -> None:
        """Keep the wish."""
        self.wish = wish

    def __await__(self) -> Generator[Wish, Any, Any]:
        """Wait for the answer."""
        return (yield self.wish)


class Transaction(AbstractAsyncContextManager[Work]):
    """What ``async with unit_of_work()`` enters: the driver answers with an open work."""

    def __init__(self, wish: Begin) -> None:
        """Keep the wish."""
        self.wish = wish
        self.work: MemoryWork | None = None

    async def __aenter__(self) -> Work:
        """Begin when the explorer says so."""
        self.work = await Suspend(self.wish)
        assert self.work is not None
        return self.work

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo what was not committed."""
        assert self.work is not None
        self.work.end()


class ModelUnitOfWork:
    """Implements ``UnitOfWork``: to begin is a wish, and the store answers it in one step."""

    def __call__(self, *, read_only: bool = False) -> AbstractAsyncContextManager[Work]:
        """Begin a transaction of the model."""
        return Transaction(Begin(read_only))


class ModelClock:
    """Tells the instant of the phase in which a step is taken."""

    def __init__(self) -> None:
        """Begin at the beginning."""
        self.phase = Phase.IN_TIME
        self.reads = 0

    def __call__(self) -> datetime:
        """Return the present."""
        self.reads += 1
        return self.phase.instant


class Names:
    """Fresh ids that depend on the ledger alone, so that the same step gives the same names."""

    def __init__(self) -> None:
        """Begin."""
        self.attempts = self.given = 0

    def begin(self, ledger: Ledger) -> None:
        """Start over for one transaction."""
        self.attempts, self.given = len(ledger.attempts), 0

    def __call__(self) -> str:
        """Return the next one."""
        self.given += 1
        return f"ID{self.attempts + 1:04d}{self.given:04d}"


class OneByOne:
    """Implements ``TimeBudget``: side by side is one by one; answers get lost elsewhere."""

    async def answer(self, ask: Callable[[T], Awaitable[R]], about: T) -> R:
        """Ask, however long it takes."""
        return await ask(about)

    async def side_by_side(
        self, work: Callable[[T], Awaitable[R]], about: Sequence[T]
    ) -> Sequence[R]:
        """Do it for each in turn."""
        done = []
        for each in about:
            done.append(await work(each))  # noqa: PERF401 - a comprehension would hide its place
        return done


_ONE_BY_ONE = OneByOne()


def no_time_limit() -> OneByOne:
    """Give every command the same budget: it has no state."""
    return _ONE_BY_ONE


class Job(NamedTuple):
    """One call of a use case: which, with what, and how to begin it."""

    name: str
    about: str


class Answer(NamedTuple):
    """What a handler was given at one of its wishes, and when."""

    phase: Phase
    given: Any  # a Ledger for Begin; a reply or an exception for Call


@dataclass(eq=False, slots=True)
class Place:
    """
    Where a handler stands.

    Attributes:
        job: which call of which use case it is.
        wish: what it waits for.
        where: the function that waits, for people.
        log: answers that lead here; the first that were found.
        spare: a coroutine that stands here and was not used yet.

    """

    job: Job
    wish: Wish
    where: str
    log: tuple[Answer, ...]
    spare: Coroutine[Any, Any, Any] | None = field(default=None, repr=False)


class Step(NamedTuple):
    """What one answer did: the store after it, where the handler stands then, and bugs."""

    ledger: Ledger
    place: Place | None
    bug: str | None


class _Touched(BaseException):
    """A transaction looked at something besides the story."""


class _Diary:
    """A work in which only the story and the plan of looks may be written."""

    class _Attempts:
        async def reschedule(
            self, attempt_id: str, next_check_at: datetime, *, held_until: datetime | None
        ) -> bool:
            """Plan a look: which exact moment is no part of the model."""
            del attempt_id, held_until
            return next_check_at is not None

        def __getattr__(self, name: str) -> Any:
            """Refuse everything else."""
            raise _Touched(name)

    class _Story:
        async def add(self, entry: object) -> None:
            """Write a line, which no decision reads."""

    def __init__(self, clock: ModelClock) -> None:
        """Begin."""
        self.attempts, self.story = self._Attempts(), self._Story()
        self.clock, self.reads = clock, clock.reads

    async def commit(self) -> None:
        """Keep nothing, but note how often the time was asked for until now."""
        self.reads = self.clock.reads

    def end(self) -> None:
        """Nothing is undone."""

    def __getattr__(self, name: str) -> Any:
        """Refuse everything else."""
        raise _Touched(name)


ONLY_ANSWERS = frozenset(
    {"CheckAttempt._load", "CheckRefund._load", "AskForPage._keep", "AskForPage._stop_if_paid"}
)
"""Reads that, after a provider was called, only make up what the caller is told."""


MAY_BE_DIARY = frozenset(
    {"FindOut._noted", "CheckAttempt._plan", "LeavePages._say", "PayOrder._stored"}
)
"""Where it is worth trying whether a transaction writes nothing but the story."""

STORY_ONLY = frozenset({"self", "work", "now", "asked_at", "asked", "what", "why", "problem"})
"""Locals that never decide anything after a wait: they are written into the story."""


class Handlers:
    """All places that handlers were seen in, and what follows from each."""

    def __init__(
        self,
        ledgers: Ledgers,
        clock: ModelClock,
        names: Names,
        begin: Callable[[Job], Coroutine[Any, Any, Any]],
    ) -> None:
        """Drive what ``begin`` begins."""
        self.ledgers, self.clock, self.names, self.begin = ledgers, clock, names, begin
        self.places: dict[object, Place | None] = {}
        self.steps: dict[tuple[Place | Job, Phase, Any], Step] = {}
        self.replays = 0

    def start(self, job: Job, phase: Phase, ledger: Ledger) -> Step:
        """Begin a job and let it do its first transaction; before that it does nothing."""
        key = (job, phase, ledger)
        if key not in self.steps:
            coroutine = self.begin(job)
            self.clock.phase = phase
            wish = coroutine.send(None)
            assert isinstance(wish, Begin), "every use case begins with a transaction"
            self.steps[key] = self._answer(coroutine, job, (), wish, Answer(phase, ledger))
        return self.steps[key]

    def go_on(self, place: Place, phase: Phase, ledger: Ledger, reply: Any = None) -> Step:
        """Answer a handler where it stands: with the store, or with a provider's reply."""
        given = ledger if isinstance(place.wish, Begin) else reply
        key = (place, phase, _plain(given))
        if key not in self.steps:
            coroutine, place.spare = place.spare or self._replay(place.job, place.log), None
            answer = Answer(phase, given)
            self.steps[key] = self._answer(coroutine, place.job, place.log, place.wish, answer)
        step = self.steps[key]
        return step if isinstance(place.wish, Begin) else step._replace(ledger=ledger)

    def _answer(
        self,
        coroutine: Coroutine[Any, Any, Any],
        job: Job,
        log: tuple[Answer, ...],
        wish: Wish,
        answer: Answer,
    ) -> Step:
        after = [answer.given if isinstance(wish, Begin) else self.ledgers.first]
        try:
            new_wish = self._feed(coroutine, answer, after)
        except StopIteration:
            return Step(after[-1], None, None)
        except UndefinedTransition as error:
            return Step(after[-1], None, error.message)
        except RetenderError:
            return Step(after[-1], None, None)  # what the caller is told is no part of the model
        return Step(after[-1], self._place(coroutine, job, (*log, answer), new_wish), None)

    def _feed(
        self, coroutine: Coroutine[Any, Any, Any], answer: Answer, after: list[Ledger] | None
    ) -> Wish:
        """Run a handler to its next wish; what it commits is added to ``after``, if given."""
        self.clock.phase, given = answer.phase, answer.given
        if isinstance(given, BaseException):
            return coroutine.throw(given.with_traceback(None))
        if not isinstance(given, Ledger):
            return coroutine.send(given)
        self.names.begin(given)

        def publish(rows: Rows) -> None:
            if after is not None:
                after.append(self.ledgers.freeze(rows, given.events))

        return coroutine.send(MemoryWork(given.thaw(), publish))

    def _replay(self, job: Job, log: tuple[Answer, ...]) -> Coroutine[Any, Any, Any]:
        self.replays += 1
        coroutine = self.begin(job)
        self.clock.phase = log[0].phase
        coroutine.send(None)
        for answer in log:
            self._feed(coroutine, answer, None)
        return coroutine

    def _place(
        self, coroutine: Coroutine[Any, Any, Any], job: Job, log: tuple[Answer, ...], wish: Wish
    ) -> Place | None:
        """Find or make the place; a transaction that only writes the story is done at once."""
        frames = list(_frames(coroutine))
        where = next(f.f_code.co_qualname for f in reversed(frames) if _is_ours(f))
        key = (job, *(_position(frame) for frame in frames))
        if key in self.places:
            coroutine.close()
            return self.places[key]
        asked = any(not isinstance(answer.given, Ledger) for answer in log)
        if isinstance(wish, Begin) and wish.read_only and asked and where in ONLY_ANSWERS:
            coroutine.close()
            self.places[key] = None
        elif where in MAY_BE_DIARY and (beyond := self._skip(job, log)) is not None:
            coroutine.close()
            self.places[key] = beyond[0]
        else:
            self.places[key] = Place(job, wish, where, log, coroutine)
        return self.places[key]

    def _skip(self, job: Job, log: tuple[Answer, ...]) -> tuple[Place | None] | None:
        """Return the place after a transaction that writes nothing but the story, now or later."""
        now = log[-1].phase
        tries = [self._write_diary(job, log, phase) for phase in Phase if phase >= now]
        if tries[0] is None or None in tries:
            return None
        coroutine, wish = tries[0]
        if wish is None:
            return (None,)
        # The log says "the ledger was this"; a diary entry is the same in every ledger.
        return (self._place(coroutine, job, (*log, Answer(now, self.ledgers.first)), wish),)

    def _write_diary(
        self, job: Job, log: tuple[Answer, ...], phase: Phase
    ) -> tuple[Coroutine[Any, Any, Any], Wish | None] | None:
        """Try a transaction with nothing but the story in it; None if that is not enough."""
        coroutine = self._replay(job, log)
        diary = _Diary(self.clock)
        self.clock.phase = phase
        try:
            wish = coroutine.send(diary)
        except _Touched:
            return None
        except (StopIteration, RetenderError):
            return coroutine, None
        # If it notes the time next, time may pass before that.
        return None if self.clock.reads > diary.reads else (coroutine, wish)


async def _unit() -> None:
    """Do nothing, to see by what a unit of work is done again."""


_REDONE = redone(_unit).__code__


def _frames(coroutine: Any) -> list[FrameType]:
    frames = []
    while isinstance(coroutine, CoroutineType):
        assert coroutine.cr_frame is not None
        if coroutine.cr_code is not _REDONE:  # it hands on, and nothing depends on it
            frames.append(coroutine.cr_frame)
        coroutine = coroutine.cr_await
    return frames


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_name != "__aenter__"


def _position(frame: FrameType) -> tuple[object, ...]:
    """Return the code, the instruction, and every local on which a decision may depend."""
    told = frame.f_locals
    values = [_plain(value) for name, value in told.items() if name not in STORY_ONLY]
    if "asked_at" in told:  # it is compared with one thing only
        values.append(told["attempt"].proves_absence(told["asked_at"]))
    return (frame.f_code, frame.f_lasti, *values)


def _plain(value: Any) -> Any:
    """Return something that is equal for equal values, errors and lists included."""
    if isinstance(value, BaseException):
        return type(value), str(value)
    if isinstance(value, dict):
        return tuple((name, _plain(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, RawNotice):
        return value.body
    if isinstance(value, Attempt):  # who asks is the store's business alone
        return value if value.asking_until is None else replace(value, asking_until=None)
    return value
