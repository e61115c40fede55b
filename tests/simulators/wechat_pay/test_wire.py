"""The simulated gateway takes nothing from strangers and signs every success."""

from datetime import timedelta

import pytest

from retender.simulators.kit.faults import AnswerLost
from retender.simulators.wechat_pay.switches import WechatPaySwitches
from retender.tests.simulators.wechat_pay.merchant import ORDERS, REFUNDS, TEN, Merchant, proof_of

pytestmark = pytest.mark.asyncio

QUERY = f"{ORDERS}/out-trade-no/ORDER00001?mchid=1900000001"


@pytest.fixture
def merchant(identity):
    return Merchant(identity)


# --- who asks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic abc",
        'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"',
        'WECHATPAY2-SM2-WITH-SM3 mchid="1900000001",nonce_str="n",signature="s",timestamp="1"',
    ],
)
async def test_without_a_whole_authorization_nothing_is_told(merchant, authorization):
    answer = await merchant.send("GET", QUERY, authorization=authorization)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert "wechatpay-signature" not in answer.headers


@pytest.mark.parametrize(("seconds", "status"), [(300, 404), (-300, 404), (301, 401), (-301, 401)])
async def test_a_request_may_be_five_minutes_off(merchant, seconds, status):
    answer = await merchant.send("GET", QUERY, at=TEN + timedelta(seconds=seconds))
    assert answer.status_code == status


async def test_the_signature_covers_query_and_body(merchant):
    right = merchant.signer.authorization("GET", QUERY, b"", at=TEN, nonce="n" * 32)
    answer = await merchant.send("GET", QUERY + "&x=1", authorization=right)
    assert answer.status_code == 401
    order = merchant.order()
    other = merchant.signer.authorization("POST", f"{ORDERS}/native", b"{}", at=TEN, nonce="n")
    answer = await merchant.send("POST", f"{ORDERS}/native", order, authorization=other)
    assert answer.status_code == 401


async def test_a_number_with_a_bar_is_signed_as_it_is_escaped(merchant):
    await merchant.prepay(out_trade_no="ORDER|0001")
    assert (await merchant.query("ORDER%7C0001"))["out_trade_no"] == "ORDER|0001"


async def test_headers_that_must_be_there_are_missed(merchant):
    certificates = await merchant.send("GET", "/v3/certificates", user_agent=None)
    assert (certificates.status_code, certificates.json()["code"]) == (400, "INVALID_REQUEST")
    query = await merchant.send("GET", QUERY, user_agent=None)
    assert (query.status_code, query.json()["code"]) == (401, "SIGN_ERROR")
    accept = await merchant.send("GET", QUERY, accept="text/html")
    assert accept.status_code == 400
    form = await merchant.send("POST", f"{ORDERS}/native", merchant.order(), content_type="text/x")
    assert form.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/nothing", 404),
        ("POST", "/v3/pay/transactions/moon", 404),
        ("GET", "/v3/pay/transactions/native", 405),
        ("POST", "/v3/certificates", 405),
    ],
)
async def test_wrong_paths_and_methods_get_a_bare_status(merchant, method, path, status):
    answer = await merchant.send(method, path)
    assert (answer.status_code, answer.content) == (status, b"")


# --- who answers -----------------------------------------------------------------------


async def test_every_success_is_signed_even_without_a_body(merchant):
    answer = await merchant.send("POST", f"{ORDERS}/native", merchant.order())
    key = merchant.identity.public_key.public_key()
    proof_of(answer).check(answer.content, key)
    closed = await merchant.close()
    assert (closed.status_code, closed.content) == (204, b"")
    proof_of(closed).check(b"", key)
    assert closed.headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"


async def test_in_a_migration_the_caller_says_by_which_key(identity):
    merchant = Merchant(identity, WechatPaySwitches(trust="migration"))
    newest = identity.certificates[-1]
    old = await merchant.send("POST", f"{ORDERS}/native", merchant.order())
    assert proof_of(old).serial == newest.serial
    proof_of(old).check(old.content, newest.key.public_key())
    new = await merchant.send("GET", QUERY, wechatpay_serial=identity.public_key_id)
    assert proof_of(new).serial == identity.public_key_id


@pytest.mark.parametrize("numeric", [True, False])
async def test_a_reason_may_stand_behind_the_request_id(identity, numeric):
    merchant = Merchant(identity, WechatPaySwitches(numeric_reasons=numeric))
    await merchant.prepay()
    again = await merchant.send("POST", f"{ORDERS}/native", merchant.order(description="Cake"))
    assert again.headers["request-id"].endswith("-268498688") is numeric


# --- trouble on demand -----------------------------------------------------------------


async def test_an_answer_can_be_lost_before_and_after_the_effect(merchant):
    merchant.simulator.faults.set("lost_before_effect", "open")
    with pytest.raises(AnswerLost):
        await merchant.prepay()
    assert await merchant.refused("GET", QUERY) == (404, "ORDER_NOT_EXIST")
    merchant.simulator.faults.set("lost_after_effect", "open")
    with pytest.raises(AnswerLost):
        await merchant.prepay()
    assert (await merchant.query())["trade_state"] == "NOTPAY"


@pytest.mark.parametrize("code", ["FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"])
async def test_the_gateway_can_be_too_busy(identity, code):
    merchant = Merchant(identity, WechatPaySwitches(rate_limit_code=code))
    merchant.simulator.faults.set("rate_limit")
    assert await merchant.refused("GET", QUERY) == (429, code)


async def test_any_error_can_be_had_on_demand(merchant):
    for code, status in (("SYSTEM_ERROR", 500), ("NOT_ENOUGH", 403), ("MOON_TOO_FULL", 400)):
        merchant.simulator.faults.set("provider_error", "refund", code=code)
        assert await merchant.refused("POST", REFUNDS, {}) == (status, code)


async def test_the_control_api_drives_everything(merchant):
    page = await merchant.prepay()
    act = {"action": "pay", "page": {"kind": "qr", "content": page}, "buyer": "bob"}
    assert (await merchant.http.post("/_simulator/act", json=act)).json()["ok"]
    books = (await merchant.http.get("/_simulator/books")).json()
    assert books["ORDER00001"]["captured_minor"] == 8888
    state = (await merchant.http.get("/_simulator/state")).json()
    assert state["brand"] == "wechat_pay"
    assert [(o["number"], o["state"]) for o in state["orders"]] == [("ORDER00001", "SUCCESS")]
    turned = await merchant.http.post("/_simulator/switches", json={"native_expiry_cap_days": 15})
    assert turned.json()["native_expiry_cap_days"]["value"] == 15
    assert all(each["doc"] for each in turned.json().values())
