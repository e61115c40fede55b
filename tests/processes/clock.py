"""A clock that runs fast, the same one in every process of a scene."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from retender.entrypoints import container
from retender.entrypoints.cli import gateways


def fast_clock(epoch: float, speed: float) -> Callable[[], datetime]:
    """Return a clock that was right at ``epoch`` (Unix seconds), ``speed`` times as fast since."""

    def now() -> datetime:
        return datetime.fromtimestamp(epoch + (time.time() - epoch) * speed, UTC)

    return now


def hurry(epoch: float, speed: float) -> None:
    """
    Let this process's server, worker or simulator go by such a clock.

    An order lives for a minute at least; a test of a minute wants to see many
    end. Sockets, locks and time-outs stay real.
    """
    if speed == 1:
        return
    clock = fast_clock(epoch, speed)
    container.open_container = partial(container.open_container, clock=clock)
    gateways.new_simulator = partial(gateways.new_simulator, clock=clock)
