"""The built-in places to pay from: a PC, a phone's browser, WeChat's browser, the shop's app."""

import re
from collections.abc import Sequence

from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.page import PageKind
from retender.plugins.hookspecs import hookimpl

RETENDER_PLUGIN_API = 1

_LONGEST = 1024
"""Characters of a user agent that are looked at; real ones have some hundred."""

_BROWSER = re.compile(r"^(?:Mozilla|Opera)/\d")
_MACHINE = re.compile(r"bot\b|spider|crawl|headless", re.IGNORECASE)
_TELEVISION = re.compile(r"TV\b")
_IN_WECHAT = re.compile(r"\bMicroMessenger/")
_WECHAT_ON_A_PC = re.compile(r"\b(?:Windows|Mac)Wechat\b")
# A tablet counts as a phone: wallet apps live there, and nobody scans it. An iPad that calls
# itself a Macintosh cannot be told from one; a PC's pages work there too.
_IN_THE_HAND = re.compile(r"\b(?:iPhone|iPad|iPod|Android|(?:Open)?Harmony(?:OS)?|Mobile)\b")


def in_wechat(user_agent: str) -> bool:
    """Recognise WeChat's own browser on a phone, whose script bridge pays by JSAPI."""
    text = user_agent[:_LONGEST]
    return bool(_IN_WECHAT.search(text)) and not _WECHAT_ON_A_PC.search(text)


def on_a_phone(user_agent: str) -> bool:
    """Recognise a person's browser on a phone or tablet."""
    text = user_agent[:_LONGEST]
    return _by_a_person(text) and bool(_IN_THE_HAND.search(text)) and not _TELEVISION.search(text)


def on_a_pc(user_agent: str) -> bool:
    """Recognise any other browser that a person sits at, televisions included."""
    text = user_agent[:_LONGEST]
    return _by_a_person(text) and not on_a_phone(text) and not in_wechat(text)


def _by_a_person(text: str) -> bool:
    return bool(_BROWSER.search(text)) and not _MACHINE.search(text)


WECHAT_H5 = ClientType(
    code="wechat_h5",
    title="Inside WeChat",
    device=Device.PHONE,
    page_kinds=(PageKind.JSAPI,),
    recognise=in_wechat,
)
H5 = ClientType(
    code="h5",
    title="Phone browser",
    device=Device.PHONE,
    page_kinds=(PageKind.REDIRECT, PageKind.FORM),
    recognise=on_a_phone,
)
PC = ClientType(
    code="pc",
    title="Computer",
    device=Device.SCREEN,
    page_kinds=(PageKind.FORM, PageKind.REDIRECT, PageKind.QR),
    recognise=on_a_pc,
)
APP = ClientType(
    # Nothing recognises it: the shop's own app knows that it is one, and says so.
    code="app",
    title="The shop's app",
    device=Device.PHONE,
    page_kinds=(PageKind.APP_STRING,),
)


@hookimpl
def register_client_types() -> Sequence[ClientType]:
    """Bring the four, the most particular first."""
    return [WECHAT_H5, H5, PC, APP]
