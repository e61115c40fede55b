"""Routes of refunds: give back, and look how it stands."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from retender.domain.model import attempt_errors, errors, refund_errors
from retender.domain.model.transition import RefundState
from retender.entrypoints import addresses
from retender.entrypoints.http import examples
from retender.entrypoints.http.bodies import RefundBody
from retender.entrypoints.http.dependencies import Injected
from retender.entrypoints.http.openapi import problem_responses, success
from retender.entrypoints.views.refund_view import RefundView

router = APIRouter(tags=["refunds"])

_POLL_SECONDS = 10


@router.post(
    addresses.ORDER_REFUNDS,
    summary="Give money back; again under the same number gives it back once",
    responses={
        200: success(examples.REFUND, "DONE: the money went back."),
        202: success(
            examples.REFUND_DUE,
            "Not yet known: look at the refund later, at `Location`. "
            "STUCK: the provider refuses, and an operator looks.",
        )
        | {"model": RefundView},
        **problem_responses(
            errors.AmountInvalid,
            errors.CurrencyUnknown,
            errors.TextInvalid,
            errors.NumberInvalid,
            errors.NotOffered,
            errors.PayOrderNotExist,
            errors.PayOrderStateError,
            refund_errors.RefundExceedsPaid,
            errors.IdempotencyConflict,
            attempt_errors.PayOrderInterrupted,
        ),
    },
)
async def refund_payment(
    order_no: str, body: RefundBody, dependencies: Injected, response: Response
) -> RefundView:
    """Write the refund down, then send it. The provider may take its time."""
    refund = await dependencies.refund_payment(
        order_no=order_no,
        refund_no=body.refund_no,
        amount=body.amount.money() if body.amount else None,
        reason=body.reason,
    )
    if refund.state is not RefundState.DONE:
        response.status_code = HTTPStatus.ACCEPTED
        response.headers["Retry-After"] = str(_POLL_SECONDS)
    response.headers["Location"] = dependencies.addresses.refund(refund.refund_no)
    return RefundView.of(refund)


@router.get(
    addresses.REFUND,
    summary="Show a refund",
    responses={
        200: success(examples.REFUND, "The refund."),
        **problem_responses(refund_errors.RefundNotExist, body=False),
    },
)
async def show_refund(refund_no: str, dependencies: Injected) -> RefundView:
    """How it stands; the worker goes on with it."""
    return RefundView.of(await dependencies.show_refund(refund_no=refund_no))
