"""A payment page in a terminal: QR codes drawn, links shown, forms saved for a browser."""

import io
import os
import secrets
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from rich.markup import escape
from rich.text import Text

from retender.domain.model.errors import InvalidInput
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    QrPage,
    RedirectPage,
)
from retender.entrypoints.cli.formatting import instant

if TYPE_CHECKING:
    from rich.console import Console

    from retender.domain.model.pay_result import PageReady


def qr_code(content: str) -> Text:
    """Draw a QR code in half blocks, black on white whatever the terminal's colours are."""
    import segno

    out = io.StringIO()
    segno.make_qr(content, error="l").terminal(out, compact=True, border=2)
    # The blocks stand for what is light.
    return Text(out.getvalue().rstrip("\n"), style="bright_white on black", no_wrap=True)


def new_file(ready: "PageReady") -> Path:
    """Name a file in a fresh folder that nobody else may look into."""
    return Path(tempfile.mkdtemp(prefix="retender-")) / f"{ready.attempt.attempt_id}.html"


def save_page(file: Path, ready: "PageReady", *, title: str, now: datetime) -> None:
    """
    Save the page for a browser; its owner alone may read it, since who has it can pay.

    Raises:
        InvalidInput: the file cannot be written.

    """
    from retender.entrypoints.views.page_html import render_page

    nonce = secrets.token_urlsafe(18)
    html = render_page(ready, account_title=title, now=now, nonce=nonce)
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}. Save the page elsewhere."
        raise InvalidInput(message, field="save") from error
    with os.fdopen(opened, "w", encoding="utf-8") as out:
        out.write(html.text)


def show_page(console: "Console", ready: "PageReady", url: str, file: Path | None) -> None:
    """Show what the payer is to do, and until when it works."""
    order, attempt, page = ready.order, ready.attempt, ready.page
    again = ", the one from before" if ready.reused else ""
    who = f"{attempt.account} from {attempt.charge.client_type}"
    console.print(f"[bold]Pay {order.amount}[/bold] with {who}: a {page.kind} page{again}")
    match page:
        case QrPage():
            console.print(qr_code(page.content))
            console.print("  Scan it with the provider's app.", escape(page.content), sep="\n  ")
        case RedirectPage():
            console.print(f"  Open {escape(page.url)}", soft_wrap=True)
        case FormPage():
            console.print("  A form: a browser posts it.")
        case AppStringPage():
            console.print("  For the provider's app SDK:", escape(page.text), soft_wrap=True)
        case JsapiPage():
            for name, value in page.parameters:
                console.print(f"  {escape(name)}: {escape(value)}", soft_wrap=True)
        case _:
            assert_never(page)
    if file is not None:
        console.print(f"  Open [bold]{escape(str(file))}[/bold] in a browser.", soft_wrap=True)
    console.print(f"  While the server runs, it is also at {url}", soft_wrap=True)
    ends = f"page until {instant(ready.page_until)}, order until {instant(ready.pay_until)}"
    console.print(f"  [dim]{ends}; attempt {attempt.attempt_id}[/dim]")
