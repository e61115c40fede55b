"""A payer's fields have their forms, and are shown by nothing."""

from dataclasses import fields

import pytest

from retender.domain.model.misfit import Misfit
from retender.domain.model.payer import Payer
from retender.domain.model.payer_errors import PayerInputInvalid
from retender.entrypoints.words.terms import term_of
from retender.ports.payment_provider import PayerNeed

ANN = {
    "openid": "o-canary",
    "client_ip": "203.0.113.7",
    "return_url": "https://canary.example/",
    "email": "ann.canary+1@mail.example.com",
    "name": "安 O'Canary",
    "phone": "+8613800138000",
    "language": "zh-Hans-CN",
    "shipping_country": "CN",
}


def test_every_field_can_be_needed_and_can_be_told_as_another():
    named = {field.name for field in fields(Payer)}
    assert named == set(PayerNeed) == set(ANN)
    assert all(term_of(Misfit(need)) for need in PayerNeed)


def test_nothing_of_a_payer_shows_in_a_repr():
    assert repr(Payer(**ANN)) == "Payer()"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("email", each) for each in ("", "ann", "bob@", "@b.cn", "a@b", "a b@c.cn", "a@b.cn\n")),
        *(("email", each) for each in ("a@b@c.cn", "a@b..cn", "x" * 65 + "@b.cn", "安@b.cn")),
        *(("name", each) for each in ("", "  ", "a\nb", "a\0b", "x" * 129)),
        *(("phone", each) for each in ("", "13900139000", "+0123456789", "+86 138", "+1" * 9)),
        *(("language", each) for each in ("", "z", "zh_CN", "chinese", "zh-", "zh-CN\n")),
        *(("shipping_country", each) for each in ("", "cn", "CHN", "C1", "CN\n")),
    ],
)
def test_what_has_not_its_form_is_refused_and_not_repeated(name, value):
    with pytest.raises(PayerInputInvalid) as caught:
        Payer(**{name: value})
    assert caught.value.code == "PAYER_INPUT_INVALID"
    assert caught.value.details == {"field": f"payer.{name}"}
    assert len(value.strip()) < 4 or value not in caught.value.message
