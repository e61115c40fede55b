"""The page that a payer's browser opens."""

import html
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from retender.domain.model.attempt import Attempt, Charge
from retender.domain.model.client_type import Device
from retender.domain.model.errors import (
    PayOrderNotExist,
    PayOrderPayTimeout,
    PayOrderStateError,
    StoreBusy,
)
from retender.domain.model.money import Money
from retender.domain.model.order import Order
from retender.domain.model.page import (
    AppStringPage,
    FormPage,
    JsapiPage,
    Page,
    QrPage,
    RedirectPage,
)
from retender.domain.model.pay_result import PageReady
from retender.domain.model.transition import AttemptState, OrderState
from retender.entrypoints.views.page_html import Html, render_page, render_trouble, trouble_of

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
NASTY = "& + = % < > \" ' </script><script>alert(1)</script> 茉莉花茶 🍵"


def ready(page: Page, *, subject: str = "Tea", minutes: int = 30) -> PageReady:
    order = Order(
        order_id="o",
        order_no="20260701-0042",
        user_id="user-7",
        subject=subject,
        amount=Money(8880, "CNY"),
        created_at=NOW,
        shown_until=NOW + timedelta(minutes=30),
    )
    charge = Charge(
        number="N" * 26,
        order_no=order.order_no,
        amount=order.amount,
        subject=subject,
        client_type="pc",
        device=Device.SCREEN,
        page_kind=page.kind,
        created_at=NOW,
        expires_at=order.shown_until,
        notify_url="http://127.0.0.1:8000/v1/notices/a",
    )
    attempt = Attempt(
        attempt_id="A" * 26,
        order_id="o",
        idx=1,
        account="a",
        fingerprint="f",
        charge=charge,
        watch_until=order.shown_until,
    )
    return PageReady(
        order=order,
        attempt=attempt,
        page=page,
        page_until=NOW + timedelta(minutes=minutes),
        pay_until=order.shown_until,
        reused=False,
    )


def rendered(page: Page, **more: object) -> Html:
    found = ready(page, **more)  # type: ignore[arg-type]  # passed on as it comes
    return render_page(found, account_title="Alipay <&>", now=NOW, nonce="nonce0nonce0")


class Reader(HTMLParser):
    """Reads a page as a browser does: tags with their attributes, scripts, text."""

    def __init__(self, page: Html) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def policy(page: Html) -> dict[str, str]:
    header = page.headers["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in header.split(";"))


FORM = FormPage(
    "https://openapi.alipay.com/gateway.do?charset=utf-8&sign=a%2Bb",
    (("biz_content", f'{{"subject":"{NASTY}"}}'), ("submit", "hides the method")),
)


def test_a_form_reaches_the_provider_byte_for_byte():
    page = Reader(rendered(FORM, subject=NASTY))
    (form,) = page.all("form")
    assert form["action"] == FORM.action
    assert form["method"] == "post"
    assert form["accept-charset"] == "utf-8"
    assert [(i["name"], i["value"]) for i in page.all("input")] == list(FORM.fields)
    assert all(i["type"] == "hidden" for i in page.all("input"))


def test_a_form_posts_itself_even_if_a_field_is_called_submit():
    page = rendered(FORM)
    assert "HTMLFormElement.prototype.submit.call(go)" in page.text
    assert Reader(page).all("button") == [{"type": "submit"}], "and by hand, without scripts"


@pytest.mark.parametrize(
    ("action", "targets"),
    [
        (
            "https://openapi.alipay.com/gateway.do",
            "https://openapi.alipay.com https://*.alipay.com",
        ),
        ("https://alipay.com/gateway.do", "https://alipay.com"),
        ("http://127.0.0.1:9001/gateway.do", "http://127.0.0.1:9001"),
        ("http://localhost:9001/gateway.do", "http://localhost:9001"),
        ("https://a.pay.test:8443/x", "https://a.pay.test:8443 https://*.pay.test:8443"),
        ("javascript:alert(1)", "'none'"),
        ("https://evil.test;script-src *@x/", "'none'"),
        ("https://[::1]/x", "'none'"),
    ],
)
def test_a_form_may_go_nowhere_but_to_its_provider(action, targets):
    assert policy(rendered(FormPage(action, ())))["form-action"] == targets


def test_a_redirect_goes_on_by_itself_and_by_hand():
    url = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2&package=1&r=a%3Ab"
    page = rendered(RedirectPage(url))
    (link,) = [a for a in Reader(page).all("a") if a.get("id") == "go"]
    assert link["href"] == url
    assert "location.replace(go.href)" in page.text
    assert policy(page)["form-action"] == "'none'"


@pytest.mark.parametrize("page", [FORM, RedirectPage("https://wx.tenpay.com/x")])
def test_the_provider_sees_which_site_sent_the_payer(page):
    assert rendered(page).headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("page", [QrPage("weixin://x"), AppStringPage("a=b")])
def test_other_pages_tell_nobody_where_they_are(page):
    assert rendered(page).headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "weixin://dl", "//evil.test", "https://"]
)
def test_a_link_that_is_none_is_not_followed(url):
    page = Reader(rendered(RedirectPage(url)))
    assert [a for a in page.all("a") if a.get("id") == "go"] == []
    assert "A browser cannot open this page" in page.text


def test_a_qr_code_is_drawn_inline_and_counts_down():
    page = rendered(QrPage("weixin://wxpay/bizpayurl?pr=p4lpSuKzz"), minutes=2)
    reader = Reader(page)
    assert len(reader.all("svg")) == 1
    (left,) = [attrs for attrs in reader.all("span") if attrs.get("id") == "left"]
    assert left["data-seconds"] == "120"
    assert "2:00" in reader.text
    assert "Open this address again" in reader.text
    assert "location.reload()" in page.text


def test_the_time_left_is_the_sooner_of_page_and_order():
    assert 'data-seconds="1800"' in rendered(QrPage("x"), minutes=120).text
    assert 'data-seconds="0"' in rendered(QrPage("x"), minutes=-1).text


def test_an_app_string_is_shown_whole_and_explained():
    text = f"app_id=1&biz_content={NASTY}"
    page = Reader(rendered(AppStringPage(text)))
    assert text in page.text
    assert "inside the shop's app" in page.text


def test_bridge_parameters_are_shown_whole_and_explained():
    page = Reader(rendered(JsapiPage((("package", "prepay_id=wx<2>"), ("paySign", "a+b=")))))
    assert "package: prepay_id=wx<2>\npaySign: a+b=" in page.text
    assert "script bridge" in page.text


@pytest.mark.parametrize(
    "page",
    [
        FORM,
        RedirectPage(f"https://x.test/?{NASTY}"),
        QrPage(NASTY),
        AppStringPage(NASTY),
        JsapiPage((("a", NASTY),)),
    ],
    ids=lambda page: str(page.kind),
)
def test_nothing_that_a_shop_or_provider_wrote_becomes_markup(page):
    found = rendered(page, subject=NASTY)
    reader = Reader(found)
    assert len(reader.all("script")) == 1
    assert NASTY in reader.text
    assert "<script>alert(1)" not in found.text
    assert html.escape("Alipay <&>") in found.text


@pytest.mark.parametrize(
    "page", [FORM, RedirectPage("https://x.test/"), QrPage("x"), AppStringPage("x")]
)
def test_only_what_bears_the_nonce_runs_and_nothing_comes_from_outside(page):
    found = rendered(page)
    rules = policy(found)
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'nonce-nonce0nonce0'"
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    reader = Reader(found)
    assert [tag["nonce"] for tag in reader.all("script") + reader.all("style")] == [
        "nonce0nonce0"
    ] * 2
    assert not [t for t, a in reader.tags if t in {"link", "img", "iframe", "base"} or "src" in a]
    assert not [a for _, a in reader.tags if "style" in a or any(k.startswith("on") for k in a)]
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        (PayOrderNotExist("x"), "There is no such page"),
        (PayOrderStateError("o-1", "PAID"), "This order is paid"),
        (PayOrderStateError("o-1", OrderState.EXPIRING), "This order is closed"),
        (PayOrderStateError("o-1", AttemptState.CLOSED), "There is a newer page"),
        (PayOrderPayTimeout("over", reason="page"), "This page works no longer"),
        (PayOrderPayTimeout("over", reason="cutoff"), "The time to pay is over"),
        (StoreBusy("busy"), "Not now"),
    ],
)
def test_a_payer_is_told_in_words_why_there_is_no_page(error, heading):
    page = render_trouble(trouble_of(error), nonce="n" * 12)
    assert f"<h1>{heading}</h1>" in page.text
    assert error.code in page.text
    assert "<script" not in page.text
    assert re.search(r"form-action 'none'", page.headers["Content-Security-Policy"])
