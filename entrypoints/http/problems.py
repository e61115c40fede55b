"""What goes wrong, in HTTP's words: one table of statuses, one form of answer (RFC 9457)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from retender.domain.model import (
    attempt_errors,
    attention_errors,
    errors,
    payer_errors,
    refund_errors,
    row_errors,
)
from retender.domain.model.operators import for_operators
from retender.entrypoints import addresses

log = logging.getLogger("retender.http")

PROBLEM_JSON = "application/problem+json"

STATUS: Mapping[type[errors.RetenderError], int] = {
    errors.RetenderError: 500,
    # Change the request.
    errors.InvalidInput: 422,
    errors.AmountInvalid: 422,
    errors.CurrencyUnknown: 422,
    errors.TextInvalid: 422,
    errors.NumberInvalid: 422,
    payer_errors.PayerInputMissing: 422,
    payer_errors.PayerInputInvalid: 422,
    errors.UnknownName: 422,
    errors.NoCommonPage: 422,
    errors.NotOffered: 422,
    # The order says no.
    errors.PayOrderError: 409,
    errors.PayOrderNotExist: 404,
    errors.PayOrderStateError: 409,
    errors.PayOrderPayTimeout: 409,
    errors.PayOrderFail: 402,
    errors.SwitchRefused: 409,
    errors.AccountDrained: 409,
    attempt_errors.TooManyAttempts: 429,
    attempt_errors.PayOrderContended: 503,
    attempt_errors.PayOrderInterrupted: 503,
    attempt_errors.OwnClockOff: 503,
    attempt_errors.PaymentInQuestion: 409,
    # Already there, and different.
    errors.ConflictError: 409,
    errors.IdempotencyConflict: 409,
    errors.OpenOrderExists: 409,
    # Refunds.
    refund_errors.RefundError: 409,
    refund_errors.RefundNotExist: 404,
    refund_errors.RefundExceedsPaid: 409,
    # What waits for a human.
    attention_errors.AttentionError: 409,
    attention_errors.AttentionNotExist: 404,
    attention_errors.AttentionEnded: 409,
    attention_errors.ResolutionRefused: 409,
    # What is known of the money. Uncertain is answered with 202 where there is
    # something to poll; here stands what is left, such as a notice whose proof
    # needs a key that could not be fetched: the provider sends it again.
    errors.ProviderError: 502,
    errors.ProviderRefused: 402,
    errors.ProviderUnavailable: 503,
    errors.ProviderUncertain: 504,
    errors.ProviderClockOff: 503,
    errors.NoticeRejected: 400,
    # Ours.
    errors.StoreError: 503,
    errors.StoreBusy: 503,
    errors.StoreFull: 503,
    errors.StoreUncertain: 503,
    row_errors.RowUnreadable: 500,
    errors.SetupError: 500,
    errors.UndefinedTransition: 500,
}
"""The only place where an error of the core becomes an HTTP status."""

RETRY_AFTER: Mapping[type[errors.RetenderError], int] = {
    errors.StoreBusy: 1,
    errors.StoreFull: 60,
    attempt_errors.PayOrderContended: 1,
    attempt_errors.PayOrderInterrupted: 1,
    attempt_errors.OwnClockOff: 60,
    errors.StoreUncertain: 1,
    errors.ProviderUnavailable: 2,
    errors.ProviderClockOff: 60,
}
"""Seconds after which the very same request may do better."""

INTERNAL = "INTERNAL_ERROR"
INTERNAL_DETAIL = "Something went wrong on our side; quote the correlation id when you ask."

_PROTOCOL: Mapping[int, tuple[str, str]] = {
    400: ("BODY_UNREADABLE", "The body is not JSON in UTF-8."),
    404: (
        "ROUTE_UNKNOWN",
        f"There is nothing at this address; {addresses.OPENAPI} lists what there is.",
    ),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method; Allow lists which."),
    413: ("BODY_TOO_LARGE", "The body is longer than this address reads."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One problem, ready to be told.

    Attributes:
        status: the HTTP status.
        code: stable; what programs branch on.
        detail: one sentence for people.
        details: facts for machines, flat beside the members of RFC 9457.
        headers: such as ``Retry-After``.

    """

    status: int
    code: str
    detail: str
    details: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, correlation_id: str | None = None) -> dict[str, object]:
        """Return the members; RFC 9457's own win over a detail of the same name."""
        return {
            **self.details,
            "type": f"urn:retender:problem:{self.code.lower()}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **({"correlation_id": correlation_id} if correlation_id else {}),
        }

    def response(self, correlation_id: str | None = None) -> Response:
        """Return the answer."""
        return JSONResponse(
            jsonable_encoder(self.body(correlation_id)),
            status_code=self.status,
            headers=dict(self.headers),
            media_type=PROBLEM_JSON,
        )


def status_of(kind: type[errors.RetenderError]) -> int:
    """Return the status of an error class; a plugin's own subclass is told as its parent."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem_of(error: errors.RetenderError) -> Problem:
    """Tell an error of the core; what is ours to fix is not explained to strangers."""
    status = status_of(type(error))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status, error.code, INTERNAL_DETAIL)
    headers = {}
    wait = error.details.get("remaining_seconds", RETRY_AFTER.get(type(error)))
    if isinstance(wait, int):
        headers["Retry-After"] = str(max(1, wait))
    return Problem(status, error.code, error.message, error.details, headers)


def protocol_problem(
    status: int, headers: Mapping[str, str] | None = None, *, code: str | None = None
) -> Problem:
    """Tell trouble that never reached the core: no such route, a body that is no JSON."""
    usual, detail = _PROTOCOL.get(status, ("HTTP_ERROR", HTTPStatus(status).phrase + "."))
    return Problem(status, code or usual, detail, headers=headers or {})


def validation_problem(error: RequestValidationError) -> Problem:
    """Name every field that is wrong; what was sent is not repeated."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return protocol_problem(400)
    problems = [{"field": _field(item["loc"]), "problem": item["msg"]} for item in found]
    first = problems[0]
    detail = f"{first['field']}: {first['problem']}."
    if len(problems) > 1:
        detail += f" {len(problems) - 1} more in `problems`."
    return Problem(
        422, errors.InvalidInput.code, detail, {"field": first["field"], "problems": problems}
    )


def _field(loc: tuple[int | str, ...]) -> str:
    """Write a place as ``amount.currency``; the part of the request goes unsaid, if it can."""
    inner = [str(part)[:64] for part in loc[1:]]
    return ".".join(inner) or str(loc[0])


def correlation_id(request: Request) -> str | None:
    """Return the name under which this request is logged."""
    found = request.scope.get("correlation_id")
    return found if isinstance(found, str) else None


def answer_retender_error(request: Request, error: Exception) -> Response:
    """Answer an error of the core."""
    if not isinstance(error, errors.RetenderError):
        raise error
    if _is_ours(error):
        log.warning("%s: %s", error.code, for_operators(error))
    return problem_of(error).response(correlation_id(request))


def _is_ours(error: errors.RetenderError) -> bool:
    """Tell whether an operator has to know: store or set-up are in trouble, or it is a bug."""
    from_store = isinstance(error.__cause__, errors.StoreError)
    is_hidden = status_of(type(error)) == HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, errors.StoreError) or from_store or is_hidden


def answer_validation_error(request: Request, error: Exception) -> Response:
    """Answer a request whose form is wrong."""
    if not isinstance(error, RequestValidationError):
        raise error
    return validation_problem(error).response(correlation_id(request))


def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refused."""
    if not isinstance(error, HTTPException):
        raise error
    return protocol_problem(error.status_code, error.headers).response(correlation_id(request))
