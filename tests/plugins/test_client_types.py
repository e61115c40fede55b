"""The built-in client types: who is recognised as what, and what is shown there."""

import time
from pathlib import Path

import pytest

from retender.domain.model.client_type import ClientType, Device, negotiate
from retender.domain.model.errors import NoCommonPage, UnknownName
from retender.domain.model.page import PageKind
from retender.plugins.client_types import APP, H5, PC, WECHAT_H5, register_client_types
from retender.plugins.registry import ClientTypeRegistry
from retender.plugins.sandbox.terms import TERMS

TABLE = Path(__file__).with_name("user_agents.tsv").read_text(encoding="utf-8")
ROWS = [line.split("\t") for line in TABLE.splitlines()]
ROWS += [["-", "nothing", ""], ["-", "noise", "\x00\xff<script>alert(1)</script>"]]
USER_AGENTS = {who: (user_agent, None if code == "-" else code) for code, who, user_agent in ROWS}


@pytest.fixture
def client_types():
    return ClientTypeRegistry(register_client_types())


@pytest.mark.parametrize(("user_agent", "code"), USER_AGENTS.values(), ids=list(USER_AGENTS.keys()))
def test_the_payer_is_recognised_by_the_browser(client_types, user_agent, code):
    recognised = client_types.recognise(user_agent)
    assert (recognised.code if recognised else None) == code


def test_at_most_one_type_claims_a_browser_but_for_wechats(client_types):
    """Their order would otherwise decide, and a plugin's place in it is not ours to choose."""
    for user_agent, code in USER_AGENTS.values():
        claims = [t.code for t in client_types.all() if t.recognise(user_agent)]
        assert claims in ([], [code], ["wechat_h5", "h5"])


@pytest.mark.parametrize("piece", ["Android (", "Mobile ", "Mozilla/5.0 (Linux; Android", "("])
def test_a_hostile_user_agent_takes_no_time(client_types, piece):
    began = time.perf_counter()
    client_types.recognise("Mozilla/5.0 " + piece * 100_000)
    assert time.perf_counter() - began < 0.5


def test_a_pc_prefers_the_form_and_a_phone_the_link():
    assert negotiate(PC, TERMS.pages).kind is PageKind.FORM
    assert negotiate(H5, TERMS.pages).kind is PageKind.REDIRECT
    assert negotiate(APP, TERMS.pages).kind is PageKind.APP_STRING
    assert negotiate(WECHAT_H5, TERMS.pages).kind is PageKind.JSAPI


def test_a_code_is_scanned_from_another_screen_only():
    assert negotiate(PC, TERMS.pages, "qr").kind is PageKind.QR
    with pytest.raises(NoCommonPage):
        negotiate(H5, TERMS.pages, "qr")


def test_asking_for_an_unknown_client_type_lists_what_there_is(client_types):
    with pytest.raises(UnknownName) as unknown:
        client_types.get("h55")
    assert unknown.value.code == "CLIENT_TYPE_UNKNOWN"
    assert unknown.value.details["known"] == ["app", "h5", "pc", "wechat_h5"]
    assert "Did you mean 'h5'?" in unknown.value.message


def test_a_client_type_that_breaks_leaves_the_payer_to_the_next_one(caplog):
    def broken(_user_agent: str) -> bool:
        raise RuntimeError("canary")

    kiosk = ClientType("kiosk", "Kiosk", Device.SCREEN, (PageKind.QR,), broken)
    client_types = ClientTypeRegistry([kiosk, *register_client_types()])
    assert client_types.recognise(USER_AGENTS["firefox on linux"][0]) is PC
    assert "client type kiosk broke: RuntimeError" in caplog.text
    assert "canary" not in caplog.text
