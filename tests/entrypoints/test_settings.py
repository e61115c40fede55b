"""Settings: one value out of a file and the environment, and every mistake named."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from retender.domain.model.errors import SetupError
from retender.entrypoints.page_key import page_key_of
from retender.entrypoints.settings import AccountSettings, Settings
from retender.entrypoints.settings_file import load_settings
from retender.plugins.host import load_plugins

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "retender.example.toml"
KEY = "0f" * 32


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """No settings of whoever runs the tests leak in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETENDER_CONFIG", raising=False)


def written(tmp_path, text):
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(tmp_path, text):
    with pytest.raises(SetupError) as caught:
        load_settings(written(tmp_path, text))
    return caught.value.message


# --- where values come from -------------------------------------------------------------


def test_without_a_file_everything_has_a_default():
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///retender.db"
    assert settings.http.port == 8000
    assert settings.accounts == {}


def test_the_file_of_the_folder_is_read(tmp_path):
    (tmp_path / "retender.toml").write_text("[http]\nport = 9001\n")
    assert load_settings().http.port == 9001


def test_the_variable_names_a_file_and_the_argument_wins(tmp_path, monkeypatch):
    (tmp_path / "retender.toml").write_text("[http]\nport = 9001\n")
    (tmp_path / "named.toml").write_text("[http]\nport = 9002\n")
    monkeypatch.setenv("RETENDER_CONFIG", str(tmp_path / "named.toml"))
    assert load_settings().http.port == 9002
    assert load_settings(written(tmp_path, "[http]\nport = 9003\n")).http.port == 9003


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("RETENDER_HTTP__PORT", "9100")
    monkeypatch.setenv("RETENDER_PLUGINS__ONLY", "sandbox, alipay")
    settings = load_settings(written(tmp_path, '[http]\nport = 9000\nhost = "127.0.0.2"\n'))
    assert (settings.http.port, settings.http.host) == (9100, "127.0.0.2")
    assert settings.plugins.only == ("sandbox", "alipay")


def test_an_account_may_come_from_both(tmp_path, monkeypatch):
    monkeypatch.setenv("RETENDER_ACCOUNTS__ALI__APP_ID", "0123456789")
    settings = load_settings(written(tmp_path, '[accounts.ali]\nprovider = "alipay"\n'))
    assert settings.accounts["ali"].provider == "alipay"
    assert settings.accounts["ali"].own["app_id"].get_secret_value() == "0123456789"


@pytest.mark.parametrize("value", ["1e5", "0123", "true", "[1]", '{"a": 1}', "2021000000000001"])
def test_a_providers_setting_stays_the_text_that_it_is(monkeypatch, value):
    monkeypatch.setenv("RETENDER_ACCOUNTS__ALI__PROVIDER", "alipay")
    monkeypatch.setenv("RETENDER_ACCOUNTS__ALI__APP_ID", value)
    assert load_settings().accounts["ali"].own["app_id"].get_secret_value() == value


def test_toml_numbers_and_switches_are_texts_for_a_provider(tmp_path):
    text = '[accounts.a]\nprovider = "x"\nport = 7\nfast = true\n'
    own = load_settings(written(tmp_path, text)).accounts["a"].own
    assert {key: value.get_secret_value() for key, value in own.items()} == {
        "port": "7",
        "fast": "true",
    }


def test_an_account_that_is_switched_off_is_there_with_its_keys(tmp_path):
    """It is drained: to hear and to refund, it needs them."""
    (tmp_path / "key").write_text("its key")
    text = '[accounts.a]\nprovider = "x"\nenabled = false\nkey_file = "key"\n'
    account = load_settings(written(tmp_path, text)).accounts["a"]
    assert (account.enabled, account.own["key"].get_secret_value()) == (False, "its key")


def test_the_value_cannot_be_changed():
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.public_url = "http://elsewhere"  # type: ignore[misc]  # that is the test
    with pytest.raises(ValueError, match="frozen"):
        settings.http.port = 1  # type: ignore[misc]  # that is the test


# --- what is wrong is named -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("databse_url = 'x'", ["shop.toml", "databse_url is no setting", "mean database_url?"]),
        ("[http]\nprot = 1", ["http.prot is no setting", "Did you mean http.port?"]),
        ("[htpp]\nport = 1", ["htpp is no setting", "Did you mean http?"]),
        ("_env_prefix = 'X'", ["_env_prefix is no setting"]),
        ("[http]\nport = 'abc'", ["http.port", "valid integer", "'abc'", "port to listen on"]),
        ("[http]\nport = 70000", ["http.port", "65535", "'70000'"]),
        ("http = 3", ["http:", "valid dictionary"]),
        ("[pay]\nswitch_policy = 'strickt'", ["pay.switch_policy", "'strict'", "'strickt'"]),
        ("[pay]\npay_within_seconds = 5", ["pay.pay_within_seconds", "60"]),
        ("[pay]\ngrace_seconds = -500", ["grace_seconds", "raise watch_seconds"]),
        ("[pay]\nasking_seconds = 5", ["pay.asking_seconds", "transport.total_seconds"]),
        ("[worker]\nlease_seconds = 10", ["worker.lease_seconds", "transport.total_seconds"]),
        ("[worker]\ninterval_seconds = nan", ["worker.interval_seconds"]),
        ("[pay]\nstrict_over = 100000", ["pay.strict_over", "by currency", 'CNY = "1000.00"']),
        ("[pay.strict_over]\nCNY = '10.001'", ["pay.strict_over", "CNY has 2 digits"]),
        ("[pay.strict_over]\nJPY = 0.5", ["pay.strict_over", "JPY", "as a text"]),
        ("[pay.strict_over]\nCNY = true", ["pay.strict_over", "CNY", "as a text"]),
        ("[pay.strict_over]\nCNY = -1", ["pay.strict_over", "CNY", "is not an amount"]),
        ("[pay.strict_over]\nXXX = '1'", ["pay.strict_over", "XXX", "not an ISO 4217 currency"]),
        ("[log]\nlevel = 'loud'", ["log.level", "'debug'"]),
        ("public_url = 'pay.example.com'", ["public_url", "https://pay.example.com"]),
        ("public_url = 'https://u:p@x.example'", ["public_url", "no query, fragment or user"]),
        ("[accounts.a]\ntitle = 'A'", ["accounts.a.provider", "required"]),
        ("[accounts.'Big Shop']\nprovider = 'x'", ["'Big Shop' is no name of an account"]),
        ("[accounts.a__b]\nprovider = 'x'", ["'a__b' is no name of an account"]),
        ("[accounts.a]\nprovider = 'x'\nkey = ['l']", ["accounts.a.key", "valid string"]),
        ("port = = 1", ["shop.toml is not TOML", "line 1"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_way_out(tmp_path, text, words):
    message = complaint(tmp_path, text)
    assert [word for word in words if word not in message] == []


def test_all_mistakes_are_named_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RETENDER_HTTP__MAX_BODY_BYTES", "lots")
    monkeypatch.setenv("RETENDER_DATABSE_URL", "x")
    with pytest.raises(SetupError) as caught:
        load_settings(written(tmp_path, "[http]\nprot = 1\nport = -1\n"))
    problems = caught.value.details["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 4
    assert "environment: RETENDER_DATABSE_URL" in problems[0]
    assert "Did you mean RETENDER_DATABASE_URL?" in problems[0]
    (from_environment,) = [line for line in problems[1:] if line.startswith("environment")]
    assert "RETENDER_HTTP__MAX_BODY_BYTES" in from_environment


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(SetupError, match=r"no settings file .*nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"database_url = '\xff\xfe'")
    with pytest.raises(SetupError, match="not UTF-8"):
        load_settings(tmp_path / "bad.toml")


# --- secrets ------------------------------------------------------------------------------

SECRET = "sw0rdfish-sw0rdfish"


def test_no_secret_shows_in_a_repr(tmp_path):
    settings = load_settings(
        written(
            tmp_path,
            f'database_url = "postgresql+psycopg://shop:{SECRET}@db/pay"\npage_key = "{SECRET}"\n'
            f'[accounts.a]\nprovider = "x"\nprivate_key = "{SECRET}"\n',
        )
    )
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert SECRET not in repr(settings.accounts["a"])
    assert SECRET not in settings.model_dump_json()
    assert settings.database == "postgresql+psycopg://db/pay"


def test_no_secret_shows_in_a_complaint(tmp_path, monkeypatch):
    monkeypatch.setenv("RETENDER_PAGE_KEY", SECRET)
    text = (
        f"database_url = ['{SECRET}']\n[accounts.a]\nprivate_key = ['{SECRET}']\npin = 4711.25\n"
        "[http]\nport = 'x'"
    )
    message = complaint(tmp_path, text)
    assert "accounts.a.private_key" in message
    assert "accounts.a.pin" in message
    assert SECRET not in message
    assert "4711" not in message


def test_a_secret_may_stand_in_a_file_beside_the_settings(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "key.pem").write_text(f"  {SECRET}\nsecond line\n\n")
    (folder / "retender.toml").write_text(
        '[accounts.a]\nprovider = "x"\nprivate_key_file = "key.pem"\n'
    )
    own = load_settings(folder / "retender.toml").accounts["a"].own
    assert {k: v.get_secret_value() for k, v in own.items()} == {
        "private_key": f"{SECRET}\nsecond line"
    }


@pytest.mark.parametrize(
    ("content", "lines", "words"),
    [
        (None, 'key_file = "gone"', ["accounts.a.key_file", "gone", "cannot be read"]),
        (b"\xff\xfe", 'key_file = "secret"', ["accounts.a.key_file", "not UTF-8"]),
        (b" \n", 'key_file = "secret"', ["accounts.a.key_file", "1 to 65536 bytes"]),
        (b"x" * 65_537, 'key_file = "secret"', ["accounts.a.key_file", "1 to 65536 bytes"]),
        (b"x", 'key_file = "secret"\nkey = "y"', ["give key or key_file, not both"]),
    ],
)
def test_a_secret_file_that_cannot_be_meant_is_named(tmp_path, content, lines, words):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    message = complaint(tmp_path, f'[accounts.a]\nprovider = "x"\n{lines}\n')
    assert [word for word in words if word not in message] == []


# --- the key that encrypts stored pages ---------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [KEY, f" {KEY.upper()}\n", "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8="],
)
def test_a_page_key_is_32_bytes_in_hex_or_base64(tmp_path, text):
    assert page_key_of(Settings(page_key=text)) == bytes.fromhex(KEY)
    (tmp_path / "key").write_text(text)
    assert page_key_of(Settings(page_key_file=str(tmp_path / "key"))) == bytes.fromhex(KEY)


@pytest.mark.parametrize("text", ["", "abc", KEY[:-2], "zz" * 32, "💰" * 16])
def test_anything_else_is_no_page_key(text):
    with pytest.raises(SetupError, match="openssl rand -hex 32") as caught:
        page_key_of(Settings(page_key=text))
    assert not text or text not in str(caught.value)


def test_the_embedded_database_makes_its_own_key_once(tmp_path):
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    key = page_key_of(settings)
    path = tmp_path / "shop.db.page-key"
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert page_key_of(settings) == key
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db.page-key"]


def test_who_starts_second_takes_the_first_ones_key(tmp_path, monkeypatch):
    """Server and worker start together: whoever is slower must not replace the key."""
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    key = page_key_of(settings)
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    assert page_key_of(settings) == key


def test_a_database_elsewhere_needs_a_key_that_is_set():
    with pytest.raises(SetupError, match="page_key is not set"):
        page_key_of(Settings(database_url="postgresql+psycopg://db/pay"))


@pytest.mark.parametrize("url", ["memory:", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
def test_what_forgets_everything_keeps_no_key(tmp_path, url):
    settings = Settings(database_url=url)
    assert page_key_of(settings) != page_key_of(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(SetupError, match="cannot be written"):
        page_key_of(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/gone/shop.db"))


def test_limits_are_set_by_currency_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("RETENDER_PAY__STRICT_OVER__KWD", "70")
    settings = load_settings(written(tmp_path, "[pay.strict_over]\nCNY = '2.5'\nISK = 7"))
    limits = {str(limit) for limit in settings.pay.strict_over.values()}
    assert {"2.50 CNY", "7 ISK", "70.000 KWD", "20000 JPY"} <= limits
    assert not {"1000.00 CNY", "50.000 KWD"} & limits


# --- the example ----------------------------------------------------------------------------


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= fields(kind, f"{name}.")
        else:
            found[prefix + name] = field
    return found


def test_the_example_says_the_defaults():
    values = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    values.pop("accounts")
    assert Settings.model_validate(values) == Settings()
    assert load_settings(EXAMPLE).accounts["sandbox"].provider == "sandbox"


def test_the_example_names_every_setting_and_comments_on_it():
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    section, seen = "", set()
    for above, line in zip(["", *lines], lines, strict=False):
        if header := re.fullmatch(r"\[([a-z_.]+)\]", line):
            section = f"{header[1]}."
        if setting := re.fullmatch(r"(?:# )?([a-z_]+) = .+", line):
            assert above.startswith("#"), f"{section}{setting[1]} has no comment above it"
            seen.add(section + setting[1])
    wanted = set(fields(Settings)) - {"accounts"}
    wanted |= {f"accounts.sandbox.{name}" for name in AccountSettings.model_fields}
    assert wanted - seen == set()


def test_whoever_takes_the_comment_marks_away_gets_accounts_that_are_complete():
    text = EXAMPLE.read_text(encoding="utf-8")
    loose = re.sub(r"(?m)^# (?=\[accounts\.[a-z_]+\]$|[a-z0-9_]+ = )", "", text)
    accounts = tomllib.loads(loose)["accounts"]
    providers = load_plugins().providers
    assert set(accounts) == {"sandbox", "alipay", "wechat_pay"}
    for account in accounts.values():
        plugin = providers[account["provider"]]
        given = {key.removesuffix("_file") for key in account} - set(AccountSettings.model_fields)
        assert given <= {setting.name for setting in plugin.settings}
        assert given >= {setting.name for setting in plugin.settings if setting.required}


def test_every_setting_says_what_it_is():
    for model in (Settings, AccountSettings):
        for name, field in fields(model).items():
            assert name == "accounts" or getattr(field, "description", None), name
