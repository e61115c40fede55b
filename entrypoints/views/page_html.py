"""A payment page as a browser opens it: escaped, under a strict policy, nothing from outside."""

import io
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

import segno
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from retender.domain.model.errors import (
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    RetenderError,
)
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    QrPage,
    RedirectPage,
)
from retender.domain.model.pay_result import PageReady
from retender.domain.model.transition import AttemptState, OrderState

_RELOAD_MS = 5000
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Html:
    """A page for a browser: the text, and the headers that fence it in."""

    text: str = field(repr=False)
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no page, in words for a payer."""

    heading: str
    text: str
    code: str


def render_page(ready: PageReady, *, account_title: str, now: datetime, nonce: str) -> Html:
    """
    Return the page of any kind; forms and links go on by themselves.

    Args:
        ready: the page and what it pays.
        account_title: where the payer is taken, for people.
        now: for the time that is left.
        nonce: fresh and not guessable; only what bears it may run.

    """
    until = min(ready.page_until, ready.pay_until)
    seconds_left = max(0, int((until - now).total_seconds()))
    page = ready.page
    values: dict[str, object] = {"target": None, "text": "", "fields": (), "charset": "utf-8"}
    match page:
        case FormPage():
            values |= {"fields": page.fields, "charset": page.charset, "target": _web(page.action)}
        case RedirectPage():
            values["target"] = _web(page.url)
        case QrPage():
            values["qr"] = _svg(page.content)
        case AppStringPage():
            values["text"] = page.text
        case JsapiPage():
            values["text"] = "\n".join(f"{name}: {value}" for name, value in page.parameters)
    form_action = _form_targets(page.action) if isinstance(page, FormPage) else "'none'"
    # Some providers want to see which site sent the payer; never the page's own address.
    goes_on = isinstance(page, FormPage | RedirectPage)
    referrer = "strict-origin-when-cross-origin" if goes_on else "no-referrer"
    return _html(
        nonce,
        form_action,
        referrer,
        title=f"Pay {ready.order.amount}",
        kind=str(page.kind),
        subject=ready.order.subject,
        amount=ready.order.amount.decimal(),
        currency=ready.order.amount.currency,
        order_no=ready.order.order_no,
        account_title=account_title,
        seconds_left=seconds_left,
        left=f"{seconds_left // 60}:{seconds_left % 60:02}",
        reload_ms=_RELOAD_MS,
        problem=None,
        **values,
    )


def render_trouble(trouble: Trouble, *, nonce: str) -> Html:
    """Return the page that says why there is nothing to pay here."""
    return _html(nonce, "'none'", "no-referrer", title=trouble.heading, problem=trouble)


def trouble_of(error: RetenderError) -> Trouble:
    """Say to a payer what the core says to a program."""
    match error:
        case PayOrderNotExist():
            words = ("There is no such page", "Check the address, or go back to the shop.")
        case PayOrderStateError() if error.details.get("state") == OrderState.PAID:
            words = ("This order is paid", "Thank you. Nothing more is due.")
        case PayOrderStateError() if isinstance(error.details.get("state"), AttemptState):
            words = ("There is a newer page", "Go back to the shop to pay there.")
        case PayOrderStateError():
            words = ("This order is closed", "It takes no payment any more.")
        case PayOrderPayTimeout() if error.details.get("reason") == "page":
            words = ("This page works no longer", "Go back to the shop and press pay again.")
        case PayOrderPayTimeout():
            words = ("The time to pay is over", "Place a new order in the shop.")
        case _:
            words = ("Not now", "Try again in a moment.")
    return Trouble(*words, code=error.code)


def _html(nonce: str, form_action: str, referrer: str, **values: object) -> Html:
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": referrer,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return Html(_template().render(nonce=nonce, **values), headers)


@lru_cache(maxsize=1)
def _template() -> Template:
    source = files("retender.entrypoints.views").joinpath("page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(source)


def _svg(content: str) -> Markup:
    """Draw a QR code; its markup holds numbers only, so it needs no escaping."""
    out = io.BytesIO()
    segno.make_qr(content, error="m").save(
        out, kind="svg", border=2, xmldecl=False, svgns=False, omitsize=True
    )
    return Markup(out.getvalue().decode())  # noqa: S704  # drawn here, from modules of a code


def _web(url: str) -> str | None:
    """Return the address if a browser may be sent there, else None: no script, no data."""
    parts = urlsplit(url)
    return url if parts.scheme in {"http", "https"} and parts.hostname else None


def _form_targets(action: str) -> str:
    """
    Return where the form may go: its own origin, and that host's siblings.

    Browsers hold redirects after a form to the same rule, and gateways redirect
    from the host that takes the form to the one that shows the cashier.
    """
    parts = urlsplit(action)
    if _web(action) is None or not _HOST.fullmatch(parts.netloc):
        return "'none'"
    origin = f"{parts.scheme}://{parts.netloc}"
    _, _, parent = str(parts.hostname).partition(".")
    if "." not in parent or parent.replace(".", "").isdigit():
        return origin
    port = f":{parts.port}" if parts.port else ""
    return f"{origin} {parts.scheme}://*.{parent}{port}"
