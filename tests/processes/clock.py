"""A clock that runs fast, the same one in every process of a scene."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial

from uvicorn import Server

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
    _date_answers_by(clock)


def _date_answers_by(clock: Callable[[], datetime]) -> None:
    """Let what is served say what time it is by the clock, as a machine's server would."""
    tick = Server.on_tick

    async def on_tick(server: Server, counter: int) -> bool:
        is_over = await tick(server, counter)
        state = server.server_state
        others = [header for header in state.default_headers if header[0] != b"date"]
        date = format_datetime(clock(), usegmt=True).encode()
        state.default_headers = [(b"date", date), *others]
        return is_over

    Server.on_tick = on_tick  # type: ignore[method-assign, assignment]  # uvicorn knows one clock
