"""Routes of orders: place, show, explain, pay, list the ways to pay, close."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from retender.domain.model import attempt_errors, errors, payer_errors
from retender.domain.model.order import LatePayment
from retender.domain.model.pay_result import PageReady
from retender.domain.use_cases.show_order import OrderPart
from retender.entrypoints import addresses
from retender.entrypoints.http import examples
from retender.entrypoints.http.bodies import CloseBody, OrderBody, PayBody
from retender.entrypoints.http.dependencies import Injected, Reading
from retender.entrypoints.http.openapi import problem_responses, success
from retender.entrypoints.views.explanation_view import ExplanationView
from retender.entrypoints.views.method_view import MethodsView, MethodView
from retender.entrypoints.views.order_view import OrderView, ShownOrderView
from retender.entrypoints.views.page_view import AnswerPendingView, PageReadyView

router = APIRouter(tags=["orders"])

UserQuery = Annotated[
    str | None, Query(description="if given, another user's order does not exist")
]
ClientTypeQuery = Annotated[
    str | None, Query(description="from where; default: recognised from the `User-Agent`")
]
ExpandQuery = Annotated[
    Sequence[str],
    Query(
        description=f"what to add: {', '.join(OrderPart)}; separated by commas, or named again",
        examples=["refunds,story"],
    ),
]

_WRONG_VALUES = (
    errors.AmountInvalid,
    errors.CurrencyUnknown,
    errors.TextInvalid,
    errors.NumberInvalid,
)
_NOT_NOW = (errors.PayOrderNotExist, errors.PayOrderStateError, errors.PayOrderPayTimeout)


def _expansion_unknown(name: str) -> errors.UnknownName:
    return errors.UnknownName("expand", name, OrderPart)


@router.post(
    addresses.ORDERS,
    status_code=201,
    summary="Place an order; again with the same parameters returns it",
    responses={
        200: success(examples.ORDER, "It existed, and is the same.") | {"model": OrderView},
        201: success(examples.ORDER, "It was placed."),
        **problem_responses(*_WRONG_VALUES, errors.IdempotencyConflict, errors.OpenOrderExists),
    },
)
async def place_order(body: OrderBody, dependencies: Injected, response: Response) -> OrderView:
    """Write down what is owed. The shop's `order_no` makes repeats harmless."""
    placed = await dependencies.place_order(
        order_no=body.order_no,
        user_id=body.user_id,
        subject=body.subject,
        amount=body.amount.money(),
        key=body.key,
        pay_within=body.pay_within(),
    )
    if not placed.created:
        response.status_code = 200
    response.headers["Location"] = dependencies.addresses.order(placed.order.order_no)
    return OrderView.of(placed.order)


@router.get(
    addresses.ORDER,
    summary="Show an order, its sums and its attempts, and what else is asked for",
    response_model_exclude_unset=True,
    responses={
        200: success(
            examples.SHOWN_ORDER,
            "The order. Only what `expand` names is there beside `order`, `sums` and `attempts`.",
            expanded=examples.EXPANDED_ORDER,
        ),
        **problem_responses(errors.PayOrderNotExist, _expansion_unknown("refund"), body=False),
    },
)
async def show_order(
    order_no: str,
    dependencies: Injected,
    language: Reading,
    expand: ExpandQuery = (),
    user_id: UserQuery = None,
) -> ShownOrderView:
    """Cheap enough to poll; each part that is added costs one more look into the database."""
    shown = await dependencies.show_order(
        order_no=order_no, user_id=user_id, expand=_expansion(expand)
    )
    return ShownOrderView.of(shown, language)


@router.get(
    addresses.ORDER_STORY,
    summary="Explain an order: every decision with its evidence",
    responses={
        200: success(examples.EXPLANATION, "The summary, then the reasons."),
        **problem_responses(errors.PayOrderNotExist, body=False),
    },
)
async def explain_order(
    order_no: str, dependencies: Injected, language: Reading, user_id: UserQuery = None
) -> ExplanationView:
    """
    Who won and by which evidence, what is kept, what went back, what is still open.

    Then, attempt by attempt, why a page served again or not, how it was left,
    what providers said, and why money went back.
    """
    story = await dependencies.explain_order(order_no=order_no, user_id=user_id)
    return ExplanationView.of(story, language)


@router.post(
    addresses.ORDER_PAY,
    summary="Get a page to pay with, the first time or again",
    response_model=PageReadyView,
    responses={
        200: success(examples.PAGE_READY, "A page that pays the order now."),
        202: success(
            examples.ANSWER_PENDING,
            "The provider has not answered yet: send the same request again after `Retry-After`.",
        )
        | {"model": AnswerPendingView},
        **problem_responses(
            *_NOT_NOW,
            errors.UnknownName,
            errors.NoCommonPage,
            errors.NotOffered,
            payer_errors.PayerInputMissing,
            payer_errors.PayerInputInvalid,
            errors.PayOrderFail,
            errors.SwitchRefused,
            errors.AccountDrained,
            attempt_errors.TooManyAttempts,
            attempt_errors.PayOrderContended,
            attempt_errors.OwnClockOff,
            attempt_errors.PaymentInQuestion,
            attempt_errors.PayOrderInterrupted,
            errors.ProviderUnavailable,
            errors.ProviderClockOff,
        ),
    },
)
async def pay_order(
    order_no: str, body: PayBody, dependencies: Injected, request: Request
) -> PageReadyView | Response:
    """
    Pay, or pay again.

    The same request gets the page that is still good. Another account or client
    type gets a new page, after the earlier one was left as the switch policy
    demands.
    """
    answer = await dependencies.pay_order(
        order_no=order_no,
        user_id=body.user_id,
        account=body.account,
        client_type=dependencies.client_type(body.client_type, request),
        page_kind=body.page_kind,
        instalments=body.instalments,
        payer=body.payer.payer(),
    )
    page_url = dependencies.addresses.page(answer.attempt.attempt_id)
    if isinstance(answer, PageReady):
        return PageReadyView.of(answer, page_url)
    pending = AnswerPendingView.of(answer, page_url)
    return Response(
        pending.model_dump_json(),
        status_code=202,
        headers={"Retry-After": str(pending.retry_after_seconds)},
        media_type="application/json",
    )


@router.get(
    addresses.ORDER_METHODS,
    summary="List what this client type can pay the order with now",
    responses={
        200: success(examples.METHODS, "Every account, usable or not."),
        **problem_responses(*_NOT_NOW, errors.UnknownName, body=False),
    },
)
async def list_methods(
    order_no: str,
    user_id: Annotated[str, Query(description="who pays")],
    dependencies: Injected,
    request: Request,
    client_type: ClientTypeQuery = None,
) -> MethodsView:
    """For a cashier: what to offer, what it needs, and why the rest cannot be chosen."""
    client = dependencies.client_type(client_type, request)
    methods = await dependencies.list_methods(
        order_no=order_no, user_id=user_id, client_type=client
    )
    return MethodsView(client_type=client, methods=[MethodView.of(method) for method in methods])


@router.post(
    addresses.ORDER_CLOSE,
    summary="Give an order up",
    responses={
        200: success(
            examples.CLOSED_ORDER,
            "CLOSED; CANCELLING (or EXPIRING, with `accept`) while a page may still take money.",
        ),
        **problem_responses(
            errors.PayOrderNotExist,
            errors.PayOrderStateError,
            errors.IdempotencyConflict,
            attempt_errors.PayOrderInterrupted,
        ),
    },
)
async def close_order(
    order_no: str, dependencies: Injected, body: CloseBody | None = None
) -> OrderView:
    """
    Take no payment any more, and close every page that is out. Again is harmless.

    First it is found out whether a page was paid: then the order is PAID, and the close is
    refused with that.
    """
    request = body or CloseBody()
    closed = await dependencies.close_order(
        order_no=order_no,
        user_id=request.user_id,
        late_payment=LatePayment(request.late_payment),
    )
    return OrderView.of(closed)


def _expansion(texts: Sequence[str]) -> frozenset[OrderPart]:
    """
    Read what is to be added.

    Raises:
        UnknownName: there is no such part.

    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in set(OrderPart):
            raise _expansion_unknown(name)
    return frozenset(map(OrderPart, names))
