"""InProcessAnnouncer: events for listeners in this very process, and a log line for each."""

import logging

from retender.domain.model.event import Event
from retender.ports.announcer import Announcer

logger = logging.getLogger(__name__)


class InProcessAnnouncer:
    """
    Implements ``Announcer``: every listener hears every event, one after the other.

    A listener is an announcer itself. If one raises, the others hear the event
    all the same; then it is told again to all, under the same ``event_id``.
    """

    def __init__(self, *listeners: Announcer) -> None:
        """Begin with these listeners."""
        self._listeners = list(listeners)

    def listen(self, listener: Announcer) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    async def __call__(self, event: Event) -> None:
        """
        Tell all listeners.

        Raises:
            ExceptionGroup: what went wrong with whom.

        """
        problems: list[Exception] = []
        for listener in self._listeners:
            try:
                await listener(event)
            except Exception as problem:  # noqa: BLE001 - listeners are strangers; raised below
                problems.append(problem)
        if problems:
            message = f"event {event.event_id} was not heard by all"
            raise ExceptionGroup(message, problems)


async def log_event(event: Event) -> None:
    """Write the event into the log."""
    logger.info(
        "%s: order %s, subject %s, event %s",
        event.kind,
        event.order_no,
        event.subject,
        event.event_id,
    )
