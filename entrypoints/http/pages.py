"""The route of pages that a payer's browser opens."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from retender.domain.model.errors import RetenderError, UnknownName
from retender.entrypoints import addresses
from retender.entrypoints.http.dependencies import Dependencies, Injected
from retender.entrypoints.http.problems import problem_of
from retender.entrypoints.views.page_html import Html, render_page, render_trouble, trouble_of

router = APIRouter(tags=["pages"])

_NONCE_LENGTH = 24


def _html(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"text/html": {"example": "<!doctype html> ..."}},
    }


@router.get(
    addresses.PAGE,
    summary="Open a payment page in a browser",
    response_class=HTMLResponse,
    responses={
        200: _html("Goes on to the provider by itself, or shows the QR code."),
        404: _html("There is no such page."),
        409: _html("The order is paid or closed, or the page's time is over."),
        503: _html("Not now; open it again in a moment."),
    },
)
async def show_page(attempt_id: str, dependencies: Injected) -> HTMLResponse:
    """Form pages post themselves, redirects go on, QR codes wait to be scanned."""
    nonce = dependencies.random_text(_NONCE_LENGTH)
    try:
        ready = await dependencies.show_page(attempt_id=attempt_id)
    except RetenderError as error:
        return _answer(render_trouble(trouble_of(error), nonce=nonce), problem_of(error).status)
    title = _title(dependencies, ready.attempt.account)
    return _answer(
        render_page(ready, account_title=title, now=dependencies.clock(), nonce=nonce), status=200
    )


def _title(dependencies: Dependencies, account: str) -> str:
    """Name an account for people, also one that was taken out of the settings since."""
    try:
        return dependencies.accounts.get(account).title
    except UnknownName:
        return account


def _answer(page: Html, status: int) -> HTMLResponse:
    return HTMLResponse(page.text, status_code=status, headers=page.headers)
