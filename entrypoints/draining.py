"""``draining``: what is still under way at accounts that take no new payments, or are gone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retender.domain.model.errors import RetenderError
from retender.domain.model.operators import for_operators

if TYPE_CHECKING:
    from retender.entrypoints.container import Container

log = logging.getLogger("retender.start")


@dataclass(frozen=True, slots=True)
class Draining:
    """
    An account that is drained, or missing from the settings while payers may still pay there.

    Attributes:
        account: its name.
        live: how many of its attempts may still be paid.
        configured: whether it is in the settings; if not, nobody can ask about them.

    """

    account: str
    live: int
    configured: bool


async def draining(container: "Container") -> Sequence[Draining]:
    """Return the drained accounts in the order of the settings, then the missing ones by name."""
    accounts = container.settings().accounts
    async with container.unit_of_work()(read_only=True) as work:
        live = await work.backlog.live_attempts()
    drained = [
        Draining(name, live.get(name, 0), configured=True)
        for name, chosen in accounts.items()
        if not chosen.enabled
    ]
    gone = sorted(set(live) - set(accounts))
    return [*drained, *(Draining(name, live[name], configured=False) for name in gone)]


async def log_draining(container: "Container") -> None:
    """Log a line for each of them, as a process starts: nobody runs the doctor every day."""
    try:
        if await container.store().standing() != "current":
            return  # there is nothing to count
        found = await draining(container)
    except RetenderError as error:
        # No reason not to start: a database that is down may be back in a minute.
        log.warning(
            "cannot count what may still be paid at drained accounts: %s", for_operators(error)
        )
        return
    for each in found:
        if each.configured:
            log.info("%s is drained; %d of its attempts may still be paid", each.account, each.live)
        else:
            log.warning(
                "%s is in no settings, and %d of its attempts may still be paid: "
                "bring [accounts.%s] back with enabled = false",
                each.account,
                each.live,
                each.account,
            )
