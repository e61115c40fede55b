"""The character sets in which Alipay speaks; none is ever guessed."""

from collections.abc import Mapping
from email.message import Message
from types import MappingProxyType
from typing import Final

CHARSETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "utf-8": "utf-8",
        "utf8": "utf-8",
        # Each of these is a part of the next, so that the last one reads and writes them all:
        # what was decoded becomes the very bytes again that were signed.
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "gb18030": "gb18030",
    }
)
"""Python's name for each name that Alipay uses, in lower case."""

BILL: Final = "gb18030"


def declared_in(content_type: str | None) -> str:
    """
    Return Python's name of the charset that a content type declares; UTF-8 if it does not.

    Raises:
        LookupError: it declares one that Alipay does not use.

    """
    header = Message()
    header["content-type"] = content_type or "text/html"
    declared = header.get_content_charset("utf-8").lower()
    if declared not in CHARSETS:
        message = f"charset {declared[:32]!r} is none of {', '.join(CHARSETS)}"
        raise LookupError(message)
    return CHARSETS[declared]
