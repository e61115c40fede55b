"""
Handlers: production's use cases, run one step at a time, and remembered where they stand.

A use case suspends in two places only: where it begins a transaction, and where
it calls a provider. What it does next is a function of where it stands and of
what it is answered, so a place is found again by its frames: code, instruction,
local variables. Coroutines cannot be copied; a place is entered a second time by
giving a fresh one the same answers again.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from retender.adapters.memory.rows import Rows
from retender.adapters.memory.unit_of_work import MemoryWork
from retender.domain.model.errors import RetenderError, UndefinedTransition
from retender.tests.model.places import frames, held, is_ours, plain, position
from retender.tests.model.requests import Begin, ModelClock, Names, Request
from retender.tests.model.state import Ledger, Ledgers


class Job(NamedTuple):
    """One call of a use case: which, with what, and how to begin it."""

    name: str
    about: str


class Answer(NamedTuple):
    """What a handler was given at one of its requests, and when."""

    now: datetime
    given: Any  # a Ledger for Begin; a reply or an exception for Call


@dataclass(eq=False, slots=True)
class Place:
    """
    Where a handler stands.

    Attributes:
        rank: a small number of its own, in the order in which places were found.
        job: which call of which use case it is.
        request: what it waits for.
        where: the function that waits, for people.
        log: answers that lead here; the first that were found.
        held_until: the token of the lease under which it works, if it is a worker.
        spare: a coroutine that stands here and was not used yet.

    """

    rank: int
    job: Job
    request: Request
    where: str
    log: tuple[Answer, ...]
    held_until: datetime | None = None
    spare: Coroutine[Any, Any, Any] | None = field(default=None, repr=False)


class Step(NamedTuple):
    """What one answer did: the store after it, where the handler stands then, bugs, its result."""

    ledger: Ledger
    place: Place | None
    bug: str | None = None
    result: Any = None


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
        def place(self) -> int:
            """Return the same place always: nothing is kept."""
            return 0

        async def add(self, entry: object, *, place: int | None = None) -> None:
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


ONLY_SHOWS = frozenset({"ResolveAttention.__call__"})
"""Reads that only show the caller what was done."""

MAY_BE_DIARY = frozenset(
    {"Inquire._noted", "CheckAttempt._plan", "LeavePages._say", "PayOrder._noted"}
)
"""Where it is worth trying whether a transaction writes nothing but the story."""

NOT_WITH_LEASES = frozenset({"CheckAttempt._plan"})
"""Where a worker gives its lease back."""


class Handlers:
    """All places that handlers were seen in, and what follows from each."""

    def __init__(
        self,
        ledgers: Ledgers,
        clock: ModelClock,
        names: Names,
        begin: Callable[[Job], Coroutine[Any, Any, Any]],
        instants: tuple[datetime, ...],
        *,
        leases: bool,
    ) -> None:
        """Drive what ``begin`` begins; ``leases``: it matters when they end, and by whom."""
        self.instants = instants
        self.may_be_diary = MAY_BE_DIARY - (NOT_WITH_LEASES if leases else frozenset())
        self.ledgers, self.clock, self.names, self.begin = ledgers, clock, names, begin
        self.places: dict[object, Place | None] = {}
        self.found: list[Place] = []
        self.steps: dict[tuple[Place | Job, datetime, Any], Step] = {}
        self.replays = 0

    def start(self, job: Job, now: datetime, ledger: Ledger) -> Step:
        """Begin a job and let it do its first transaction; before that it does nothing."""
        key = (job, now, ledger)
        if key not in self.steps:
            coroutine = self.begin(job)
            self.clock.now = now
            request = coroutine.send(None)
            assert isinstance(request, Begin), "every use case begins with a transaction"
            self.steps[key] = self._answer(coroutine, job, (), request, Answer(now, ledger))
        return self.steps[key]

    def go_on(self, place: Place, now: datetime, ledger: Ledger, reply: Any = None) -> Step:
        """Answer a handler where it stands: with the store, or with a provider's reply."""
        given = ledger if isinstance(place.request, Begin) else reply
        key = (place, now, plain(given))
        if key not in self.steps:
            coroutine, place.spare = place.spare or self._replay(place.job, place.log), None
            answer = Answer(now, given)
            self.steps[key] = self._answer(coroutine, place.job, place.log, place.request, answer)
        step = self.steps[key]
        return step if isinstance(place.request, Begin) else step._replace(ledger=ledger)

    def _answer(
        self,
        coroutine: Coroutine[Any, Any, Any],
        job: Job,
        log: tuple[Answer, ...],
        request: Request,
        answer: Answer,
    ) -> Step:
        after = [answer.given if isinstance(request, Begin) else self.ledgers.first]
        try:
            new_request = self._feed(coroutine, answer, after)
        except StopIteration as end:
            return Step(after[-1], None, result=end.value)
        except UndefinedTransition as error:
            return Step(after[-1], None, error.message)
        except RetenderError:
            return Step(after[-1], None)  # what the caller is told is no part of the model
        return Step(after[-1], self._place(coroutine, job, (*log, answer), new_request))

    def _feed(
        self, coroutine: Coroutine[Any, Any, Any], answer: Answer, after: list[Ledger] | None
    ) -> Request:
        """Run a handler to its next request; what it commits is added to ``after``, if given."""
        self.clock.now, given = answer.now, answer.given
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
        self.clock.now = log[0].now
        coroutine.send(None)
        for answer in log:
            self._feed(coroutine, answer, None)
        return coroutine

    def _place(
        self,
        coroutine: Coroutine[Any, Any, Any],
        job: Job,
        log: tuple[Answer, ...],
        request: Request,
    ) -> Place | None:
        """Find or make the place; a transaction that only writes the story is done at once."""
        stack = frames(coroutine)
        where = next(f.f_code.co_qualname for f in reversed(stack) if is_ours(f))
        key = (job, *(position(frame) for frame in stack))
        if key in self.places:
            coroutine.close()
            return self.places[key]
        if isinstance(request, Begin) and request.read_only and where in ONLY_SHOWS:
            coroutine.close()
            self.places[key] = None
        elif where in self.may_be_diary and (beyond := self._skip(job, log)) is not None:
            coroutine.close()
            self.places[key] = beyond[0]
        else:
            token = next((held(f) for f in stack if held(f) is not None), None)
            self.found.append(
                Place(len(self.found) + 1, job, request, where, log, token, coroutine)
            )
            self.places[key] = self.found[-1]
        return self.places[key]

    def _skip(self, job: Job, log: tuple[Answer, ...]) -> tuple[Place | None] | None:
        """Return the place after a transaction that writes nothing but the story, now or later."""
        now = log[-1].now
        tries = [self._write_diary(job, log, later) for later in self.instants if later >= now]
        if tries[0] is None or None in tries:
            return None
        coroutine, request = tries[0]
        if request is None:
            return (None,)
        # The log says "the ledger was this"; a diary entry is the same in every ledger.
        return (self._place(coroutine, job, (*log, Answer(now, self.ledgers.first)), request),)

    def _write_diary(
        self, job: Job, log: tuple[Answer, ...], now: datetime
    ) -> tuple[Coroutine[Any, Any, Any], Request | None] | None:
        """Try a transaction with nothing but the story in it; None if that is not enough."""
        coroutine = self._replay(job, log)
        diary = _Diary(self.clock)
        self.clock.now = now
        try:
            request = coroutine.send(diary)
        except _Touched:
            return None
        except (StopIteration, RetenderError):
            return coroutine, None
        # If it notes the time next, time may pass before that.
        return None if self.clock.reads > diary.reads else (coroutine, request)
