"""The built-in places to pay from: a PC, a phone's browser, WeChat's browser, the shop's app."""

import re
from collections.abc import Sequence

from retender.domain.model.client_type import ClientType, Device
from retender.domain.model.page import PageKind
from retender.plugins.hookspecs import hookimpl

_LONGEST = 1024
"""Characters of a user agent that are looked at; real ones have some hundred."""

_IN_WECHAT = re.compile(r"\bMicroMessenger/", re.IGNORECASE)
_WECHAT_ON_A_PC = re.compile(r"\b(?:WindowsWechat|MacWechat|UnifiedPCWindowsWechat)\b")
# An Android tablet lacks the word Mobile, an iPad may call itself a Macintosh and then cannot
# be told from one: both have a browser to follow links in, and the bigger screen can be scanned.
_PHONE = re.compile(r"iPhone|iPod|Android[^)]*\).*\bMobile\b|\bMobile\b.*Android|HarmonyOS.*Mobile")
_TABLET = re.compile(r"iPad|Android|\bTablet\b|HarmonyOS|OpenHarmony|Kindle|Silk/")
_BROWSER = re.compile(r"^(?:Mozilla|Opera)/\d")
_MACHINE = re.compile(r"bot\b|spider|crawl|curl|wget|python|headless", re.IGNORECASE)


def _clipped(user_agent: str) -> str:
    return user_agent[:_LONGEST]


def in_wechat(user_agent: str) -> bool:
    """Recognise WeChat's own browser on a phone, whose script bridge pays by JSAPI."""
    text = _clipped(user_agent)
    return bool(_IN_WECHAT.search(text)) and not _WECHAT_ON_A_PC.search(text)


def on_a_phone(user_agent: str) -> bool:
    """Recognise a browser on a phone or tablet, where wallet apps live."""
    text = _clipped(user_agent)
    return bool(_BROWSER.search(text) and (_PHONE.search(text) or _TABLET.search(text)))


def on_a_pc(user_agent: str) -> bool:
    """Recognise any other browser that a person sits at."""
    text = _clipped(user_agent)
    if _MACHINE.search(text) or on_a_phone(text) or in_wechat(text):
        return False
    return bool(_BROWSER.search(text))


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
