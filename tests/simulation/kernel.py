"""
The kernel: an event loop in which time is a number, order is chance, and processes can die.

Asyncio code runs on it unchanged. The clock jumps to the next timer; which of the ready
callbacks comes next is drawn from a seeded stream; a process is a ``Node`` that can be killed as
by ``kill -9``: none of its callbacks ever runs again, so no ``finally`` does either. It can also
be stopped as by ``SIGSTOP``, and go on later with all that it held.
"""

import asyncio
import contextvars
import heapq
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MANY = 256
_LAST_STEPS = 100_000


class Deadlock(Exception):
    """Everybody waits for somebody else, and no timer runs."""


@dataclass(slots=True, eq=False)
class Fate:
    """
    What is to befall a process: after so many of its steps, or at a place, whatever is given.

    Attributes:
        deed: what happens, such as the node's ``kill`` or ``stop``.
        steps: before which of its callbacks, counted from 0.
        place: when it comes to this place; whoever knows places says ``come_to``.

    """

    deed: Callable[[], None]
    steps: int | None = None
    place: str | None = None


class Node:
    """
    A process: what runs in its context lives and dies with it.

    Attributes:
        name: for the timeline.
        alive: false once it was killed.
        is_stopped: true while it was stopped and does not go on.
        fates: what is to befall it.
        at_death: what the operating system does then, such as letting go of locks.
        tasks: what it has begun.
        grave: what it would have run, had it lived.
        held: what it will run when it goes on.

    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.is_stopped = False
        self.fates: list[Fate] = []
        self.at_death: list[Callable[[], None]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.grave: list[asyncio.Handle] = []
        self.held: list[asyncio.Handle] = []

    def kill(self) -> None:
        """Let nothing of it run ever again."""
        if self.alive:
            self.alive = False
            for deed in self.at_death:
                deed()

    def stop(self) -> None:
        """Let nothing of it run until it goes on; what it holds, it holds."""
        self.is_stopped = True

    def tick(self) -> None:
        """Be about to take a step."""
        for fate in list(self.fates):
            if fate.steps == 0:
                self._meet(fate)
            elif fate.steps is not None:
                fate.steps -= 1

    def come_to(self, *places: str) -> bool:
        """Be somewhere; whether something befell it there, after which it must give up its turn."""
        met = [fate for fate in self.fates if fate.place in places]
        for fate in met:
            self._meet(fate)
        return bool(met)

    def _meet(self, fate: Fate) -> None:
        self.fates.remove(fate)
        fate.deed()

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to a task: a lost one would be collected, and its ``finally`` would run."""
        if len(self.tasks) > _MANY:
            self.tasks = [each for each in self.tasks if not each.done()]
        self.tasks.append(task)


WORLD = Node("world")
_node: contextvars.ContextVar[Node] = contextvars.ContextVar("node", default=WORLD)


class VirtualLoop(asyncio.AbstractEventLoop):
    """
    The loop. It knows no threads, sockets or signals: asking for one raises.

    Attributes:
        steps: how many callbacks have run.
        troubles: what asyncio would have logged: exceptions that nobody took.

    """

    def __init__(self, chance: Random, disorder: float = 0.2) -> None:
        """
        Begin at time 0.

        Args:
            chance: chooses who is next.
            disorder: how often it is not whoever is first in line.

        """
        self.steps = 0
        self.troubles: list[dict[str, Any]] = []
        self._chance = chance
        self._disorder = disorder
        self._now = 0.0
        self._order = count()
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._nodes: list[Node] = []

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self._now

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Put a callback into the line."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call when so much virtual time has passed."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a virtual time."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it in the heap; it is skipped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_: object,
    ) -> asyncio.Task[T]:
        """Start a task in the node that asks for it."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        (context.get(_node, WORLD) if context else _node.get()).keep(task)
        return task

    def get_debug(self) -> bool:
        """Say that nobody debugs."""
        return False

    def is_running(self) -> bool:
        """Say that it runs, since nobody else could ask."""
        return True

    def is_closed(self) -> bool:
        """Say that it is open."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody took."""
        self.troubles.append(context)

    # --- what a simulation asks of it ---

    def spawn(self, coro: Coroutine[Any, Any, T], node: Node) -> asyncio.Task[T]:
        """Start a task of a node; what it starts belongs to the node as well."""
        if node not in self._nodes:
            self._nodes.append(node)
        context = contextvars.copy_context()
        context.run(_node.set, node)
        return self.create_task(coro, context=context)

    def go_on(self, node: Node) -> None:
        """Let a stopped node do what it did not do in the meantime."""
        node.is_stopped = False
        self._ready += node.held
        node.held.clear()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until this coroutine is done, then end whatever else there is."""
        asyncio._set_running_loop(self)
        world = Node("world")
        try:
            task = self.spawn(main, world)
            while not task.done():
                self._step()
            return task.result()
        finally:
            self._bury()
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        """Let time pass if nobody is ready, then run one callback."""
        timers, ready = self._timers, self._ready
        while timers and (not ready or timers[0][0] <= self._now):
            when, _, timer = heapq.heappop(timers)
            if not timer.cancelled():
                self._now = max(self._now, when)
                ready.append(timer)
        if not ready:
            raise Deadlock
        jump = len(ready) > 1 and self._chance.random() < self._disorder
        handle = ready.pop(self._chance.randrange(len(ready)) if jump else 0)
        node = handle._context.get(_node, WORLD)  # type: ignore[attr-defined]  # a loop's business
        if node.fates and not node.is_stopped:
            node.tick()
        if not node.alive:
            node.grave.append(handle)
            return
        if node.is_stopped:
            node.held.append(handle)
            return
        if handle.cancelled():
            return
        self.steps += 1
        handle._run()

    def _bury(self) -> None:
        """
        Cancel what is left, and let it tidy up after itself where nobody can see it.

        The dead are woken for it as well: what is only forgotten would be collected at some
        moment, and tidy up then.
        """
        for node in self._nodes:
            node.alive = True
            node.fates.clear()
            self.go_on(node)
            self._ready += node.grave
            for task in node.tasks:
                task.cancel()
        left = [task for node in self._nodes for task in node.tasks]
        for _ in range(_LAST_STEPS):
            if not self._ready or all(task.done() for task in left):
                break
            with suppress(Deadlock):
                self._step()
        for task in left:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is no surprise
            elif not task.cancelled():
                task.exception()  # nobody else will take it
        self._ready.clear()
        self._timers.clear()


def here() -> Node:
    """Return the node of whoever asks."""
    return _node.get()
