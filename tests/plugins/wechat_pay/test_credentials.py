"""An operator who mistypes a setting is told which one, and no secret is repeated."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from retender.domain.model.errors import SetupError
from retender.plugins.wechat_pay.credentials import GATEWAY, read_credentials
from retender.simulators.wechat_pay.simulator import create_simulator
from retender.simulators.wechat_pay.switches import WechatPaySwitches


@pytest.fixture(scope="module")
def settings(identity):
    return create_simulator("http://127.0.0.1:1", identity=identity).settings


@pytest.fixture(scope="module")
def elliptic():
    key = new_ec_key(SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    spki = PublicFormat.SubjectPublicKeyInfo
    return private, key.public_key().public_bytes(Encoding.PEM, spki).decode()


def test_the_simulator_s_settings_are_ready_for_use(settings):
    read = read_credentials(settings)
    assert read.signer.mchid == settings["mch_id"]
    assert (read.app_id, read.mobile_app_id) == (settings["app_id"], settings["mobile_app_id"])
    assert read.public_key_id == settings["public_key_id"]
    assert read.gateway == "http://127.0.0.1:1"


def test_by_certificate_no_public_key_is_needed(identity):
    switches = WechatPaySwitches(trust="certificate")
    settings = create_simulator("http://127.0.0.1:1", identity=identity, switches=switches).settings
    read = read_credentials(settings)
    assert (read.public_key_id, read.public_key) == (None, None)


def test_what_need_not_be_said_is_filled_in(settings):
    short = {k: v for k, v in settings.items() if k not in {"gateway", "mobile_app_id"}}
    read = read_credentials(short)
    assert (read.gateway, read.mobile_app_id) == (GATEWAY, settings["app_id"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mch_id", ""),
        ("mch_id", "19000x0001"),
        ("app_id", "wx 1"),
        ("mobile_app_id", "wx/1"),
        ("merchant_serial_no", "no hex"),
        ("private_key", ""),
        ("private_key", "MIIE"),
        ("api_v3_key", "too short, and secret"),
        ("api_v3_key", "é" * 32),
        ("public_key_id", "KEY_1"),
        ("public_key_id", ""),
        ("public_key", ""),
        ("public_key", "MIIB"),
        ("gateway", "api.mch.weixin.qq.com"),
        ("gateway", "ftp://api.mch.weixin.qq.com"),
        ("gateway", "https://user@api.mch.weixin.qq.com"),
        ("gateway", "https://api.mch.weixin.qq.com/v3"),
        ("gateway", "https://api.mch.weixin.qq.com?x=1"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(settings, name, value):
    with pytest.raises(SetupError) as caught:
        read_credentials({**settings, name: value})
    assert caught.value.details["setting"] == name
    assert f"wechat_pay: {name}" in caught.value.message
    assert caught.value.__cause__ is None or name != "private_key"
    if name in {"api_v3_key", "private_key"} and value:
        assert value not in caught.value.message


def test_a_key_of_another_kind_is_refused(settings, elliptic):
    for name, pem in zip(("private_key", "public_key"), elliptic, strict=True):
        with pytest.raises(SetupError, match="no RSA key"):
            read_credentials({**settings, name: pem})


def test_credentials_show_no_key(settings):
    shown = repr(read_credentials(settings))
    assert settings["api_v3_key"] not in shown
    assert "RSA" not in shown
