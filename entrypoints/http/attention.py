"""Routes of what waits for a human: look, and nothing else; it is ended on the command line."""

from typing import Annotated

from fastapi import APIRouter, Query

from retender.domain.model.attention_errors import AttentionNotExist
from retender.entrypoints import addresses
from retender.entrypoints.http import examples
from retender.entrypoints.http.cases import Given
from retender.entrypoints.http.documented import answered, told
from retender.entrypoints.views.attention_view import AttentionCaseView, AttentionView

router = APIRouter(tags=["attention"])


@router.get(
    addresses.ATTENTION,
    summary="List what waits for a human",
    responses={
        200: answered(examples.ATTENTION, "What waits, the oldest first."),
        **told(body=False),
    },
)
async def list_attention(
    cases: Given,
    limit: Annotated[int, Query(ge=1, le=1000, description="list at most so many")] = 100,
) -> AttentionView:
    """What stayed unknown too long, refunds that are stuck, and evidence that fits nothing."""
    return AttentionView.of(await cases.list_attention(limit=limit))


@router.get(
    addresses.ATTENTION_ITEM,
    summary="Show what waits with all the evidence, and the ways to end it",
    responses={
        200: answered(examples.ATTENTION_CASE, "The attention item, also one that has ended."),
        **told(AttentionNotExist, body=False),
    },
)
async def show_attention(attention_id: str, cases: Given) -> AttentionCaseView:
    """
    End it with `retender attention resolve`, which needs a reason.

    There is no route for that while this API does not know who calls.
    """
    return AttentionCaseView.of(await cases.show_attention(attention_id=attention_id))
