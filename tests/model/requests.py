"""Wishes: where a use case of production suspends, and what the explorer gives it then."""

from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from unittest.mock import patch

from retender.domain.use_cases import announce_events
from retender.ports.unit_of_work import Work
from retender.tests.model.state import START, Ledger

if TYPE_CHECKING:
    from retender.adapters.memory.unit_of_work import MemoryWork

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


Request = Begin | Call


class Suspend:
    """Hands a wish to whoever drives the coroutine, and returns the answer."""

    def __init__(self, request: Request) -> None:
        """Keep the request."""
        self.request = request

    def __await__(self) -> Generator[Request, Any, Any]:
        """Wait for the answer."""
        return (yield self.request)


class Transaction(AbstractAsyncContextManager[Work]):
    """What ``async with unit_of_work()`` enters: the driver answers with an open work."""

    def __init__(self, request: Begin) -> None:
        """Keep the request."""
        self.request = request
        self.work: MemoryWork | None = None

    async def __aenter__(self) -> Work:
        """Begin when the explorer says so."""
        self.work = await Suspend(self.request)
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
    """Implements ``UnitOfWork``: to begin is a request, and the store answers it in one step."""

    def __call__(
        self, *, read_only: bool = False, once: bool = False
    ) -> AbstractAsyncContextManager[Work]:
        """Begin a transaction of the model; a state is of one instant, however often one asks."""
        del once
        return Transaction(Begin(read_only))


@contextmanager
def without_time_limits() -> Iterator[None]:
    """Let no time-out run: there is no event loop, and a lost answer is an answer of its own."""
    no_loop = SimpleNamespace(timeout=nullcontext)
    with patch.object(announce_events, "asyncio", no_loop):
        yield


class ModelClock:
    """Tells the instant at which a step is taken."""

    def __init__(self) -> None:
        """Begin at the beginning."""
        self.now = START
        self.reads = 0

    def __call__(self) -> datetime:
        """Return the present."""
        self.reads += 1
        return self.now

    def difference(self, account: str | None = None) -> timedelta:
        """Be sure of no difference: what there is, stays under the watch."""
        del account
        return timedelta(0)

    def is_wrong(self, account: str | None = None) -> bool:
        """Prove what time it is."""
        return bool(self.difference(account))


class Names:
    """Fresh ids that depend on the ledger alone, so that the same step gives the same names."""

    def __init__(self) -> None:
        """Begin."""
        self.before = self.given = 0

    def begin(self, ledger: Ledger) -> None:
        """Start over for one transaction."""
        self.before, self.given = ledger.names_given, 0

    def __call__(self) -> str:
        """Return the next one."""
        self.given += 1
        return f"ID{self.before + 1:04d}{self.given:04d}"


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
