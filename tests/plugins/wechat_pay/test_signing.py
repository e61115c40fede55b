"""Signatures equal the worked examples byte for byte; whatever differs is not believed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from retender.domain.model.errors import NoticeProblem
from retender.plugins.wechat_pay.signing import (
    NotProven,
    Proof,
    Signer,
    decrypt,
    encrypt,
    message_text,
    request_text,
    sign,
)

MCHID = "1900000001"
SERIAL = "7777777777777777777777777777777777777777"
NONCE = "593BEC0C930BF1AFEB40B4A08C8FB242"
TEN = datetime.fromtimestamp(1768442400, UTC)
PUB_KEY_ID = "PUB_KEY_ID_0119000000012026011500000001"


@pytest.fixture
def signer(merchant_key):
    return Signer(mchid=MCHID, serial_no=SERIAL, private_key=merchant_key)


def answer_headers(example, **changes):
    headers = {
        "wechatpay-timestamp": "1768442400",
        "wechatpay-nonce": "r0000000000000000000000000000001",
        "wechatpay-signature": example["resp_sig"],
        "wechatpay-serial": PUB_KEY_ID,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
    }
    changed = {f"wechatpay-{name.replace('_', '-')}": value for name, value in changes.items()}
    return {name: value for name, value in {**headers, **changed}.items() if value is not None}


def prove(headers, body, key, now=TEN):
    proof = Proof.of(headers)
    proof.check_window(now)
    proof.check(body, key)


def test_a_request_to_pay_is_signed_as_in_the_worked_example(signer, example):
    body = example["native_body"].encode()
    target = "/v3/pay/transactions/native"
    text = request_text("POST", target, "1768442400", NONCE, body)
    assert text == example["native_sts"].encode()
    assert signer.authorization("POST", target, body, at=TEN, nonce=NONCE) == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{MCHID}",nonce_str="{NONCE}",'
        f'signature="{example["native_sig"]}",timestamp="1768442400",serial_no="{SERIAL}"'
    )


def test_a_question_is_signed_with_its_query_and_an_empty_line(signer, example):
    target = f"/v3/pay/transactions/out-trade-no/W20260115000001A1?mchid={MCHID}"
    assert request_text("GET", target, "1768442400", NONCE, b"") == example["query_sts"].encode()
    header = signer.authorization("GET", target, b"", at=TEN, nonce=NONCE)
    assert f'signature="{example["query_sig"]}"' in header


def test_the_example_answer_is_proven(platform_key, example):
    prove(answer_headers(example), example["resp_body"].encode(), platform_key.public_key())


def test_an_answer_without_a_body_is_proven_too(platform_key, example):
    nonce = "r0000000000000000000000000000001"
    assert message_text("1768442400", nonce, b"") == f"1768442400\n{nonce}\n\n".encode()
    signature = sign(message_text("1768442400", nonce, b""), platform_key)
    prove(answer_headers(example, signature=signature), b"", platform_key.public_key())


def test_the_example_notice_is_proven_and_opened(platform_key, example):
    body = example["notify_body"].encode()
    headers = answer_headers(
        example,
        timestamp="1768442461",
        nonce="r0000000000000000000000000000002",
        signature=example["notify_sig"],
    )
    prove(headers, body, platform_key.public_key())
    plain = decrypt(json.loads(body)["resource"], example["apiv3_key"].encode())
    assert plain == example["notify_plain"].encode()


def test_sealing_gives_the_example_ciphertext(example):
    sealed = encrypt(
        example["notify_plain"].encode(),
        example["apiv3_key"].encode(),
        example["notify_nonce"],
        example["notify_aad"],
    )
    assert sealed["ciphertext"] == example["notify_ciphertext"]


def test_the_script_bridge_gets_the_example_signature(signer, example):
    parameters = dict(
        signer.jsapi_parameters(
            "wx0000000000000001", "wx15100000000000000000000000000001", at=TEN, nonce=NONCE
        )
    )
    assert parameters == {
        "appId": "wx0000000000000001",
        "timeStamp": "1768442400",
        "nonceStr": NONCE,
        "package": "prepay_id=wx15100000000000000000000000000001",
        "signType": "RSA",
        "paySign": example["jsapi_sig"],
    }


def test_the_app_gets_the_example_signature(signer, example):
    parameters = signer.app_parameters(
        "wx0000000000000001", "wx15100000000000000000000000000001", at=TEN, nonce=NONCE
    )
    assert parameters["sign"] == example["app_sig"]
    assert parameters["prepayId"] == "wx15100000000000000000000000000001"
    assert parameters["partnerId"] == MCHID


@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature", "serial"])
def test_without_one_of_the_four_headers_nothing_is_believed(platform_key, example, name):
    headers = answer_headers(example, **{name: None})
    with pytest.raises(NotProven) as caught:
        prove(headers, example["resp_body"].encode(), platform_key.public_key())
    assert caught.value.problem is NoticeProblem.UNSIGNED


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "1768442401"},
        {"nonce": "r0000000000000000000000000000009"},
        {"signature": "not base64 at all"},
        {"signature": "AAAA"},
        {"signature": "签名"},
        {"signature_type": "WECHATPAY2-SM2-WITH-SM3"},
        {"signature_type": "SHA1"},
    ],
)
def test_whatever_differs_from_what_was_signed_is_not_believed(platform_key, example, changes):
    with pytest.raises(NotProven) as caught:
        prove(
            answer_headers(example, **changes),
            example["resp_body"].encode(),
            platform_key.public_key(),
        )
    assert caught.value.problem is NoticeProblem.SIGNATURE_WRONG


def test_no_byte_of_the_body_may_change(platform_key, example):
    body = example["resp_body"].encode()
    for at in range(len(body)):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(NotProven):
            prove(answer_headers(example), changed, platform_key.public_key())


def test_a_stranger_s_key_proves_nothing(merchant_key, example):
    with pytest.raises(NotProven) as caught:
        prove(answer_headers(example), example["resp_body"].encode(), merchant_key.public_key())
    assert caught.value.problem is NoticeProblem.SIGNATURE_WRONG


def test_an_unknown_serial_proves_nothing(example):
    with pytest.raises(NotProven) as caught:
        prove(answer_headers(example), example["resp_body"].encode(), None)
    assert caught.value.problem is NoticeProblem.UNKNOWN_KEY


def test_a_probe_is_told_from_a_forgery(platform_key, example):
    headers = answer_headers(example, signature="WECHATPAY/SIGNTEST/" + example["resp_sig"])
    with pytest.raises(NotProven) as caught:
        prove(headers, example["resp_body"].encode(), platform_key.public_key())
    assert caught.value.problem is NoticeProblem.PROBE


@pytest.mark.parametrize(
    ("seconds", "stale"), [(299, False), (300, True), (-299, False), (-300, True)]
)
def test_five_minutes_off_is_too_far(platform_key, example, seconds, stale):
    now = TEN + timedelta(seconds=seconds)
    body = example["resp_body"].encode()
    if not stale:
        prove(answer_headers(example), body, platform_key.public_key(), now)
        return
    with pytest.raises(NotProven) as caught:
        prove(answer_headers(example), body, platform_key.public_key(), now)
    assert caught.value.problem is NoticeProblem.STALE


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1e9", "9" * 5000, "\uff11\uff17\uff16\uff18"])
def test_a_time_that_is_none_is_malformed(platform_key, example, timestamp):
    with pytest.raises(NotProven) as caught:
        prove(answer_headers(example, timestamp=timestamp), b"", platform_key.public_key())
    assert caught.value.problem is NoticeProblem.MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "AEAD_SM4_GCM"},
        {"algorithm": "AEAD_AES_128_GCM"},
        {"ciphertext": "AAAA"},
        {"ciphertext": "no base64!"},
        {"ciphertext": None},
        {"nonce": "n00000000002"},
        {"nonce": ""},
        {"associated_data": "refund"},
        {"associated_data": 7},
    ],
)
def test_an_envelope_that_was_touched_stays_shut(example, changes):
    key = example["apiv3_key"].encode()
    sealed = {**encrypt(b"{}", key, "n00000000001", "transaction"), **changes}
    with pytest.raises(NotProven) as caught:
        decrypt(sealed, key)
    assert caught.value.problem is NoticeProblem.MALFORMED


def test_an_envelope_has_nothing_but_base64_in_it(example):
    key = example["apiv3_key"].encode()
    sealed = encrypt(b"{}", key, "n00000000001", "transaction")
    with pytest.raises(NotProven):
        decrypt({**sealed, "ciphertext": f"!{sealed['ciphertext']}"}, key)


def test_an_envelope_may_go_without_associated_data(example):
    key = example["apiv3_key"].encode()
    sealed = encrypt(b"{}", key, "n00000000001", "")
    del sealed["associated_data"]
    assert decrypt(sealed, key) == b"{}"


def test_the_pen_shows_no_key(signer):
    assert "private" not in repr(signer)


def test_a_signature_has_nothing_but_base64_in_it(platform_key, example):
    """Two texts that are read as one signature would be one message told twice."""
    odd = f"{example['resp_sig'][:-1]}!{example['resp_sig'][-1]}"
    with pytest.raises(NotProven) as caught:
        prove(
            answer_headers(example, signature=odd),
            example["resp_body"].encode(),
            platform_key.public_key(),
        )
    assert caught.value.problem is NoticeProblem.SIGNATURE_WRONG


@pytest.mark.parametrize(
    ("timestamp", "problem"),
    [
        ("999999999999", NoticeProblem.STALE),
        ("9999999999999", NoticeProblem.MALFORMED),
        ("٣" * 10, NoticeProblem.MALFORMED),
    ],
)
def test_a_time_of_more_than_twelve_digits_is_no_number_of_seconds(example, timestamp, problem):
    with pytest.raises(NotProven) as caught:
        Proof.of(answer_headers(example, timestamp=timestamp)).check_window(TEN)
    assert caught.value.problem is problem


def test_whoever_sent_nothing_is_told_which_header_is_missing_first():
    with pytest.raises(NotProven, match=r"^no Wechatpay-Nonce header$"):
        Proof.of({})


def test_a_signature_is_not_shown(example):
    assert "signature" not in repr(Proof.of(answer_headers(example)))
