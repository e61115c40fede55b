"""RSA2 as Alipay does it: the worked examples byte for byte, and every way to get it wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retender.plugins.alipay.credentials import read_public_key
from retender.plugins.alipay.signing import (
    MalformedAnswer,
    is_signed,
    notice_texts,
    read_answer,
    request_text,
    sign,
)
from retender.tests.plugins.alipay.vector_keys import ALIPAY, MERCHANT, PLATFORM, VECTORS

METHOD = "alipay.trade.precreate"
PLATFORM_PUBLIC = read_public_key(VECTORS["platform_public_key_pem"], "alipay_public_key")


def test_a_request_is_signed_byte_for_byte() -> None:
    text = request_text(ALIPAY["req_params"])
    assert text == ALIPAY["req_sts"]
    assert sign(text, MERCHANT) == ALIPAY["req_sig"]


def test_a_page_is_signed_byte_for_byte() -> None:
    parameters = dict(part.split("=", 1) for part in ALIPAY["form_sts"].split("&"))
    assert (
        request_text({**parameters, "sign": "not part of it", "return_url_2": " "})
        == (ALIPAY["form_sts"])
    )
    assert sign(ALIPAY["form_sts"], MERCHANT) == ALIPAY["form_sig"]


def test_an_answer_is_proved_by_its_raw_text() -> None:
    body = (
        f'{{"alipay_trade_precreate_response":{ALIPAY["resp_sub"]},"sign":"{ALIPAY["resp_sig"]}"}}'
    )
    answer = read_answer(body, METHOD)
    assert answer.text == ALIPAY["resp_sub"]
    assert answer.get("qr_code") == "https://qr.alipay.com/bax000000000000001"
    assert answer.sign is not None
    assert is_signed(answer.text, answer.sign, PLATFORM_PUBLIC)


def test_a_notice_is_proved_without_its_sign_type() -> None:
    [text] = notice_texts(ALIPAY["notify_params"])
    assert text == ALIPAY["ntf_sts"]
    assert is_signed(text, ALIPAY["ntf_sig"], PLATFORM_PUBLIC)
    assert sign(text, PLATFORM) == ALIPAY["ntf_sig"]


def test_a_notice_with_empty_values_is_tried_both_ways() -> None:
    texts = list(notice_texts({"b": "2", "a": "", "sign": "s", "sign_type": "RSA2"}))
    assert texts == ["a=&b=2", "b=2"]


def test_nothing_but_the_right_key_and_text_passes() -> None:
    text, signature = ALIPAY["ntf_sts"], ALIPAY["ntf_sig"]
    assert not is_signed(text + " ", signature, PLATFORM_PUBLIC)
    assert not is_signed(text, signature, MERCHANT.public_key())
    assert not is_signed(text, "A" + signature[1:], PLATFORM_PUBLIC)
    assert not is_signed(text, signature + "!", PLATFORM_PUBLIC)
    assert not is_signed(text, "签名", PLATFORM_PUBLIC)
    assert not is_signed(text, "", PLATFORM_PUBLIC)
    assert not is_signed("\udcff", signature, PLATFORM_PUBLIC)


def test_the_charset_said_is_the_charset_signed() -> None:
    signature = sign("subject=茶", MERCHANT, "gbk")
    assert is_signed("subject=茶", signature, MERCHANT.public_key(), "gbk")
    assert not is_signed("subject=茶", signature, MERCHANT.public_key(), "utf-8")


@pytest.mark.parametrize(
    "body",
    [
        '{"alipay_trade_precreate_response":OBJECT,"sign":"S"}',
        '{"sign":"S","alipay_trade_precreate_response":OBJECT}',
        '{"alipay_cert_sn":"C","alipay_trade_precreate_response":OBJECT,"sign":"S"}',
        ' { "alipay_trade_precreate_response" : OBJECT , "sign" : "S" } \n',
    ],
)
def test_the_answer_is_found_wherever_the_signature_stands(body: str) -> None:
    text = r'{"code": "40004", "sub_msg":"}{ \"sign\":\"no\" \\","list":[{"a":"]}"}] }'
    answer = read_answer(body.replace("OBJECT", text), METHOD)
    assert (answer.text, answer.sign) == (text, "S")
    assert answer.fields["sub_msg"] == '}{ "sign":"no" \\'
    assert answer.cert_sn == ("C" if "cert_sn" in body else None)


def test_an_error_without_a_signature_is_read_as_unsigned() -> None:
    body = '{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}'
    answer = read_answer(body, METHOD)
    assert answer.sign is None
    assert answer.get("sub_code") == "isv.invalid-app-id"
    assert answer.get("msg") is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>Bad Gateway</html>",
        "[]",
        "{}",
        '{"sign":"S"}',
        '{"alipay_trade_query_response":{},"sign":"S"}',
        '{"alipay_trade_precreate_response":{"code":"10000"',
        '{"alipay_trade_precreate_response":"10000","sign":"S"}',
        '{"alipay_trade_precreate_response":{},"alipay_trade_precreate_response":{},"sign":"S"}',
        '{"alipay_trade_precreate_response":{"code":"10000","code":"40004"},"sign":"S"}',
        '{"alipay_trade_precreate_response":{},"sign":"S"} {"more":1}',
        '{"alipay_trade_precreate_response":{},"sign":"S"',
        # Each mark is one and no other, whether before or behind it in the alphabet.
        '["alipay_trade_precreate_response":{},"sign":"S"}',
        '~"alipay_trade_precreate_response":{},"sign":"S"}',
        '{"alipay_trade_precreate_response"-{},"sign":"S"}',
        '{"alipay_trade_precreate_response"={},"sign":"S"}',
        '{"alipay_trade_precreate_response":{}*"sign":"S"}',
        '{"alipay_trade_precreate_response":{};"sign":"S"}',
        '{"alipay_trade_precreate_response":{},"sign":"S"]',
        '{"alipay_trade_precreate_response":{},"sign":"S"~',
        '{"alipay_trade_precreate_response":' + "[" * 100_000,
    ],
)
def test_a_broken_answer_is_no_answer(body: str) -> None:
    with pytest.raises(MalformedAnswer):
        read_answer(body, METHOD)


@pytest.mark.parametrize("value", ['""', "5", "null", "{}", '["S"]'])
def test_what_is_no_text_or_an_empty_one_is_none(value: str) -> None:
    body = (
        f'{{"alipay_trade_precreate_response":{{"qr_code":{value}}},'
        f'"sign":{value},"alipay_cert_sn":{value}}}'
    )
    answer = read_answer(body, METHOD)
    assert (answer.get("qr_code"), answer.sign, answer.cert_sn) == (None, None, None)


def test_no_amount_is_ever_a_float() -> None:
    body = '{"alipay_trade_precreate_response":{"total_amount":88.10},"sign":"S"}'
    assert read_answer(body, METHOD).get("total_amount") == "88.10"


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(texts, texts | st.lists(texts) | st.dictionaries(texts, texts), min_size=1))
def test_any_answer_survives_being_wrapped(fields: dict[str, object]) -> None:
    text = json.dumps(fields, ensure_ascii=False)
    body = f'{{"alipay_trade_precreate_response":{text},"sign":"S"}}'
    answer = read_answer(body, METHOD)
    assert answer.text == text
    assert answer.fields == fields
