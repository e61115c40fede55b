"""``create_app``: the HTTP API around one container."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from retender.domain.model.errors import RetenderError
from retender.entrypoints import addresses
from retender.entrypoints.http import (
    attention,
    health,
    metrics,
    notices,
    orders,
    pages,
    problems,
    refunds,
)
from retender.entrypoints.http.dependencies import Dependencies
from retender.entrypoints.http.middleware import (
    BodyLimitMiddleware,
    BodyTooLarge,
    CorrelationMiddleware,
    answer_body_too_large,
)
from retender.entrypoints.http.openapi import openapi_with_problems

if TYPE_CHECKING:
    from retender.entrypoints.container import Container

_ABOUT = """
An order can be paid again, with another provider and from another client type,
until somebody has paid it once.

Amounts are decimal **strings** with an ISO 4217 currency. Errors are
`application/problem+json` (RFC 9457) with a stable `code`. When a provider's
answer is unknown, the answer is `202`, never a failure.
"""


def create_app(container: "Container") -> FastAPI:
    """
    Return the ASGI app; it asks the container for the use cases once, here.

    The container is opened and closed by the caller, who may have overridden
    parts of it. Nothing runs beside the requests: what is due is the worker's.
    """
    settings = container.settings()
    app = FastAPI(
        title="Retender",
        summary="Leave, come back, and pay again another way, once.",
        description=_ABOUT,
        version=version("retender"),
        # The usual documentation pages load scripts from strangers.
        openapi_url=addresses.OPENAPI,
        docs_url=None,
        redoc_url=None,
    )
    app.state.dependencies = Dependencies(container)
    for module in (orders, refunds, attention, notices, pages, health, metrics):
        app.include_router(module.router)
    app.add_exception_handler(RetenderError, problems.answer_retender_error)
    app.add_exception_handler(RequestValidationError, problems.answer_validation_error)
    app.add_exception_handler(HTTPException, problems.answer_http_error)
    app.add_exception_handler(BodyTooLarge, answer_body_too_large)
    # The last that is added is the outermost.
    app.add_middleware(
        BodyLimitMiddleware,
        most=settings.http.max_body_bytes,
        most_notice=settings.http.max_notice_bytes,
    )
    app.add_middleware(CorrelationMiddleware, new_id=container.new_id())
    app.openapi = openapi_with_problems(app)  # type: ignore[method-assign]  # the framework's own way to extend it
    return app
