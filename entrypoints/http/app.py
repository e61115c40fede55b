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
from retender.entrypoints.http.cases import Cases
from retender.entrypoints.http.documented import openapi_of
from retender.entrypoints.http.edge import Bounded, Correlated, TooLarge, answer_too_large

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
    app.state.cases = _cases(container)
    for module in (orders, refunds, attention, notices, pages, health, metrics):
        app.include_router(module.router)
    app.add_exception_handler(RetenderError, problems.answer_retender_error)
    app.add_exception_handler(RequestValidationError, problems.answer_validation_error)
    app.add_exception_handler(HTTPException, problems.answer_http_error)
    app.add_exception_handler(TooLarge, answer_too_large)
    # The last that is added is the outermost.
    app.add_middleware(
        Bounded, most=settings.http.max_body_bytes, most_notice=settings.http.max_notice_bytes
    )
    app.add_middleware(Correlated, new_id=container.new_id())
    app.openapi = openapi_of(app)  # type: ignore[method-assign]  # the framework's own way to extend it
    return app


def _cases(container: "Container") -> Cases:
    return Cases(
        place_order=container.place_order(),
        pay_order=container.pay_order(),
        take_notice=container.take_notice(),
        close_order=container.close_order(),
        refund_payment=container.refund_payment(),
        show_order=container.show_order(),
        show_refund=container.show_refund(),
        show_page=container.show_page(),
        list_methods=container.list_methods(),
        list_attention=container.list_attention(),
        show_attention=container.show_attention(),
        accounts=container.accounts(),
        client_types=container.client_types(),
        clock=container.clock(),
        random_text=container.random_text(),
        check_store=container.store().check,
        left_alone=container.guards().left_alone,
        clock_offsets=container.gateway_clocks().offsets,
        addresses=addresses.Addresses(container.settings().public_url),
    )
