"""What OpenAPI says of problems: one example of every error, by status."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from retender.domain.model import (
    attempt_errors,
    attention_errors,
    errors,
    payer_errors,
    refund_errors,
    row_errors,
)
from retender.entrypoints.http.problems import (
    INTERNAL,
    INTERNAL_DETAIL,
    PROBLEM_JSON,
    Problem,
    problem_of,
    protocol_problem,
)

_AT = datetime(2026, 7, 1, 8, 31, tzinfo=UTC)

PROBLEM_EXAMPLES: tuple[errors.RetenderError, ...] = (
    errors.InvalidInput("pay_within must lie between 1 minute and 30 days.", field="pay_within"),
    errors.AmountInvalid("88.888", "CNY has 2 digits behind the point"),
    errors.CurrencyUnknown("RMB"),
    errors.TextInvalid("subject", "must not hold control characters"),
    errors.NumberInvalid("order_no", "must be 1 to 64 letters, digits, '_', '.' or '-'"),
    payer_errors.PayerInputMissing(["openid"], "jsapi"),
    payer_errors.PayerInputInvalid("language", "must be a language tag, such as zh-CN"),
    errors.UnknownName("account", "alipai", ["alipay", "wechat_pay"]),
    errors.NoCommonPage("pc", ["form", "redirect", "qr"], ["app_string"], None),
    errors.NotOffered("Alipay takes CNY, not USD.", field="currency"),
    errors.PayOrderNotExist("20260701-0042"),
    errors.PayOrderStateError("20260701-0042", "PAID"),
    errors.PayOrderPayTimeout(
        "The time to pay ended at 2026-07-01T08:30:00+00:00.",
        pay_until="2026-07-01T08:30:00+00:00",
        reason="cutoff",
    ),
    errors.PayOrderFail(
        "Alipay refused the payment: ACQ.INVALID_PARAMETER.",
        order_no="20260701-0042",
        provider_code="ACQ.INVALID_PARAMETER",
    ),
    errors.SwitchRefused("20260701-0042", "alipay", _AT, 240),
    errors.AccountDrained("alipay"),
    attempt_errors.PayOrderContended("20260701-0042", 4),
    attempt_errors.PayOrderInterrupted(
        "20260701-0042", "no new page is there, but an earlier one may be closed by now"
    ),
    attempt_errors.PaymentInQuestion("20260701-0042", "alipay"),
    attempt_errors.OwnClockOff(timedelta(seconds=-310), timedelta(seconds=120)),
    attempt_errors.TooManyAttempts("20260701-0042", "5 earlier pages may still be paid", _AT, 240),
    errors.IdempotencyConflict("Order", "20260701-0042", ["amount"]),
    errors.OpenOrderExists("20260701-0041", "cart-9"),
    refund_errors.RefundNotExist("R-20260701-0042-1"),
    refund_errors.RefundExceedsPaid(
        "Of 88.80 CNY, 8.80 CNY is left to give back.", left="8.80", currency="CNY"
    ),
    attention_errors.AttentionNotExist("01K4YQ7Z0V6M3T9E2B5C8D1F4G"),
    attention_errors.AttentionEnded("01K4YQ7Z0V6M3T9E2B5C8D1F4G", "dead", "olga"),
    attention_errors.ResolutionRefused("dead", "the attempt is CLOSED", ["noted"]),
    errors.ProviderRefused(errors.Refusal.NOT_NOW, provider_code="FREQUENCY_LIMITED"),
    errors.ProviderUnavailable("alipay was not reached: connecting took too long."),
    errors.ProviderUncertain("alipay did not answer in time."),
    errors.ProviderClockOff(
        "The clock of Alipay and ours are 300 s apart, more than the 120 s that are allowed for: "
        "nothing was asked of it; pay another way.",
        seconds_apart=300,
        seconds_allowed=120,
    ),
    errors.NoticeRejected(errors.NoticeProblem.SIGNATURE_WRONG, "The signature is not theirs."),
    errors.StoreBusy("The database had no time for us; ask again."),
    errors.StoreFull("The database's disk is full; nothing was changed."),
    errors.StoreUncertain(
        "The database was lost while committing: it may or may not have been written; "
        "the same request again is safe."
    ),
    row_errors.RowUnreadable("attempt", "01K4YQ7Z0V", "number is too short"),
    errors.SetupError("not shown to callers"),
    errors.UndefinedTransition("not shown to callers"),
)
"""One of every error that can be raised; a test knows if one is missing."""

_EXAMPLE_OF: Mapping[type[errors.RetenderError], errors.RetenderError] = {
    type(example): example for example in PROBLEM_EXAMPLES
}

_STORE_ERRORS = (errors.StoreBusy, errors.StoreFull, errors.StoreUncertain)

_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")

Responses = dict[int | str, dict[str, Any]]


class ProblemView(BaseModel):
    """RFC 9457 problem details; further members hold facts about this problem."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(examples=["urn:retender:problem:pay_order_not_exist"])
    title: str
    status: int
    detail: str = Field(description="one sentence for people")
    code: str = Field(description="stable; branch on this", examples=["PAY_ORDER_NOT_EXIST"])
    correlation_id: str | None = Field(None, description="under which we logged the request")


def problem_responses(
    *kinds: type[errors.RetenderError] | errors.RetenderError, body: bool = True
) -> Responses:
    """
    Return ``responses`` for a route that answers these errors.

    What every route may answer is added: a form that is wrong, a store in trouble,
    an error of ours, and for routes that read a body its being too long or no JSON.
    """
    problems = [
        problem_of(kind if isinstance(kind, errors.RetenderError) else _EXAMPLE_OF[kind])
        for kind in (*kinds, *_STORE_ERRORS)
    ]
    problems += [
        Problem(422, errors.InvalidInput.code, "user_id: Field required.", {"field": "user_id"}),
        Problem(500, INTERNAL, INTERNAL_DETAIL),
    ]
    if body:
        problems += [protocol_problem(400), protocol_problem(413)]
    return problems_by_status(problems)


def problems_by_status(problems: Iterable[Problem]) -> Responses:
    """Group problems by status, an example of each."""
    found: Responses = {}
    for problem in problems:
        entry = found.setdefault(
            problem.status,
            {
                "content": {
                    PROBLEM_JSON: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                }
            },
        )
        examples = entry["content"][PROBLEM_JSON]["examples"]
        examples[problem.code] = {"summary": problem.detail, "value": problem.body("01K4YQ7Z0V")}
        entry["description"] = ", ".join(sorted(examples))
    return found


def success(
    example: Mapping[str, object], description: str, **more: Mapping[str, object]
) -> dict[str, Any]:
    """Return one entry of ``responses`` with an example, or with several by name."""
    examples = {name: {"value": each} for name, each in {"plain": example, **more}.items()}
    content = {"examples": examples} if more else {"example": example}
    return {"description": description, "content": {"application/json": content}}


def openapi_with_problems(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return the app's ``openapi``, with our form of problems in place of the framework's."""
    usual = app.openapi

    def openapi() -> dict[str, Any]:
        document = usual()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = ProblemView.model_json_schema()
        for name in _FRAMEWORK_SCHEMAS:
            schemas.pop(name, None)
        for path in document["paths"].values():
            for operation in path.values():
                wrong_form = operation["responses"].get("422", {}).get("content", {})
                if "application/json" in wrong_form:  # added unasked, and never answered
                    del operation["responses"]["422"]
        return document

    return openapi
