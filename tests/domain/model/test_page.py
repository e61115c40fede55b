"""Pages survive being kept, say nothing in a repr, and fit the client that gets them."""

import pytest

from retender.domain.model.client_type import ClientType, Device, negotiate
from retender.domain.model.errors import NoCommonPage, UnknownName
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    Page,
    PageKind,
    QrPage,
    RedirectPage,
    page_from_text,
    page_to_json,
    page_to_text,
)
from retender.ports.payment_provider import PageTerms

PAGES: list[Page] = [
    FormPage("https://pay.example/?a=1&b=2", (("biz", '{"subject":"茶 & <b>"}'), ("x", "")), "gbk"),
    RedirectPage("https://pay.example/h5?x=%20"),
    QrPage("weixin://wxpay/bizpayurl?pr=abc"),
    AppStringPage("a=1&sign=x%2B"),
    JsapiPage((("appId", "wx1"), ("package", "prepay_id=1"))),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.kind)
def test_a_kept_page_reads_back_equal(page):
    assert page_from_text(page_to_text(page)) == page
    assert page_to_json(page)["kind"] == page.kind


def test_every_kind_of_page_is_tried_here():
    assert {page.kind for page in PAGES} == set(PageKind)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.kind)
def test_a_page_does_not_show_itself_in_a_log(page):
    assert "sign" not in repr(page)
    assert "pay.example" not in repr(page)


@pytest.mark.parametrize("text", ["{}", '{"kind":"form"}', '{"kind":"tv","url":"x"}', "[]"])
def test_what_was_never_kept_is_no_page(text):
    with pytest.raises(ValueError, match="stored page"):
        page_from_text(text)


PC = ClientType("pc", "PC", Device.SCREEN, (PageKind.FORM, PageKind.REDIRECT, PageKind.QR))
TV = ClientType("tv", "TV", Device.SCREEN, (PageKind.QR,))
H5 = ClientType("h5", "H5", Device.PHONE, (PageKind.REDIRECT, PageKind.FORM))


def offer(kind, *devices):
    return PageTerms(kind=kind, devices=frozenset(devices), product=str(kind))


OFFERS = [
    offer(PageKind.QR, Device.SCREEN),
    offer(PageKind.REDIRECT, Device.PHONE),
    offer(PageKind.FORM, Device.SCREEN, Device.PHONE),
]


def test_a_client_gets_its_first_choice_of_what_is_offered_there():
    assert negotiate(PC, OFFERS).kind is PageKind.FORM
    assert negotiate(H5, OFFERS).kind is PageKind.REDIRECT


def test_a_client_type_that_nobody_knew_works_with_every_provider_that_suits_it():
    assert negotiate(TV, OFFERS).kind is PageKind.QR


def test_a_payer_may_insist_on_a_kind():
    assert negotiate(PC, OFFERS, "qr").kind is PageKind.QR


def test_a_page_for_another_device_is_no_offer():
    with pytest.raises(NoCommonPage) as caught:
        negotiate(PC, OFFERS, "redirect")
    assert caught.value.details["client_shows"] == ["form", "redirect", "qr"]
    assert caught.value.details["provider_offers"] == ["form", "qr"]


def test_a_kind_that_the_client_cannot_show_is_refused():
    with pytest.raises(NoCommonPage):
        negotiate(TV, OFFERS, "form")


def test_a_kind_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(UnknownName) as caught:
        negotiate(PC, OFFERS, "qrcode")
    assert caught.value.code == "PAGE_KIND_UNKNOWN"
    assert "qr" in str(caught.value)
