"""
A stranger's SDK judges our provider: everything that it signs, the SDK's verifier believes.

And what the SDK would have signed itself for the same parameters is the same, byte for byte.
"""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from alipay import AliPay, DCAliPay

from retender.domain.model.page import PageKind
from retender.simulators.alipay.keys import private_pem, public_pem
from retender.tests.contracts.provider.scene import HOSTILE_TEXTS
from retender.tests.plugins.alipay.charges import APP, PHONE, QR, carried, charge, refund_of
from retender.tests.plugins.alipay.counter import Counter

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore:X509:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:load_certificate:DeprecationWarning"),
]

REDIRECT = {"page_kind": PageKind.REDIRECT}


@pytest.fixture
def counter(keys):
    return Counter(keys)


@pytest.fixture
def sdk(keys) -> Any:
    """Return an SDK that checks with the app's own public key, as Alipay would."""
    return AliPay(
        appid="2026000000000001",
        app_private_key_string=private_pem(keys.app.key),
        alipay_public_key_string=public_pem(keys.app.key.public_key()),
    )


def believes(sdk, parameters):
    """Verify a request by the SDK's own arranging and checking; requests keep ``sign_type``."""
    unsigned = {name: value for name, value in parameters.items() if name != "sign"}
    text = "&".join(f"{name}={value}" for name, value in sdk._ordered_data(dict(unsigned)))
    return sdk._verify(text, parameters["sign"]) and sdk._sign(text) == parameters["sign"]


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
@pytest.mark.parametrize("where", [{}, REDIRECT, PHONE, {**PHONE, **REDIRECT}, APP])
async def test_every_page_we_sign_is_believed(counter, sdk, where, text):
    page = (await counter.provider.open(charge(subject=text, instalments=3, **where))).page
    parameters, _ = carried(page)
    assert believes(sdk, parameters)
    assert not believes(sdk, parameters | {"notify_url": "https://elsewhere.example"})


async def test_every_call_we_send_is_believed(counter, sdk):
    provider = counter.provider
    await counter.pay((await provider.open(charge(**QR))).page)
    await provider.query(charge())
    await provider.close(charge())
    await provider.refund(refund_of(charge(), reason=HOSTILE_TEXTS["markup"]))
    await provider.query_refund(refund_of(charge()))
    for request in counter.requests:
        outer = dict(parse_qsl(urlsplit(request.url).query))
        assert believes(sdk, outer | dict(parse_qsl(request.body.decode())))
    asked = [each.operation for each in counter.requests]
    assert asked == ["open", "query", "close", "query", "refund", "query_refund"]


async def test_our_certificates_bear_the_numbers_that_the_sdk_reckons(keys):
    counter = Counter(keys, certified=True)
    sdk: Any = DCAliPay(
        appid="2026000000000001",
        app_private_key_string=private_pem(keys.app.key),
        app_public_key_cert_string=keys.app.pem,
        alipay_public_key_cert_string=keys.app.pem,
        alipay_root_cert_string=keys.root.pem,
    )
    parameters, _ = carried((await counter.provider.open(charge())).page)
    assert parameters["app_cert_sn"] == sdk.app_cert_sn
    assert parameters["alipay_root_cert_sn"] == sdk.alipay_root_cert_sn
    assert believes(sdk, parameters)


async def test_notices_that_the_sdk_believes_we_believe(counter, keys):
    """Both read the simulator's words alike."""
    sdk: Any = AliPay(
        appid="2026000000000001",
        app_private_key_string=private_pem(keys.app.key),
        alipay_public_key_string=public_pem(keys.alipay.key.public_key()),
    )
    subject = HOSTILE_TEXTS["emoji"]
    await counter.pay((await counter.provider.open(charge(subject=subject))).page)
    [raw] = await counter.notices()
    fields = dict(parse_qsl(raw.body.decode()))
    signature = fields.pop("sign")
    assert sdk.verify(fields, signature)
    receipt = (await counter.provider.parse_notice(raw)).receipt
    assert receipt.provider_trade_no == fields["trade_no"]
    assert fields["subject"] == subject
