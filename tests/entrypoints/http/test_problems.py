"""Every error has a status, an example and an answer that tells no secrets."""

import json
from datetime import UTC, datetime

import pytest
from fastapi.exceptions import RequestValidationError

from retender.domain.model import (
    attempt_errors,
    attention_errors,
    errors,
    payer_errors,
    refund_errors,
    row_errors,
)
from retender.domain.model.errors import RetenderError
from retender.entrypoints.http.openapi import PROBLEM_EXAMPLES, ProblemView
from retender.entrypoints.http.problems import (
    PROBLEM_JSON,
    STATUS,
    Problem,
    problem_of,
    protocol_problem,
    status_of,
    validation_problem,
)

UNTIL = datetime(2026, 7, 1, 8, 31, tzinfo=UTC)


BRANCHES = (errors, attempt_errors, attention_errors, payer_errors, refund_errors, row_errors)


def tree(root: type[RetenderError]) -> set[type[RetenderError]]:
    """The classes of the error tree itself, without what other tests derive from it."""
    found = {root}
    for child in root.__subclasses__():
        if child.__module__ in {kind.__name__ for kind in BRANCHES}:
            found |= tree(child)
    return found


def concrete(root: type[RetenderError]) -> set[type[RetenderError]]:
    """What is raised: the leaves, and the one branch that has a code of its own."""
    leaves = {kind for kind in tree(root) if tree(kind) == {kind}}
    return leaves | {errors.InvalidInput}


def test_every_error_of_the_tree_has_a_row():
    assert set(STATUS) == tree(RetenderError)


def test_every_error_that_can_be_raised_has_an_example():
    assert {type(example) for example in PROBLEM_EXAMPLES} == concrete(RetenderError)


@pytest.mark.parametrize("error", PROBLEM_EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_told_as_rfc_9457_says(error):
    response = problem_of(error).response("01K4YQ7Z0V")
    body = json.loads(bytes(response.body))
    assert response.media_type == PROBLEM_JSON
    assert response.headers["content-type"] == PROBLEM_JSON
    assert response.status_code == body["status"] == STATUS[type(error)]
    assert body["type"] == f"urn:retender:problem:{error.code.lower()}"
    assert body["code"] == error.code
    assert body["correlation_id"] == "01K4YQ7Z0V"
    assert ProblemView.model_validate(body).title == error.code.replace("_", " ").capitalize()


def test_a_plugins_own_error_is_told_as_its_parent():
    class CardDeclined(errors.PayOrderFail):
        code = "CARD_DECLINED"

    assert status_of(CardDeclined) == STATUS[errors.PayOrderFail]


def test_the_facts_stand_flat_beside_the_sentence():
    body = problem_of(errors.SwitchRefused("o-1", "alipay", UNTIL, 240)).body()
    assert (body["order_no"], body["account"], body["remaining_seconds"]) == ("o-1", "alipay", 240)


def test_a_fact_cannot_take_the_place_of_a_member():
    body = problem_of(errors.PayOrderFail("no", status=200, code="fine", type="x")).body()
    assert (body["status"], body["code"]) == (402, "PAY_ORDER_FAIL")
    assert body["type"] == "urn:retender:problem:pay_order_fail"


def test_the_providers_own_words_ride_along():
    error = errors.PayOrderFail("no", provider_code="ACQ.X", provider_message="余额不足")
    body = problem_of(error).body()
    assert (body["provider_code"], body["provider_message"]) == ("ACQ.X", "余额不足")


@pytest.mark.parametrize(
    "error",
    [errors.SetupError("/etc/retender/key.pem is not a key"), errors.UndefinedTransition("NEW?")],
)
def test_what_is_ours_to_fix_is_not_explained_to_strangers(error):
    problem = problem_of(error)
    assert problem.status == 500
    assert error.message not in json.dumps(problem.body())


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.StoreBusy("busy"), "1"),
        (attempt_errors.PayOrderContended("o-1", 4), "1"),
        (attempt_errors.PayOrderInterrupted("o-1", "no page"), "1"),
        (errors.StoreUncertain("cut off"), "1"),
        (errors.ProviderUnavailable("away"), "2"),
        (errors.ProviderClockOff("off"), "60"),
        (errors.SwitchRefused("o-1", "alipay", UNTIL, 240), "240"),
        (errors.SwitchRefused("o-1", "alipay", UNTIL, 0), "1"),
        (attempt_errors.TooManyAttempts("o-1", "5 pages are out", UNTIL, 90), "90"),
    ],
)
def test_who_may_come_again_is_told_when(error, seconds):
    assert problem_of(error).headers["Retry-After"] == seconds


def test_a_wrong_form_names_the_fields_and_repeats_nothing():
    secret = "hunter2-hunter2"
    error = RequestValidationError(
        [
            {"type": "x", "loc": ("body", "amount", "currency"), "msg": "Bad", "input": secret},
            {"type": "x", "loc": ("query", "user_id"), "msg": "Field required", "input": secret},
        ],
        body={"amount": secret},
    )
    problem = validation_problem(error)
    assert (problem.status, problem.code) == (422, "INPUT_INVALID")
    assert problem.details["problems"] == [
        {"field": "amount.currency", "problem": "Bad"},
        {"field": "user_id", "problem": "Field required"},
    ]
    assert secret not in json.dumps(problem.body())


def test_an_unusual_status_of_the_framework_is_still_a_problem():
    assert protocol_problem(415) == Problem(415, "HTTP_ERROR", "Unsupported Media Type.")
