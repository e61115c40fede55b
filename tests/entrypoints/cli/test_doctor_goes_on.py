"""The doctor goes on after what is wrong, and calls nothing fine that nothing has shown."""

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dependency_injector.providers import Object

from retender.adapters.clock import system_clock
from retender.domain.model.errors import NoticeProblem, NoticeRejected
from retender.entrypoints.container import Container
from retender.plugins.sandbox.provider import Sandbox
from retender.plugins.sandbox.terms import TERMS
from retender.simulators.wechat_pay.switches import CERTIFICATE, PUBLIC_KEY
from retender.tests.entrypoints.cli.conftest import first_json, free_port, running

SANDBOX = '[accounts.{name}]\nprovider = "sandbox"\nsecret = "0123456789abcdef"\n'
TRY, ANOTHER = SANDBOX.format(name="try"), SANDBOX.format(name="another")
WRONG = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def write(tmp_path):
    """Write settings on a database of one's own."""

    def written(*tables: str, url: str = f"sqlite:///{tmp_path / 'own.db'}"):
        file = tmp_path / "retender.toml"
        file.write_text("\n".join([f'database_url = "{url}"', *tables]))
        return file

    return written


@pytest.fixture
def examine(shop):
    def examined(file, *words, code):
        findings = shop.json("--config", str(file), "doctor", *words, code=code)
        return {finding["about"]: finding for finding in findings}

    return examined


@pytest.fixture
def pay(shop):
    """Have somebody get a page, which nobody pays."""

    def paid(file, order_no="D-1"):
        words = ["--user", "ann", "--amount", "88.80", "--subject", "Tea"]
        shop.json("--config", str(file), "order", "place", order_no, *words)
        words = ["--user", "ann", "--with", "try", "--client", "pc", "--page", "form"]
        return shop.json("--config", str(file), "order", "pay", order_no, *words)

    return paid


@contextmanager
def later(**passed):
    with Container.clock.override(Object(lambda: system_clock() + timedelta(**passed))):
        yield


# --- after what is wrong ----------------------------------------------------------------------


def test_after_a_bad_page_key_all_else_is_looked_at(shop, write, examine):
    shop("--config", str(write()), "db", "upgrade")
    alipay = '[accounts.alipay]\nprovider = "alipay"\n'
    found = examine(write('page_key = "too short"', alipay, TRY), code=1)
    wrong = {about for about, finding in found.items() if finding["state"] == "wrong"}
    assert wrong == {"page key", "account alipay"}
    for about in ("database", "durability", "plugins", "account try", "worker"):
        assert found[about]["state"] == "well", found


def test_after_a_database_that_there_is_no_store_for_all_else_is_looked_at(write, examine):
    key = f'page_key = "{"0f" * 32}"'
    found = examine(write(key, TRY, url="oracle://db/pay"), code=1)
    assert "no store for oracle" in found["database"]["told"]
    assert (found["plugins"]["state"], found["account try"]["state"]) == ("well", "well")


def test_after_plugins_that_do_not_load_the_database_is_looked_at(shop, write, examine):
    shop("--config", str(write()), "db", "upgrade")
    found = examine(write('[plugins]\nonly = ["acme"]\n', TRY), code=1)
    assert "acme" in found["plugins"]["told"]
    assert found["database"]["state"] == "well"
    assert "not looked at, since the plugins do not load: try" in found["accounts"]["told"]


@pytest.mark.parametrize("call", ["query", "parse_notice", "__init__"])
def test_whatever_a_plugin_raises_is_a_finding(shop, write, mocker, call):
    """With account, plugin and type; not with its words, which may hold anything."""
    mocker.patch.object(Sandbox, call, side_effect=KeyError("hush-hush"))
    for words in ((), ("--online",)):
        done = shop("--config", str(write(TRY)), "doctor", *words, "--json")
        assert done.exit_code == 1
        wrong = [each["told"] for each in json.loads(done.stdout) if each["state"] == "wrong"]
        assert wrong, done.output
        for told in wrong:
            assert all(word in told for word in ("'try'", "'sandbox'", "KeyError")), told
        assert "hush-hush" not in done.output


def test_one_account_that_breaks_does_not_hide_another(write, examine, mocker):
    refused = NoticeRejected(NoticeProblem.UNSIGNED, "no signature")
    broken = [RuntimeError("hush-hush"), refused]
    mocker.patch.object(Sandbox, "parse_notice", side_effect=broken)
    found = examine(write(TRY, ANOTHER), code=1)
    assert "RuntimeError" in found["account try"]["told"]
    assert found["account another"]["state"] == "well"


# --- what nothing has shown -------------------------------------------------------------------


def test_without_asking_no_secret_is_called_right(write, examine):
    found = examine(write(TRY), code=0)["secrets of try"]
    assert found["state"] == "note"
    assert found["told"] == "not proven: secret; only the gateway can tell"
    assert "--online" in found["fix"]


def test_a_provider_that_sends_nothing_has_proven_nothing(write, examine):
    """A sandbox without a gateway answers by itself."""
    found = examine(write(TRY), "--online", code=0)
    assert found["gateway of try"]["state"] == "note"
    assert "nothing was sent" in found["gateway of try"]["told"]
    assert "the plugin itself said 'not found'," in found["gateway of try"]["told"]
    assert "not proven" in found["secret of try"]["told"]


@contextmanager
def simulated(provider: str, *words: str):
    """Run a simulator, and give the settings of an account."""
    words = ("simulator", provider, "--port", str(free_port()), *words, "--json")
    with running(*words, until="simulated at") as (simulator, _):
        yield json.loads(first_json(simulator.stdout))


def wechat_pay(trust: str):
    return simulated("wechat_pay", "--switch", f"trust={trust}")


def table(account: dict[str, str], **changes: str) -> str:
    lines = (f"{name} = {json.dumps(value)}" for name, value in {**account, **changes}.items())
    return "\n".join(["[accounts.wechat]", *lines])


def test_a_wrong_api_v3_key_shows_where_there_are_certificates(write, examine):
    with wechat_pay(CERTIFICATE) as account:
        right = examine(write(table(account)), "--online", code=0)
        wrong = examine(write(table(account, api_v3_key=WRONG)), "--online", code=1)
    assert right["secrets of wechat"]["told"] == "proven right: private_key, api_v3_key"
    assert wrong["api_v3_key of wechat"]["state"] == "wrong"
    assert "will open no notice" in wrong["api_v3_key of wechat"]["told"]
    assert WRONG not in json.dumps(wrong)


def test_an_api_v3_key_that_nothing_can_prove_is_not_called_right(write, examine):
    with wechat_pay(PUBLIC_KEY) as account:
        found = examine(write(table(account, api_v3_key=WRONG)), "--online", code=0)
    assert found["secrets of wechat"]["told"] == "proven right: private_key"
    assert found["api_v3_key of wechat"]["state"] == "note"
    assert found["api_v3_key of wechat"]["told"].startswith("not proven")


def test_a_gateway_that_goes_by_its_own_ids_is_not_asked_without_one(write, examine, mocker):
    """The core never would; what that leaves unproven is told."""
    terms = replace(TERMS, asked_by_number=False)
    mocker.patch.object(Sandbox, "terms", new_callable=mocker.PropertyMock, return_value=terms)
    query = mocker.spy(Sandbox, "query")
    found = examine(write(TRY), "--online", code=0)
    assert query.call_count == 0
    assert found["gateway of try"]["state"] == "note"
    assert "goes by ids of its own" in found["gateway of try"]["told"]
    assert "not proven: its address, our keys" in found["gateway of try"]["told"]
    assert "not shown that requests are signed" in found["account try"]["told"]


def a_key() -> str:
    """Return a private key that nobody knows."""
    key = rsa.generate_private_key(65537, 2048)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.mark.parametrize(
    ("provider", "word"), [("alipay", "isv.invalid-signature"), ("wechat_pay", "SIGN_ERROR")]
)
def test_with_a_wrong_key_of_ours_that_key_is_the_first_to_look_at(write, examine, provider, word):
    """The gateway says so, and not always with a signature that anybody could believe."""
    with simulated(provider) as account:
        found = examine(write(table(account, private_key=a_key())), "--online", code=1)
    gateway = found["gateway of wechat"]
    assert word in gateway["told"] + gateway["fix"]
    assert "our own private_key" in gateway["fix"].partition("public key")[0]


# --- whether somebody works, and with which key -----------------------------------------------


def test_work_that_nobody_does_is_told_with_how_much_and_since_when(shop, write, examine, pay):
    file = write(TRY)
    pay(file)
    assert examine(file, code=0)["worker"]["state"] == "well", "nothing is due for long yet"
    with later(minutes=40):
        found = examine(file, code=1)["worker"]
        assert found["state"] == "wrong"
        assert "no worker seems to run: 1 order, 1 attempt due" in found["told"]
        assert "(40 min)" in found["told"]
        assert "retender worker" in found["fix"]
        for _ in range(2):
            assert shop("--config", str(file), "worker", "--once").exit_code == 0
        assert examine(file, code=0)["worker"]["state"] == "well"


def test_a_row_that_cannot_be_read_is_listed(shop, write, examine, pay, tmp_path):
    file = write(TRY)
    pay(file)
    with closing(sqlite3.connect(tmp_path / "own.db")) as books, books:
        books.execute("UPDATE attempts SET number = 'x'")
        ((attempt_id,),) = books.execute("SELECT attempt_id FROM attempts").fetchall()
    with later(minutes=5):
        assert shop("--config", str(file), "worker", "--once").exit_code == 0
        found = examine(file, code=1)
    listed = found[f"attempt {attempt_id}"]
    assert listed["told"] == "it cannot be read: number must be 8 to 32 ASCII letters and digits."
    assert "retender attention resolve" in listed["fix"]
    assert found["worker"]["state"] == "well"


def test_how_long_it_may_be_due_follows_the_workers_settings(write, examine, pay):
    file = write(TRY)
    pay(file)
    with later(minutes=5):
        assert examine(file, code=1)["worker"]["state"] == "wrong"
        patient = write("[worker]\nlease_seconds = 600\n", TRY)
        assert examine(patient, code=0)["worker"]["state"] == "well"


def test_a_changed_page_key_is_told_with_where_it_is_set(shop, write, examine, pay):
    pay(write(f'page_key = "{"0f" * 32}"', TRY))
    assert "stored pages" not in examine(write(f'page_key = "{"0f" * 32}"', TRY), code=0)
    other = write(f'page_key = "{"aa" * 32}"', TRY)
    found = examine(other, code=1)["stored pages"]
    assert "the page key changed: 1 of the 1 newest attempts" in found["told"]
    assert "setting page_key (or RETENDER_PAGE_KEY)" in found["told"]
    assert "one key only" in found["fix"]
    assert "aa" * 32 not in json.dumps(found)
    started = shop("--config", str(other), "worker", "--once")
    assert "the page key changed" in started.stderr
