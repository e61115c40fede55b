"""InProcessAnnouncer: tells whoever listens in this process, and the log."""

import logging

from retender.domain.model.event import Event
from retender.ports.announcer import Announcer

log = logging.getLogger("retender.events")


class InProcessAnnouncer:
    """
    Implements ``Announcer`` for a shop that runs in this process, for demos and tests.

    If a listener raises, the event counts as not told: it comes again, to the
    others too, under the same id.
    """

    def __init__(self) -> None:
        """Begin with nobody but the log."""
        self._listeners: list[Announcer] = []

    def listen(self, listener: Announcer) -> None:
        """Tell this one, too, from now on."""
        self._listeners.append(listener)

    async def __call__(self, event: Event) -> None:
        """Deliver one event to everybody, one after the other."""
        for listener in self._listeners:
            await listener(event)
        log.info(
            "event",
            extra={
                "kind": str(event.kind),
                "event_id": event.event_id,
                "order_no": event.order_no,
                **{f"data_{key}": value for key, value in event.data.items()},
            },
        )
