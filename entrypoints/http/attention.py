"""Routes of what waits for a human: look, and nothing else; it is ended on the command line."""

from typing import Annotated

from fastapi import APIRouter, Query

from retender.domain.model.attention_errors import AttentionNotExist
from retender.entrypoints import addresses
from retender.entrypoints.http import examples
from retender.entrypoints.http.dependencies import Injected, Reading
from retender.entrypoints.http.openapi import problem_responses, success
from retender.entrypoints.views.attention_view import AttentionCaseView, AttentionView

router = APIRouter(tags=["attention"])


@router.get(
    addresses.ATTENTION,
    summary="List what waits for a human",
    responses={
        200: success(examples.ATTENTION, "What waits, the oldest first."),
        **problem_responses(body=False),
    },
)
async def list_attention(
    dependencies: Injected,
    limit: Annotated[int, Query(ge=1, le=1000, description="list at most so many")] = 100,
) -> AttentionView:
    """What stayed unknown too long, refunds that are stuck, and evidence that fits nothing."""
    return AttentionView.of(await dependencies.list_attention(limit=limit))


@router.get(
    addresses.ATTENTION_ITEM,
    summary="Show what waits with all the evidence, and the ways to end it",
    responses={
        200: success(examples.ATTENTION_CASE, "The attention item, also one that has ended."),
        **problem_responses(AttentionNotExist, body=False),
    },
)
async def show_attention(
    attention_id: str, dependencies: Injected, language: Reading
) -> AttentionCaseView:
    """
    End it with `retender attention resolve`, which needs a reason.

    There is no route for that while this API does not know who calls.
    """
    case = await dependencies.show_attention(attention_id=attention_id)
    return AttentionCaseView.of(case, language)
