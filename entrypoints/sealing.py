"""Whether the page key is the one that stored pages were sealed with, and where it comes from."""

import logging
from typing import TYPE_CHECKING

from retender.domain.model.errors import RetenderError
from retender.domain.model.operators import for_operators
from retender.entrypoints.page_key import source_of_page_key

if TYPE_CHECKING:
    from retender.entrypoints.container import Container

log = logging.getLogger("retender.start")


async def changed_page_key(container: "Container") -> str | None:
    """Say that the page key was changed, and which one is meant; None if all opens under it."""
    looked_at, unopened = await container.store().unopened()
    if not unopened:
        return None
    which = source_of_page_key(container.settings())
    return (
        f"the page key changed: {unopened} of the {looked_at} newest attempts that may still be "
        f"paid do not open under the one of {which}"
    )


HOW_TO_MEND = (
    "Put the old key back there, the same for every server and worker. There is room for one key "
    "only: with a new one these payers get new pages, and this ends when the attempts do."
)


async def log_page_key(container: "Container") -> None:
    """Log it as a process starts: a key that is another one here than there goes unseen."""
    try:
        if await container.store().standing() != "current":
            return  # nothing is stored yet
        changed = await changed_page_key(container)
    except RetenderError as error:
        log.warning("cannot look whether the page key changed: %s", for_operators(error))
        return
    if changed:
        log.warning("%s. %s", changed, HOW_TO_MEND)
