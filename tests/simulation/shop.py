"""The shop's end of the announcements: it takes its time, and keeps a book of what it was told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from retender.domain.model.event import Event

if TYPE_CHECKING:
    from retender.tests.simulation.town import Town


@dataclass(slots=True)
class Calm:
    """
    Since when our processes could all do what they meant to do.

    It is broken while one of them stands still or the store takes nothing, and in the moment
    in which one dies.
    """

    clock: Callable[[], float]
    _since: float = -inf
    _hindrances: int = 0

    def breaks(self) -> None:
        """Let something begin that hinders our processes."""
        self._hindrances += 1

    def comes_back(self) -> None:
        """Let it be over."""
        self._hindrances -= 1
        self._since = self.clock()

    def is_broken(self) -> None:
        """Let it begin and be over at once, as a death does."""
        self._since = self.clock()

    def has_held_since(self, moment: float) -> bool:
        """Tell whether nothing has hindered anybody from then on."""
        return not self._hindrances and self._since < moment


@dataclass(slots=True)
class Telling:
    """One time that the shop heard of an event, and what whoever told it came to know of that."""

    began: float
    is_over: bool = False
    has_answer: bool = False


@dataclass(slots=True)
class Shop:
    """
    Hears of events, and looks that nobody tells it one again without a reason.

    Telling at least once is what is promised, so a death, a stop, trouble of the store and an
    answer that did not come are reasons to tell again. Nothing else is: a lease outlasts each
    telling, and who holds none tells nothing.

    Attributes:
        told: what it has heard, by event id.
        rate: how often it does not hear, or is not known to have heard.

    """

    town: "Town"
    rate: float
    told: dict[str, Event] = field(default_factory=dict)
    _last: dict[str, Telling] = field(default_factory=dict)

    async def hears(self, event: Event) -> None:
        """Hear an event at once and answer when it suits; sometimes lose either."""
        town, chance = self.town, self.town.chance_here()
        if chance.random() < self.rate:
            raise ConnectionError("the shop did not hear")
        self._check(event)
        telling = self._last[event.event_id] = Telling(town.loop.time())
        self.told[event.event_id] = event
        takes = self._takes(event)
        slowly = f" and takes {takes:.1f} s" if takes else ""
        town.log(f"the shop hears {event.kind} of {event.order_no}{slowly}")
        try:
            if takes:
                await asyncio.sleep(takes)
            if chance.random() < self.rate:
                raise ConnectionError("the shop heard, and its answer was lost")
            telling.has_answer = True
        finally:
            telling.is_over = True

    def _takes(self, event: Event) -> float:
        """Draw how long the answer takes, by a chance that is the shop's and the order's own."""
        if self.town.is_quiet or not any(self.town.plan.shop_takes):
            return 0.0
        chance = self.town.stream(f"shop of {event.order_no}")
        return chance.choice(self.town.plan.shop_takes) * chance.uniform(0.8, 1.2)

    def _check(self, event: Event) -> None:
        """Find a reason for a telling that is not the first."""
        last = self._last.get(event.event_id)
        if last is None or not self.town.calm.has_held_since(last.began):
            return
        if not last.is_over:
            self._complain(event, "while it was being told")
        elif last.has_answer:
            self._complain(event, "and had answered that it heard")

    def _complain(self, event: Event, why: str) -> None:
        what = f"the shop was told {event.kind} twice as {event.event_id}"
        self.town.bugs.append(f"{event.order_no}: {what}, {why}")
