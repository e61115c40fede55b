"""Payer: what the payer's side supplies, as far as a page needs it."""

import re
from dataclasses import dataclass, field

from retender.domain.model.errors import TextInvalid
from retender.domain.model.payer_errors import PayerInputInvalid
from retender.domain.model.text import check_text

NAME_MAX = 128

_EMAIL = re.compile(r"[!-?A-~]{1,64}@(?=.{3,189}\Z)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)

_FORMS = {
    "email": (_EMAIL, "must be one e-mail address, such as ann@example.com"),
    "phone": (_PHONE, "must be a number with its country's, such as +8613800138000"),
    "language": (_LANGUAGE, "must be a language tag, such as zh-CN"),
    "shipping_country": (_COUNTRY, "must be two capitals of ISO 3166, such as CN"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """
    What the payer's side supplies, as far as the page needs it.

    It says who a person is: stores seal it and erase it with the page, and no story, log,
    error or ``repr`` shows it.

    Attributes:
        openid: the payer at the provider.
        client_ip: the payer's own address; some phone pages demand it.
        return_url: where the browser goes after paying; never evidence of payment.
        email: an address to write to, ASCII.
        name: as the payer writes it.
        phone: in full: a plus, the country's number, and up to 15 digits in all.
        language: a tag such as ``zh-CN``.
        shipping_country: where the goods go, ISO 3166, two capitals.

    Raises:
        PayerInputInvalid: names the field and the rule, never the value.

    """

    openid: str | None = field(default=None, repr=False)
    client_ip: str | None = field(default=None, repr=False)
    return_url: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    shipping_country: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what no provider could take."""
        for name, (form, rule) in _FORMS.items():
            value = getattr(self, name)
            if value is not None and not form.fullmatch(value):
                raise PayerInputInvalid(name, rule)
        if self.name is not None:
            try:
                check_text("name", self.name, NAME_MAX)
            except TextInvalid as trouble:
                raise PayerInputInvalid("name", "must be a text for people") from trouble
