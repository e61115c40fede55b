"""What a payer is handed to pay with: a form, a link, a QR code, or signed parameters."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias, assert_never

from retender.domain.model.text import check_reference


class PageKind(StrEnum):
    """The kinds of page that a provider may offer and a client type may show."""

    FORM = "form"
    REDIRECT = "redirect"
    QR = "qr"
    APP_STRING = "app_string"
    JSAPI = "jsapi"


@dataclass(frozen=True, slots=True, repr=False)
class FormPage:
    """
    An HTML form that the browser posts to the provider.

    Values are raw text: whoever renders the form escapes them.

    Attributes:
        action: the provider's https address, complete with its query.
        fields: hidden inputs, name and value, in order.
        charset: what the provider's signature was made in.

    """

    kind: ClassVar[PageKind] = PageKind.FORM
    action: str
    fields: tuple[tuple[str, str], ...]
    charset: str = "utf-8"


@dataclass(frozen=True, slots=True, repr=False)
class RedirectPage:
    """A link that the browser follows to the provider's cashier."""

    kind: ClassVar[PageKind] = PageKind.REDIRECT
    url: str


@dataclass(frozen=True, slots=True, repr=False)
class QrPage:
    """The text of a QR code that the payer scans with the provider's app."""

    kind: ClassVar[PageKind] = PageKind.QR
    content: str


@dataclass(frozen=True, slots=True, repr=False)
class AppStringPage:
    """A signed text that the shop's app passes untouched to the provider's app SDK."""

    kind: ClassVar[PageKind] = PageKind.APP_STRING
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class JsapiPage:
    """Signed parameters for the script bridge of the provider's in-app browser."""

    kind: ClassVar[PageKind] = PageKind.JSAPI
    parameters: tuple[tuple[str, str], ...]


Page: TypeAlias = FormPage | RedirectPage | QrPage | AppStringPage | JsapiPage
"""One of the five. Their ``repr`` is bare on purpose: a page is as good as a signature."""


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What ``open`` returns: the page, and the provider's own name for what it made.

    Attributes:
        page: what to hand to the payer.
        reference: the id under which the provider wants to be asked later, 1 to 255
            characters, unique per account; None where it goes by our number. It is kept
            with the page, and is in ``Charge`` and ``RefundOrder`` of every later call.

    """

    page: Page = field(repr=False)
    reference: str | None = None

    def __post_init__(self) -> None:
        """Refuse a reference that could not be kept."""
        if self.reference is not None:
            check_reference(self.reference)


def page_to_json(page: Page) -> dict[str, object]:
    """Return the page as plain JSON values, ``kind`` first; the form that the API shows."""
    body: dict[str, object]
    match page:
        case FormPage():
            body = {
                "action": page.action,
                "fields": [list(field) for field in page.fields],
                "charset": page.charset,
            }
        case RedirectPage():
            body = {"url": page.url}
        case QrPage():
            body = {"content": page.content}
        case AppStringPage():
            body = {"text": page.text}
        case JsapiPage():
            body = {"parameters": dict(page.parameters)}
        case _:
            assert_never(page)
    return {"kind": str(page.kind), **body}


def page_to_text(page: Page) -> str:
    """Return the page as one JSON text, the form in which stores keep it."""
    return json.dumps(page_to_json(page), ensure_ascii=False, separators=(",", ":"))


def page_from_text(text: str) -> Page:
    """
    Read back what ``page_to_text`` wrote, equal in every field.

    Raises:
        ValueError: the text was not written by it.

    """
    body = json.loads(text)
    match body:
        case {"kind": "form", "action": str(action), "fields": list(fields), "charset": str(cs)}:
            return FormPage(action, tuple((str(k), str(v)) for k, v in fields), cs)
        case {"kind": "redirect", "url": str(url)}:
            return RedirectPage(url)
        case {"kind": "qr", "content": str(content)}:
            return QrPage(content)
        case {"kind": "app_string", "text": str(signed)}:
            return AppStringPage(signed)
        case {"kind": "jsapi", "parameters": dict(parameters)}:
            return JsapiPage(tuple((str(k), str(v)) for k, v in parameters.items()))
    msg = "not a stored page"
    raise ValueError(msg)
