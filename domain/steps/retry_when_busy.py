"""``retry_when_busy``: a unit of work that met a busy store is done again, at once, a few times."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from retender.domain.model.errors import StoreBusy
from retender.domain.model.operators import for_operators

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MOST_TIMES = 3
"""How often a unit is done before its caller is told that the store is busy."""


def retry_when_busy(unit: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Let a method that is one unit of work, and nothing else, be done again after ``StoreBusy``.

    That error says that nothing was changed: the unit gave way in a deadlock, its
    connection broke, or it waited in vain. It is done in a fresh transaction, which
    reads everything anew. There is no pause, since stores wait by themselves as long
    as waiting helps. A method that asks a provider is never decorated: the answer
    would be asked for again.

    Nothing is done again after ``StoreUncertain``: the unit may have been kept, and would
    find its own work in its way, as if somebody else had been faster: a page that was just
    kept came "too late", a refund to send is "being sent by another". Whoever asks from
    the start reads first what there is.
    """

    @wraps(unit)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(MOST_TIMES - 1):
            try:
                return await unit(*args, **kwargs)
            except StoreBusy as busy:
                logger.info("%s is done again: %s", unit.__qualname__, for_operators(busy))
        return await unit(*args, **kwargs)

    return tried
