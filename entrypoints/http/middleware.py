"""The middleware: a name for every request, a bound on every body, no traceback outside."""

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retender.domain.model.errors import NoticeProblem
from retender.entrypoints import addresses
from retender.entrypoints.http.problems import (
    INTERNAL,
    INTERNAL_DETAIL,
    Problem,
    correlation_id,
    protocol_problem,
)
from retender.ports.new_id import NewId

log = logging.getLogger("retender.http")

CORRELATION_ID = "Correlation-Id"
NOTICE_HEADER = "Retender-Notice"

_GOOD_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_TOO_LARGE = 413


class CorrelationMiddleware:
    """
    Gives each request a name, logs one line about it, and answers what nobody caught.

    The line says which route, how it ended and how long it took: no query, no
    body, no page id, since those can be as good as a signature.
    """

    def __init__(self, app: ASGIApp, new_id: NewId) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(CORRELATION_ID, "")
        name = offered if _GOOD_ID.fullmatch(offered) else self._new_id()
        scope["correlation_id"] = name
        status = 0

        async def named_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, name)
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(correlation_id=name):
            try:
                await self._app(scope, receive, named_send)
            except Exception:
                log.exception("request failed", extra=_log_fields(scope))
                if status:
                    raise  # half an answer is out; the server cuts the connection
                response = Problem(500, INTERNAL, INTERNAL_DETAIL).response(name)
                await response(scope, receive, named_send)
            finally:
                ms = round((time.perf_counter() - started) * 1000)
                log.info("request", extra={**_log_fields(scope), "status": status, "ms": ms})


class BodyLimitMiddleware:
    """
    Refuses bodies that are too long: by their declared length, else while they come.

    Nothing over the bound is ever held in memory.
    """

    def __init__(self, app: ASGIApp, most: int, most_notice: int) -> None:
        self._app = app
        self._most = most
        self._most_notice = most_notice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notice = scope["path"].startswith(addresses.NOTICES)
        most = self._most_notice if notice else self._most
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > most:
            problem = _too_large(notice=notice)
            await problem.response(scope["correlation_id"])(scope, receive, send)
            return
        taken = 0

        async def bounded_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise BodyTooLarge(notice=notice)
            return message

        await self._app(scope, bounded_receive, send)


class BodyTooLarge(HTTPException):
    """A body went over the bound while it came in; passes through the framework as it is."""

    def __init__(self, *, notice: bool) -> None:
        super().__init__(_TOO_LARGE)
        self.problem = _too_large(notice=notice)


def answer_body_too_large(request: Request, error: Exception) -> Response:
    """Answer a body that went over the bound while it came in."""
    if not isinstance(error, BodyTooLarge):
        raise error
    return error.problem.response(correlation_id(request))


def _too_large(*, notice: bool) -> Problem:
    if not notice:
        return protocol_problem(_TOO_LARGE)
    code = str(NoticeProblem.TOO_LARGE)
    return protocol_problem(_TOO_LARGE, {NOTICE_HEADER: code}, code=code)


def _add_headers(message: MutableMapping[str, Any], name: str) -> None:
    headers = MutableHeaders(raw=message["headers"])
    headers[CORRELATION_ID] = name
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    message["headers"] = headers.raw


def _log_fields(scope: Scope) -> dict[str, object]:
    """Say which request it was: the route, and what of its path is no secret."""
    route = getattr(scope.get("route"), "path", None)
    told = {"method": scope["method"], "route": route or scope["path"][:200]}
    shown = {"order_no", "refund_no", "account"}
    params = scope.get("path_params", {})
    return told | {key: str(params[key])[:64] for key in shown & set(params)}
