"""The simulated gateway takes in what the real one takes in, and says no as it does."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from retender.plugins.alipay.signing import read_answer, request_text, sign
from retender.simulators.alipay.keys import KeyRing
from retender.simulators.alipay.simulator import AlipaySimulator, create_simulator
from retender.simulators.kit.faults import AnswerLost
from retender.tests.simulators.alipay.merchant import BASE, NOON, Merchant

pytestmark = pytest.mark.asyncio

QUERY = "alipay.trade.query"


async def test_get_and_post_and_both_mixed_are_the_same(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"})
    content = {"biz_content": parameters["biz_content"]}
    common = {name: value for name, value in parameters.items() if name != "biz_content"}
    answers = [
        await merchant.http.get("/gateway.do", params=parameters),
        await merchant.http.post("/gateway.do", data=parameters),
        await merchant.http.post("/gateway.do", params=common, data=content),
    ]
    assert len({answer.text for answer in answers}) == 1
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html;charset=utf-8"


async def test_an_unknown_app_is_told_before_a_wrong_signature(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"})
    both_wrong = {**parameters, "app_id": "2026000000000009", "sign": "AAAA"}
    answer = await merchant.post(both_wrong)
    assert (answer["code"], answer["sub_code"]) == ("40002", "isv.invalid-app-id")
    assert not answer["signed"]
    answer = await merchant.post({**parameters, "sign": "AAAA"})
    assert answer["sub_code"] == "isv.invalid-signature"
    assert not answer["signed"]


@pytest.mark.parametrize(
    ("change", "sub_code", "signed"),
    [
        ({"app_id": ""}, "isv.missing-app-id", False),
        ({"sign": ""}, "isv.missing-signature", False),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type", False),
        ({"charset": "latin-1"}, "isv.invalid-charset", False),
        ({"method": ""}, "isv.missing-method", True),
        ({"method": "alipay.trade.teleport"}, "isv.invalid-method", True),
        ({"method": "alipay.trade.app.pay"}, "isv.invalid-method", True),
        ({"version": "2.0"}, "isv.invalid-version", True),
        ({"format": "XML"}, "isv.invalid-format", True),
        ({"timestamp": "2026-01-15T12:00:00"}, "isv.invalid-timestamp", True),
        ({"biz_content": "{"}, "isv.invalid-parameter", True),
        ({"biz_content": "[]"}, "isv.invalid-parameter", True),
    ],
)
async def test_a_request_that_makes_no_sense(
    merchant: Merchant, change: dict[str, str], sub_code: str, *, signed: bool
) -> None:
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"}) | change
    if change.keys() != {"sign"}:
        parameters["sign"] = sign(request_text(parameters), merchant.key)
    filled = {name: value for name, value in parameters.items() if value}
    answer = await merchant.http.post("/gateway.do", data=filled)
    envelope = json.loads(answer.text)
    [body] = [value for name, value in envelope.items() if name.endswith("_response")]
    assert body["sub_code"] == sub_code
    assert ("sign" in envelope) is signed


async def test_the_gateways_own_errors_can_all_be_unsigned(merchant: Merchant) -> None:
    merchant.simulator.switches.gateway_errors_signed = False
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"}, version="2.0")
    assert not (await merchant.post(parameters))["signed"]


async def test_a_changed_parameter_breaks_the_signature(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"})
    for change in ({"biz_content": '{"out_trade_no":"T2"}'}, {"extra": "1"}, {"version": "1.1"}):
        answer = await merchant.post(parameters | change)
        assert answer["sub_code"] == "isv.invalid-signature"


async def test_a_parameter_sent_twice_is_refused(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"})
    body = urlencode(parameters) + "&app_id=2026000000000001"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await merchant.http.post("/gateway.do", content=body, headers=headers)
    assert "isv.invalid-parameter" in answer.text


async def test_gbk_is_signed_and_answered_in_gbk(merchant: Merchant) -> None:
    terms = merchant.terms("alipay.trade.precreate", subject="茶")
    parameters = merchant.parameters("alipay.trade.precreate", terms, charset="gbk")
    answer = await merchant.http.post(
        "/gateway.do",
        content=urlencode(parameters, encoding="gbk"),
        headers={"content-type": "application/x-www-form-urlencoded;charset=gbk"},
    )
    assert answer.headers["content-type"] == "text/html;charset=gbk"
    assert read_answer(answer.content.decode("gbk"), "alipay.trade.precreate").get("qr_code")


async def test_a_slash_is_escaped_and_the_signature_covers_it_so(merchant: Merchant) -> None:
    terms = merchant.terms("alipay.trade.precreate")
    parameters = merchant.parameters("alipay.trade.precreate", terms)
    answer = await merchant.http.post("/gateway.do", data=parameters)
    assert r"http:\/\/alipay.simulator\/qr\/" in answer.text
    assert answer.text.index("_response") < answer.text.index('"sign"')
    merchant.simulator.switches.sign_comes_first = True
    answer = await merchant.http.post("/gateway.do", data=parameters)
    assert answer.text.index("_response") > answer.text.index('"sign"')


async def test_passback_data_that_looks_like_an_attack(merchant: Merchant) -> None:
    answer = await merchant.precreate(passback_params="subject%3Dtea")
    assert answer["sub_code"] == "isv.suspected-attack"


async def test_a_timestamp_matters_only_if_the_switch_says_so(merchant: Merchant) -> None:
    old = {"timestamp": "2020-01-01 00:00:00"}
    answer = await merchant.post(merchant.parameters(QUERY, {"out_trade_no": "T1"}, **old))
    assert answer["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    merchant.simulator.switches.timestamp_tolerance_seconds = 600
    answer = await merchant.post(merchant.parameters(QUERY, {"out_trade_no": "T1"}, **old))
    assert answer["sub_code"] == "isv.invalid-timestamp"
    assert (await merchant.call("query"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize(
    ("change", "sub_code"),
    [
        ({"total_amount": "0"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "0.00"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "-1"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "1.001"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "1e2"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "100000000.01"}, "ACQ.TOTAL_FEE_EXCEED"),
        ({"subject": "a/b"}, "ACQ.INVALID_PARAMETER"),
        ({"subject": "a=b"}, "ACQ.INVALID_PARAMETER"),
        ({"subject": "a&b"}, "ACQ.INVALID_PARAMETER"),
        ({"subject": "a" * 257}, "ACQ.INVALID_PARAMETER"),
        ({"subject": ""}, "ACQ.INVALID_PARAMETER"),
        ({"out_trade_no": "T-1"}, "ACQ.INVALID_PARAMETER"),
        ({"out_trade_no": "T" * 65}, "ACQ.INVALID_PARAMETER"),
        ({"product_code": "QUICK_WAP_WAY"}, "ACQ.INVALID_PARAMETER"),
        ({"timeout_express": "1.5h"}, "ACQ.INVALID_PARAMETER"),
        ({"timeout_express": "16d"}, "ACQ.INVALID_PARAMETER"),
        ({"time_expire": "2026-01-15 11:59:59"}, "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"),
        ({"time_expire": "2026-02-15 12:00:00"}, "ACQ.INVALID_PARAMETER"),
        ({"time_expire": "soon"}, "ACQ.INVALID_PARAMETER"),
        ({"extend_params": {"hb_fq_num": "4"}}, "ACQ.INVALID_PARAMETER"),
        ({"extend_params": {"hb_fq_num": "3", "hb_fq_seller_percent": "50"}}, (
            "ACQ.INVALID_PARAMETER")),
    ],
)  # fmt: skip
async def test_business_parameters_are_read_strictly(
    merchant: Merchant, change: dict[str, Any], sub_code: str
) -> None:
    answer = await merchant.precreate(**change)
    assert (answer["code"], answer["sub_code"]) == ("40004", sub_code)
    assert answer["signed"]


async def test_a_dialled_error_leaves_or_makes_the_effect(merchant: Merchant) -> None:
    faults = merchant.simulator.faults
    code = (await merchant.precreate())["qr_code"]
    merchant.simulator.act("scan", code)
    faults.set("provider_error", "close")
    assert (await merchant.call("close"))["sub_code"] == "isp.unknow-error"
    assert await merchant.state() == "WAIT_BUYER_PAY"
    faults.set("rate_limit", "close")
    assert (await merchant.call("close"))["sub_code"] == "isv.app-call-limited"
    assert await merchant.state() == "WAIT_BUYER_PAY"
    faults.set("provider_error_after_effect", "alipay.trade.close", code="ACQ.SYSTEM_ERROR")
    assert (await merchant.call("close"))["sub_code"] == "ACQ.SYSTEM_ERROR"
    assert await merchant.state() == "TRADE_CLOSED"


async def test_an_answer_can_be_lost_on_either_side_of_the_effect(merchant: Merchant) -> None:
    code = (await merchant.precreate())["qr_code"]
    merchant.simulator.act("scan", code)
    for fault, state in [
        ("lost_before_effect", "WAIT_BUYER_PAY"),
        ("lost_after_effect", "TRADE_CLOSED"),
    ]:
        merchant.simulator.faults.set(fault, "close")
        with pytest.raises(AnswerLost):
            await merchant.call("close")
        assert await merchant.state() == state


async def test_in_certificate_mode_requests_name_their_certificates(keys: KeyRing) -> None:
    merchant = Merchant(create_simulator(BASE, clock=lambda: NOON, keys=keys, certified=True))
    answer = await merchant.call("query")
    assert answer["sub_code"] == "isv.missing-app-cert-sn"
    named = {"app_cert_sn": keys.app.sn}
    answer = await merchant.post(merchant.parameters(QUERY, {}, **named))
    assert answer["sub_code"] == "isv.missing-alipay-root-cert-sn"
    wrong = {"app_cert_sn": keys.app.sn, "alipay_root_cert_sn": "0" * 32}
    answer = await merchant.post(merchant.parameters(QUERY, {}, **wrong))
    assert answer["sub_code"] == "isv.invalid-alipay-root-cert-sn"
    right = {"app_cert_sn": keys.app.sn, "alipay_root_cert_sn": keys.root_sn}
    parameters = merchant.parameters(QUERY, {"out_trade_no": "T1"}, **right)
    told = await merchant.http.post("/gateway.do", data=parameters)
    assert read_answer(told.text, QUERY).cert_sn == keys.alipay.sn


async def test_a_page_error_is_for_the_human_and_in_gbk(
    merchant: Merchant, simulator: AlipaySimulator
) -> None:
    form = merchant.page()
    broken = form.action.replace("app_id=2026000000000001", "app_id=1")
    answer = await merchant.http.post(broken, data=dict(form.fields))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html;charset=GBK"
    assert "isv.invalid-app-id" in answer.content.decode("gbk")
    assert simulator.state() == {"trades": [], "pages": []}
