"""Where providers send notices: exact bytes in, the provider's own acknowledgement out."""

from fastapi import APIRouter, Request, Response

from retender.domain.model import errors
from retender.domain.model.errors import NoticeProblem
from retender.entrypoints import addresses
from retender.entrypoints.http.dependencies import Injected
from retender.entrypoints.http.middleware import NOTICE_HEADER
from retender.entrypoints.http.openapi import problems_by_status
from retender.entrypoints.http.problems import Problem, problem_of, protocol_problem
from retender.ports.payment_provider import RawNotice

router = APIRouter(tags=["notices"])

_PROBLEMS = (
    problem_of(errors.UnknownName("account", "alipai", None)),
    protocol_problem(413, code=str(NoticeProblem.TOO_LARGE)),
    problem_of(errors.StoreBusy("The database had no time for us; ask again.")),
    problem_of(errors.StoreUncertain("The database was lost while committing; send it again.")),
    problem_of(errors.ProviderUncertain("The key that proves it could not be fetched.")),
    Problem(500, "INTERNAL_ERROR", "Something went wrong on our side; it is sent again."),
)


@router.post(
    addresses.NOTICE,
    summary="Take a provider's notice",
    response_class=Response,
    responses={
        200: {
            "description": "Received: the provider's own word for it. The status is the "
            "provider's too; a notice that is not believed is answered with its failure.",
            "headers": {
                NOTICE_HEADER: {
                    "description": "what became of it, such as NOTICE_TAKEN, NOTICE_REPEATED "
                    "or NOTICE_SIGNATURE_WRONG",
                    "schema": {"type": "string"},
                }
            },
            "content": {"text/plain": {"example": "success"}},
        },
        **problems_by_status(_PROBLEMS),
    },
    openapi_extra={
        "requestBody": {
            "description": "whatever the provider sends; proved before it is read",
            "content": {"*/*": {"example": "out_trade_no=01K4YQ7Z0V&trade_status=TRADE_SUCCESS"}},
        }
    },
)
async def take_notice(account: str, request: Request, dependencies: Injected) -> Response:
    """Prove it, note it, settle what it proves, and only then say "received"."""
    raw = RawNotice(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        query=request.url.query,
        received_at=dependencies.clock(),
    )
    try:
        taken = await dependencies.take_notice(account=account, raw=raw)
    except errors.UnknownName as unknown:
        # Anybody may knock here: a stranger is not told which accounts there are.
        raise errors.UnknownName("account", account, None) from unknown
    acknowledgement = taken.acknowledgement
    return Response(
        acknowledgement.body,
        status_code=acknowledgement.status,
        headers={NOTICE_HEADER: taken.code, "Content-Type": acknowledgement.content_type},
    )
