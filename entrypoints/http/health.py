"""Routes for whoever watches over us: alive, and ready for work."""

import logging

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from retender.domain.model.errors import RetenderError
from retender.domain.model.operators import for_operators
from retender.entrypoints import addresses
from retender.entrypoints.http.dependencies import Injected
from retender.entrypoints.http.openapi import problems_by_status, success
from retender.entrypoints.http.problems import Problem, correlation_id

router = APIRouter(tags=["health"])

log = logging.getLogger("retender.http")

_PROBLEM = Problem(
    503, "NOT_READY", "The database is not reached or its tables are not current; see the log."
)


class Health(BaseModel):
    """All is well."""

    status: str


@router.get(
    addresses.ALIVE,
    summary="Tell whether the process is alive",
    responses={200: success({"status": "alive"}, "It is.")},
)
async def healthz() -> Health:
    """Touch nothing; for restarting what hangs."""
    return Health(status="alive")


@router.get(
    addresses.READY,
    summary="Tell whether the database is reached and its tables are current",
    responses={
        200: success({"status": "ready"}, "It is."),
        **problems_by_status([_PROBLEM]),
    },
    response_model=Health,
)
async def readyz(dependencies: Injected, request: Request) -> Health | Response:
    """Ask the database; for sending requests elsewhere meanwhile."""
    try:
        await dependencies.store.check()
    except RetenderError as trouble:
        log.warning("not ready: %s", for_operators(trouble))
        return _PROBLEM.response(correlation_id(request))
    return Health(status="ready")
