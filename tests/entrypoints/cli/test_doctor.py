"""The doctor finds what is wrong with a set-up, and says how to mend it."""

import re
import sqlite3
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points

import httpx
import pytest
from dependency_injector.providers import Object

from retender.adapters.clock import system_clock
from retender.entrypoints.container import Container
from retender.plugins import host


@pytest.fixture
def shop(shop, tmp_path):
    """The shop with a database of one's own, so that nobody else's work is due in it."""
    text, count = re.subn(
        r'^database_url = ".*"$',
        f'database_url = "sqlite:///{tmp_path / "doctored.db"}"',
        shop.file.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert count == 1
    file = tmp_path / "doctored.toml"
    file.write_text(text, encoding="utf-8")
    return replace(shop, file=file)


@pytest.fixture
def write(tmp_path):
    """Write settings of one's own, with a database that is not there yet."""

    def written(*tables: str):
        file = tmp_path / "retender.toml"
        database = f'database_url = "sqlite:///{tmp_path / "own.db"}"\n'
        file.write_text("\n".join([database, *tables]))
        return file

    return written


def examined(shop, file, *words: str, code: int = 0) -> dict[str, dict[str, str]]:
    findings = shop.json("--config", str(file), "doctor", *words, code=code)
    return {finding["about"]: finding for finding in findings}


def test_a_sound_set_up_is_told_to_be_sound(shop):
    shop.place("D-1")  # so that there is a database
    done = shop("doctor", "--online")
    assert done.exit_code == 0, done.stdout
    assert "Nothing is wrong." in done.stdout
    found = examined(shop, shop.file, "--online")
    wanted = ["settings", "page key", "database", "durability", "plugins", "account sandbox"]
    for about in [*wanted, "gateway of sandbox", "clock of account sandbox"]:
        assert found[about]["state"] == "well", found[about]
    assert "s from ours" in found["clock of account sandbox"]["told"]
    assert found["gateway of sandbox"]["told"].startswith("answered 1 of 1 request")
    assert found["secrets of sandbox"] == {
        "about": "secrets of sandbox",
        "state": "well",
        "told": "proven right: secret",
        "fix": "",
    }


def test_what_is_under_way_at_a_drained_account_is_counted(shop, tmp_path):
    """And at one that is in the settings no more, of which nobody can be asked."""
    shop.place("D-2")
    shop.pay("D-2", "--page", "form")
    text, file = shop.file.read_text(encoding="utf-8"), tmp_path / "other.toml"
    file.write_text(text + "\nenabled = false\n", encoding="utf-8")
    told = examined(shop, file)["account sandbox"]["told"]
    assert re.fullmatch(r"it is drained; [1-9]\d* of its attempts may still be paid", told)
    renamed = text.replace("[accounts.sandbox]", "[accounts.other]")
    assert renamed != text
    file.write_text(renamed, encoding="utf-8")
    found = examined(shop, file, code=1)
    assert found["account sandbox"]["state"] == "wrong"
    assert "[accounts.sandbox] back with enabled = false" in found["account sandbox"]["fix"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[accounts.sandbox]", "[accounts.other]", "sandbox is in no settings, and"),
        ("", "\nenabled = false\n", "sandbox is drained;"),
    ],
)
def test_a_start_logs_what_is_under_way_at_drained_and_missing_accounts(shop, old, new, told):
    """Nobody runs the doctor every day, but a deployment starts its processes."""
    shop.place("D-3")
    shop.pay("D-3", "--page", "form")
    text = shop.file.read_text(encoding="utf-8")
    changed = text.replace(old, new) if old else text + new
    file = shop.file.with_name("started.toml")
    file.write_text(changed, encoding="utf-8")
    done = shop("--config", str(file), "worker", "--once")
    wanted = rf"{told} [1-9]\d* of its attempts may still be paid"
    assert re.search(wanted, done.stderr), done.stderr


def test_a_typo_in_the_settings_is_told_with_what_was_meant(shop, write):
    found = examined(shop, write("[http]\nprot = 9000\n"), code=1)
    assert "Did you mean http.port?" in found["settings"]["told"]


def test_every_problem_of_the_settings_is_told_at_once(shop, write):
    file = write("[http]\nprot = 9000\n[worker]\nbatch = 0\n")
    findings = shop.json("--config", str(file), "doctor", code=1)
    problems = [finding for finding in findings if finding["about"] == "settings"]
    assert len(problems) == 2
    assert all(finding["fix"] for finding in problems)
    assert "not looked at" in findings[-1]["told"]


def test_an_account_without_its_key_is_wrong_and_the_others_are_looked_at(shop, write):
    file = write(
        '[accounts.alipay]\nprovider = "alipay"\napp_id = "2021000000000001"\n',
        '[accounts.sandbox]\nprovider = "sandbox"\nsecret = "0123456789abcdef"\n',
    )
    found = examined(shop, file, code=1)
    assert found["account alipay"]["state"] == "wrong"
    assert "Set seller_id or seller_id_file" in found["account alipay"]["told"]
    assert found["account sandbox"]["state"] == "well"


def test_a_key_that_is_no_key_is_wrong(shop, write):
    file = write(
        '[accounts.alipay]\nprovider = "alipay"\napp_id = "2021000000000001"\n'
        'seller_id = "2088000000000001"\nprivate_key = "rubbish-rubbish"\n'
        'alipay_public_key = "rubbish"\n'
    )
    done = shop("--config", str(file), "doctor")
    assert done.exit_code == 1
    assert "account alipay" in done.stdout
    assert "rubbish-rubbish" not in done.output


def test_no_account_and_no_database_are_worth_a_note(shop, write):
    found = examined(shop, write())
    assert (found["database"]["state"], found["accounts"]["state"]) == ("note", "note")
    assert "no provider can send notices" in found["public_url"]["told"]


def test_a_gateway_that_is_not_there_is_wrong_only_when_asked(shop, write):
    file = write(
        '[accounts.sandbox]\nprovider = "sandbox"\nsecret = "0123456789abcdef"\n'
        'gateway = "http://127.0.0.1:9"\n'
    )
    assert examined(shop, file)["account sandbox"]["state"] == "well"
    found = examined(shop, file, "--online", code=1)
    assert found["gateway of sandbox"]["state"] == "wrong"
    assert "gateway's address" in found["gateway of sandbox"]["fix"]
    assert "1 request sent, no answer" in found["gateway of sandbox"]["told"]
    assert "not proven" in found["secret of sandbox"]["told"]


def test_a_wrong_secret_shows_when_the_gateway_is_asked(shop, write):
    file = write(
        '[accounts.sandbox]\nprovider = "sandbox"\nsecret = "0123456789abcdef"\n'
        f'gateway = "{shop.sandbox}"\n'
    )
    found = examined(shop, file, "--online", code=1)
    assert found["gateway of sandbox"]["state"] == "wrong"


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [
        (50, "well", "s from ours"),
        (90, "note", "over half of pay.watch_seconds, which is 120"),
        (-90, "note", "over half of pay.watch_seconds, which is 120"),
        (300, "wrong", "more than pay.watch_seconds, which is 120: nobody can begin to pay there"),
        (-300, "wrong", "nobody can begin to pay there"),
    ],
)
def test_clocks_that_are_apart_are_told_with_what_follows(shop, ahead, state, words):
    """Ours is turned, since the gateway is a process of its own."""
    turned = Object(lambda: system_clock() - timedelta(seconds=ahead))
    with Container.clock.override(turned):
        found = examined(shop, shop.file, "--online", code=int(state == "wrong"))
    told = found["clock of account sandbox"]
    assert told["state"] == state
    assert words in told["told"]
    (seconds,) = re.findall(r"([+-][0-9.]+) s from ours", told["told"])
    assert abs(float(seconds) - ahead) < 5
    assert ("NTP" in told["fix"]) is (state != "well")


def test_a_simulators_clock_that_is_put_forward_shows_in_its_answers(shop):
    """As a real gateway's would: all that we know of its clock is what it says."""
    clock = f"{shop.sandbox}/_simulator/clock"
    try:
        answer = httpx.post(clock, json={"advance_seconds": 300}, trust_env=False)
        assert answer.status_code == 200, answer.text
        found = examined(shop, shop.file, "--online", code=1)
    finally:
        httpx.post(clock, json={"reset": True}, trust_env=False)
    assert "nobody can begin to pay there" in found["clock of account sandbox"]["told"]


def test_a_file_that_is_no_database_is_wrong(shop, write, tmp_path):
    (tmp_path / "own.db").write_bytes(b"this is a letter, not a database" * 40)
    found = examined(shop, write(), code=1)
    assert found["database"]["state"] == "wrong"
    assert "is no SQLite database" in found["database"]["told"]


def test_a_database_of_a_newer_version_is_wrong(shop, write, tmp_path):
    file = write()
    assert shop("--config", str(file), "db", "upgrade").exit_code == 0
    with sqlite3.connect(tmp_path / "own.db") as database:
        database.execute("UPDATE retender_schema SET version_num = '9999'")
    database.close()
    found = examined(shop, file, code=1)
    assert "a newer one has upgraded it" in found["database"]["told"]


def test_a_broken_plugin_is_wrong_and_named(shop, write, monkeypatch):
    broken = EntryPoint(name="acme", value="acme_pay_that_is_not_there", group="retender")
    installed = entry_points(group="retender")
    monkeypatch.setattr(host, "entry_points", lambda **_: [*installed, broken])
    found = examined(shop, write(), code=1)
    assert "acme_pay_that_is_not_there" in found["plugin acme"]["told"]
    assert "plugins.block" in found["plugin acme"]["fix"]
    assert found["plugins"]["state"] == "well"


def test_a_set_up_without_providers_is_wrong(shop, write, monkeypatch):
    monkeypatch.setenv("RETENDER_PLUGINS__BLOCK", "alipay,wechat_pay,sandbox")
    assert examined(shop, write(), code=1)["plugins"]["state"] == "wrong"


def test_a_page_key_that_is_no_key_is_wrong(shop, write, tmp_path):
    (tmp_path / "own.db.page-key").write_text("too short")
    found = examined(shop, write(), code=1)
    assert "openssl rand -hex 32" in found["page key"]["told"]
