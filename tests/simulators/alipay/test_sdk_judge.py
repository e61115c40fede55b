"""
A stranger's SDK judges: it drives our simulator over a real socket and believes what it says.

Nothing here is checked with code of ours. ``python-alipay-sdk`` signs the requests
that the simulator must accept, and verifies the answers and notices it must sign.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode
from urllib.request import urlopen
from zlib import crc32

import pytest
import uvicorn
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from retender.entrypoints.listening import LOOPBACK, address_of, listen
from retender.simulators.alipay.keys import KeyRing, private_pem, public_pem
from retender.simulators.alipay.simulator import AlipaySimulator, create_simulator

NOTIFY = "http://shop.example/notify"
TRADE = {"subject": "Tea 茶 😀 +%<>\"'", "total_amount": "88.88"}

Sdk: TypeAlias = Any  # AliPay or DCAliPay; neither says anything about types

pytestmark = [
    # The SDK leaves its sockets to the garbage collector and reads certificates the old way.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:X509:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:load_certificate:DeprecationWarning"),
]


class Served:
    """A simulator on a loopback port, and an SDK configured for it."""

    def __init__(self, keys: KeyRing, *, certified: bool) -> None:
        # The simulator must know its address, and the port is known once bound.
        listening = listen(LOOPBACK, 0)
        self.url = address_of(listening)
        self.simulator = create_simulator(self.url, keys=keys, certified=certified)
        self._keys, self._certified = keys, certified
        config = uvicorn.Config(self.simulator.app, log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],))
        self._thread.start()
        while not self._server.started:
            threading.Event().wait(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def sdk(self) -> Sdk:
        keys = self._keys
        if self._certified:
            sdk = DCAliPay(
                appid="2026000000000001",
                app_notify_url=NOTIFY,
                app_private_key_string=private_pem(keys.app.key),
                app_public_key_cert_string=keys.app.pem,
                alipay_public_key_cert_string=keys.alipay.pem,
                alipay_root_cert_string=keys.root.pem,
            )
        else:
            sdk = AliPay(
                appid="2026000000000001",
                app_notify_url=NOTIFY,
                app_private_key_string=private_pem(keys.app.key),
                alipay_public_key_string=public_pem(keys.alipay.key.public_key()),
            )
        sdk._gateway = f"{self.url}/gateway.do"
        return sdk


@pytest.fixture(scope="module", params=[False, True], ids=["key mode", "certificate mode"])
def served(request: pytest.FixtureRequest, keys: KeyRing) -> Iterator[Served]:
    served = Served(keys, certified=request.param)
    yield served
    served.stop()


@pytest.fixture
def sdk(served: Served) -> Sdk:
    return served.sdk()


@pytest.fixture
def simulator(served: Served) -> Iterator[AlipaySimulator]:
    """Return the served simulator; its clock is set back afterwards."""
    simulator = served.simulator
    simulator.switches.refund_spacing_seconds = 0
    yield simulator
    simulator.clock.reset()
    simulator.delivery.history.clear()


@pytest.fixture
def number(request: pytest.FixtureRequest) -> str:
    """Return a number that no other test uses."""
    return f"J{crc32(request.node.name.encode()):010d}"


def fetched(url: str, body: bytes | None = None) -> bytes:
    """Fetch as the payer's browser would."""
    with urlopen(url, body, timeout=5) as answer:  # noqa: S310 -- our own loopback server
        return bytes(answer.read())


def notices(
    simulator: AlipaySimulator, number: str, answer: bytes = b"success"
) -> list[dict[str, str]]:
    """Deliver what is due and return what was told of this number."""

    async def hear(_url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
        return 200, answer

    done = asyncio.run(simulator.delivery.deliver_due(hear))
    mine = [each.notice.body for each in done if each.reference == number]
    return [dict(parse_qsl(body.decode())) for body in mine]


def believed(sdk: Sdk, notice: Mapping[str, str]) -> bool:
    """Verify a notice in the way that the SDK's manual shows."""
    data = {k: v for k, v in notice.items() if k not in {"sign", "alipay_cert_sn"}}
    return bool(sdk.verify(data, notice["sign"]))


def test_a_pc_page_it_signs_opens_and_pays(
    sdk: Sdk, served: Served, simulator: AlipaySimulator, number: str
) -> None:
    query = sdk.api_alipay_trade_page_pay(out_trade_no=number, **TRADE)
    url = f"{served.url}/gateway.do?{query}"
    html = fetched(url).decode()
    assert "88.88" in html
    assert simulator.act("pay", url).ok
    answer = sdk.api_alipay_trade_query(out_trade_no=number)
    assert (answer["trade_status"], answer["total_amount"]) == ("TRADE_SUCCESS", "88.88")
    [notice] = notices(simulator, number)
    assert believed(sdk, notice)
    assert notice["subject"] == TRADE["subject"]


def test_a_phone_page_it_signs_opens_and_pays(
    sdk: Sdk, served: Served, simulator: AlipaySimulator, number: str
) -> None:
    query = sdk.api_alipay_trade_wap_pay(
        out_trade_no=number, return_url="http://shop.example/back", **TRADE
    )
    assert simulator.act("pay", f"{served.url}/gateway.do?{query}").ok
    assert believed(sdk, notices(simulator, number)[0])


def test_an_order_string_it_signs_opens_and_pays(
    sdk: Sdk, simulator: AlipaySimulator, number: str
) -> None:
    order = sdk.api_alipay_trade_app_pay(out_trade_no=number, **TRADE)
    assert simulator.act("pay", order).ok
    assert sdk.api_alipay_trade_query(out_trade_no=number)["send_pay_date"]


def test_any_method_it_signs_as_a_client(sdk: Sdk, simulator: AlipaySimulator, number: str) -> None:
    content = {**TRADE, "out_trade_no": number, "product_code": "QUICK_MSECURITY_PAY"}
    order = sdk.client_api("alipay.trade.app.pay", biz_content=content, notify_url=NOTIFY)
    assert simulator.act("pay", order).ok


def test_a_qr_code_from_ask_to_closed(sdk: Sdk, simulator: AlipaySimulator, number: str) -> None:
    code = sdk.api_alipay_trade_precreate(out_trade_no=number, **TRADE)
    assert code["out_trade_no"] == number
    missing = sdk.api_alipay_trade_query(out_trade_no=number)
    assert (missing["code"], missing["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    assert sdk.api_alipay_trade_close(out_trade_no=number)["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    simulator.act("scan", code["qr_code"])
    waiting = sdk.api_alipay_trade_query(out_trade_no=number)
    assert waiting["trade_status"] == "WAIT_BUYER_PAY"
    closed = sdk.api_alipay_trade_close(trade_no=waiting["trade_no"], operator_id="op1")
    assert closed["out_trade_no"] == number
    again = sdk.api_alipay_trade_precreate(out_trade_no=number, **TRADE)
    assert again["sub_code"] == "ACQ.TRADE_HAS_CLOSE"


def test_a_trade_it_creates_is_paid_and_given_back_in_parts(
    sdk: Sdk, simulator: AlipaySimulator, number: str
) -> None:
    made = sdk.api_alipay_trade_create(
        out_trade_no=number, buyer_id="bob", product_code="JSAPI_PAY", **TRADE
    )
    assert simulator.act("pay", {"trade_no": made["trade_no"]}, buyer="bob").ok
    first = sdk.api_alipay_trade_refund(
        refund_amount="20.00", out_trade_no=number, out_request_no="R1"
    )
    assert (first["fund_change"], first["refund_fee"]) == ("Y", "20.00")
    again = sdk.api_alipay_trade_refund(
        refund_amount="20.00", trade_no=made["trade_no"], out_request_no="R1"
    )
    assert (again["fund_change"], again["refund_fee"]) == ("N", "20.00")
    found = sdk.api_alipay_trade_fastpay_refund_query("R1", out_trade_no=number)
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "20.00")
    unknown = sdk.api_alipay_trade_fastpay_refund_query("R2", trade_no=made["trade_no"])
    assert unknown == {"code": "10000", "msg": "Success"}
    paid, refunded = notices(simulator, number)
    assert believed(sdk, paid)
    assert believed(sdk, refunded)
    assert (refunded["out_biz_no"], refunded["refund_fee"]) == ("R1", "20.00")


def test_it_cancels_unpaid_and_paid(sdk: Sdk, simulator: AlipaySimulator, number: str) -> None:
    for act, action in [("scan", "close"), ("pay", "refund")]:
        each = f"{number}{act}"
        code = sdk.api_alipay_trade_precreate(out_trade_no=each, **TRADE)["qr_code"]
        simulator.act(act, code)
        answer = sdk.api_alipay_trade_cancel(out_trade_no=each)
        assert (answer["action"], answer["retry_flag"]) == (action, "N")
        assert sdk.api_alipay_trade_cancel(trade_no=answer["trade_no"])["action"] == action
    assert simulator.books()[f"{number}pay"].refunded_minor == 8888


def test_it_fetches_yesterdays_bill(sdk: Sdk, simulator: AlipaySimulator, number: str) -> None:
    order = sdk.api_alipay_trade_app_pay(out_trade_no=number, **TRADE)
    simulator.act("pay", order)
    day = simulator.clock.now() + timedelta(hours=8)
    simulator.clock.advance(timedelta(days=1))
    answer = sdk.server_api(
        "alipay.data.dataservice.bill.downloadurl.query",
        {"bill_type": "trade", "bill_date": f"{day:%Y-%m-%d}"},
    )
    assert fetched(answer["bill_download_url"])[:2] == b"PK"


def test_it_hears_of_its_own_mistakes(sdk: Sdk, number: str) -> None:
    refused = sdk.api_alipay_trade_precreate(
        subject="a/b", out_trade_no=number, total_amount="1.00"
    )
    assert refused["sub_code"] == "ACQ.INVALID_PARAMETER"
    sdk._appid = "2026000000000009"
    with pytest.raises(AliPayException, match="isv\\.invalid-app-id"):
        sdk.api_alipay_trade_query(out_trade_no=number)


def test_a_call_the_gateway_does_not_know(sdk: Sdk, number: str) -> None:
    answer = sdk.api_alipay_fund_trans_order_query(out_biz_no=number)
    assert (answer["code"], answer["sub_code"]) == ("40002", "isv.invalid-method")


def test_it_disbelieves_forged_notices(
    sdk: Sdk, served: Served, simulator: AlipaySimulator, number: str
) -> None:
    query = sdk.api_alipay_trade_page_pay(out_trade_no=number, **TRADE)
    simulator.act("pay", f"{served.url}/gateway.do?{query}")
    for forgery in ("stranger_key", "flipped_byte"):
        simulator.delivery.turn(forge=forgery)
        [forged] = notices(simulator, number, answer=b"fail")
        assert not believed(sdk, forged)
        simulator.clock.advance(timedelta(minutes=10))
    simulator.delivery.reset()
    assert believed(sdk, notices(simulator, number)[0])


def test_it_disbelieves_an_answer_of_another_key(
    served: Served, simulator: AlipaySimulator, number: str
) -> None:
    sdk = served.sdk()
    keys = simulator.keys
    honest, keys.alipay = keys.alipay, type(keys.alipay)(keys.stranger, keys.alipay.certificate)
    try:
        with pytest.raises(AliPayValidationError):
            sdk.api_alipay_trade_query(out_trade_no=number)
    finally:
        keys.alipay = honest


def test_a_form_it_signs_may_be_posted(sdk: Sdk, served: Served, number: str) -> None:
    signed = dict(parse_qsl(sdk.api_alipay_trade_page_pay(out_trade_no=number, **TRADE)))
    body = urlencode({"biz_content": signed.pop("biz_content")}).encode()
    html = fetched(f"{served.url}/gateway.do?{urlencode(signed)}", body).decode()
    assert number in html
    assert json.dumps(TRADE["subject"]) not in html
