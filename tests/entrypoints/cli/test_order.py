"""A shop assistant places, pays, shows and closes orders from a terminal."""

import json
import re
import tempfile

import pytest


def test_placing_shows_what_is_owed_and_until_when(shop):
    done = shop(
        *("order", "place", "P-1", "--user", "user-7"),
        *("--amount", "88.80", "--subject", "Tea & [bold]biscuits[/bold]"),
    )
    assert done.exit_code == 0
    assert "Order P-1  NEW" in done.stdout
    assert "Tea & [bold]biscuits[/bold]  88.80 CNY" in done.stdout
    assert "to be paid by" in done.stdout


def test_placing_again_changes_nothing_and_says_so(shop):
    first, second = shop.place("P-2"), shop.place("P-2")
    assert (first.pop("created"), second.pop("created")) == (True, False)
    assert first == second
    assert first["amount"] == {"amount": "88.80", "currency": "CNY", "minor": 8880}


def test_placing_with_another_amount_names_the_field(shop):
    shop.place("P-3")
    done = shop(
        *("order", "place", "P-3", "--user", "user-7", "--amount", "9", "--subject", "Jasmine tea")
    )
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == "IDEMPOTENCY_CONFLICT: Order P-3 exists with another amount.\n"


def test_a_yen_has_no_cents(shop):
    placed = shop.place("P-4", "500", "--currency", "JPY", "--within", "600")
    assert placed["amount"]["minor"] == 500
    done = shop(
        *("order", "place", "P-5", "-u", "user-7", "-a", "5.5", "-s", "Tea", "--currency", "JPY")
    )
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "AMOUNT_INVALID")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["order", "show", "NEVER"], "PAY_ORDER_NOT_EXIST"),
        (["order", "close", "NEVER"], "PAY_ORDER_NOT_EXIST"),
        (["refund", "show", "NEVER"], "REFUND_NOT_EXIST"),
        (["refund", "check", "NEVER"], "REFUND_NOT_EXIST"),
        (["refund", "send", "NEVER", "--no", "R-1"], "PAY_ORDER_NOT_EXIST"),
        (["methods", "NEVER", "--user", "user-7"], "PAY_ORDER_NOT_EXIST"),
        (["order", "pay", "NEVER", "-u", "user-7", "-w", "sandbx"], "ACCOUNT_UNKNOWN"),
        (["order", "pay", "NEVER", "-u", "u", "-w", "sandbox", "--client", "tv"], "CLIENT_TYPE_UN"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_refusal_is_one_line_with_a_code_for_people_and_an_object_for_machines(shop, words, code):
    told = shop(*words)
    assert told.exit_code == 1
    assert told.stdout == ""
    assert told.stderr.count("\n") == 1
    assert told.stderr.startswith(code)
    error = json.loads(shop(*words, "--json").stdout)["error"]
    assert error["code"].startswith(code)
    assert error["message"] in told.stderr


def test_a_misspelt_account_is_guessed_at(shop):
    shop.place("P-6")
    done = shop("order", "pay", "P-6", "--user", "user-7", "--with", "sandbx")
    assert "Did you mean 'sandbox'?" in done.stderr


def test_a_qr_code_is_drawn_where_one_can_scan_it(shop):
    shop.place("Q-1")
    done = shop("order", "pay", "Q-1", "-u", "user-7", "-w", "sandbox", "--page", "qr")
    assert done.exit_code == 0
    blocks = [line for line in done.stdout.splitlines() if set(line) and set(line) <= set("█▀▄ ")]
    assert len(blocks) > 20
    assert len({len(line) for line in blocks}) == 1
    assert f"{shop.sandbox}/scan?" in done.stdout.replace("\n", "")


def test_coming_back_shows_the_same_page(shop):
    shop.place("Q-2")
    first, second = shop.pay("Q-2"), shop.pay("Q-2")
    assert (first["reused"], second["reused"]) == (False, True)
    assert first["page"] == second["page"]


def test_a_form_is_saved_for_a_browser_and_only_its_owner_may_read_it(shop, tmp_path):
    shop.place("Q-3")
    file = tmp_path / "page.html"
    done = shop(
        *("order", "pay", "Q-3", "-u", "user-7", "-w", "sandbox"),
        *("--page", "form", "--save", str(file)),
    )
    assert done.exit_code == 0
    assert str(file) in done.stdout.replace("\n", "")
    html = file.read_text(encoding="utf-8")
    assert f'action="{shop.sandbox}/pay"' in html
    assert 'name="ticket"' in html
    assert file.stat().st_mode & 0o077 == 0


def test_a_form_gets_a_file_of_its_own_without_asking(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shop.place("Q-7")
    words = ("order", "pay", "Q-7", "-u", "user-7", "-w", "sandbox", "--page", "form")
    assert shop(*words, "--json").exit_code == 0
    assert list(tmp_path.rglob("*.html")) == [], "a machine gets the form itself"
    shown = shop(*words)
    (file,) = tmp_path.rglob("*.html")
    assert str(file) in shown.stdout.replace("\n", "")


def test_a_page_that_cannot_be_saved_is_told(shop, tmp_path):
    shop.place("Q-8")
    file = tmp_path / "nowhere" / "page.html"
    done = shop("order", "pay", "Q-8", "-u", "user-7", "-w", "sandbox", "--save", str(file))
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "INPUT_INVALID")


def test_a_link_is_shown_with_the_address_of_our_own_page(shop):
    shop.place("Q-4")
    done = shop("order", "pay", "Q-4", "-u", "user-7", "-w", "sandbox", "--client", "h5")
    attempt = shop.json("order", "show", "Q-4")["attempts"][0]
    assert f"/pages/{attempt['attempt_id']}" in done.stdout.replace("\n", "")


def test_an_answer_that_is_not_known_yet_has_an_exit_code_of_its_own(shop):
    """90.03: the sandbox opens the page, and loses its first answer."""
    shop.place("Q-5", "90.03")
    pending = shop.pay("Q-5", "--page", "form", code=3)
    assert pending["status"] == "answer_pending"
    assert shop.pay("Q-5", "--page", "form")["status"] == "page_ready"


def test_a_payment_that_is_refused_is_refused(shop):
    shop.place("Q-6", "90.02")
    done = shop("order", "pay", "Q-6", "-u", "user-7", "-w", "sandbox", "--page", "form")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PAY_ORDER_FAIL")


def test_another_users_order_does_not_exist(shop):
    shop.place("S-1")
    done = shop("order", "show", "S-1", "--user", "somebody-else")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PAY_ORDER_NOT_EXIST")


def test_the_story_tells_every_attempt_and_why_in_times_from_the_placing(shop):
    shop.paid("S-2")
    done = shop("order", "show", "S-2")
    assert done.exit_code == 0
    text = done.stdout
    assert "Order S-2  PAID" in text
    assert "SUCCEEDED ★" in text
    assert "88.80 CNY taken, 0.00 CNY given back, 88.80 CNY kept" in text
    told = [line.strip() for line in text.splitlines() if re.match(r" *\+0:\d\d ", line)]
    assert any("order NEW" in line and "until +30:00" in line for line in told)
    assert any("notice of sandbox" in line and "#1" in line for line in told)
    assert any("order NEW -> PAID" in line for line in told)
    assert sum("order.paid" in line for line in told) == 1
    assert not re.search(r"T\d\d:\d\d:\d\d\.", text), "instants are told as relative times"


def test_closing_ends_the_order_and_its_page(shop):
    shop.place("C-1")
    shop.pay("C-1", "--page", "form")
    done = shop("order", "close", "C-1")
    assert done.exit_code == 0
    assert "Order C-1  CLOSED" in done.stdout
    assert "it ended because of: cancelled" in done.stdout
    assert shop.json("order", "show", "C-1")["attempts"][0]["state"] == "CLOSED"


def test_a_paid_order_stays_paid(shop):
    shop.paid("C-2")
    done = shop("order", "close", "C-2")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "PAY_ORDER_STATE_ERROR")


def test_a_forgotten_option_is_a_wrong_call(shop):
    done = shop("order", "place", "X-1", "--user", "user-7", "--amount", "1")
    assert done.exit_code == 2
    assert "--subject" in done.stderr


def test_what_a_payer_supplies_is_checked_and_not_repeated(shop):
    shop("order", "place", "P-9", "--user", "user-7", "--amount", "88.80", "--subject", "Tea")
    words = ("order", "pay", "P-9", "-u", "user-7", "-w", "sandbox", "--page", "qr")
    options = {
        "--email": "canary",
        "--name": " ",
        "--phone": "canary",
        "--language": "canary!",
        "--country": "canary",
    }
    for option, value in options.items():
        done = shop(*words, option, value, "--json")
        assert "PAYER_INPUT_INVALID" in done.stdout + done.stderr, option
        assert "canary" not in done.stdout + done.stderr
    good = ("--email", "a@example.com", "--name", "Ann", "--phone", "+8613800138000")
    assert shop(*words, *good, "--language", "zh-CN", "--country", "CN").exit_code == 0
