"""Routes for whoever watches over us: alive, and ready for work."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from retender.entrypoints.http.cases import Given
from retender.entrypoints.http.documented import answered, grouped
from retender.entrypoints.http.problems import Problem, correlation_id

router = APIRouter(tags=["health"])

_NOT_READY = "NOT_READY"


class Health(BaseModel):
    """All is well."""

    status: str


@router.get(
    "/healthz",
    summary="Tell whether the process is alive",
    responses={200: answered({"status": "alive"}, "It is.")},
)
async def healthz() -> Health:
    """Touch nothing; for restarting what hangs."""
    return Health(status="alive")


@router.get(
    "/readyz",
    summary="Tell whether the database is reached and its tables are current",
    responses={
        200: answered({"status": "ready"}, "It is."),
        **grouped([Problem(503, _NOT_READY, "The database cannot be reached.")]),
    },
    response_model=Health,
)
async def readyz(cases: Given, request: Request) -> Health | Response:
    """Ask the database; for sending requests elsewhere meanwhile."""
    if trouble := await cases.not_ready():
        return Problem(503, _NOT_READY, trouble).response(correlation_id(request))
    return Health(status="ready")
