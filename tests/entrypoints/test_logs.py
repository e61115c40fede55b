"""Logs: one line each, for people or machines, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from retender.entrypoints.logs import BLOT, configure_logging
from retender.entrypoints.settings import LogSettings
from retender.tests.entrypoints.shop import CANARY

KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", f"MIIEvQIBADAN{CANARY}", "c2Vjb25kLWxpbmU=", "-----END-----"]
)
SECRETS = (CANARY, KEY, 'with"quote-and-back\\slash', "短密码短密码短密码")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {
        name: logging.getLogger(name).level for name in list(logging.Logger.manager.loggerDict)
    }
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()


def logged(log, *, kind="json", level="info", secrets=SECRETS) -> str:
    stream = io.StringIO()
    configure_logging(LogSettings(level=level, format=kind), secrets=secrets, stream=stream)
    log(logging.getLogger("retender.test"))
    return stream.getvalue()


def test_machines_get_one_object_a_line():
    text = logged(lambda log: log.info("request", extra={"status": 200, "route": "/healthz"}))
    line = json.loads(text)
    assert (line["event"], line["status"], line["route"]) == ("request", 200, "/healthz")
    assert (line["level"], line["logger"]) == ("info", "retender.test")
    assert line["timestamp"].endswith("Z")


def test_people_get_a_line_without_colour_codes_when_it_is_no_terminal():
    text = logged(lambda log: log.info("request", extra={"status": 200}), kind="console")
    assert text.count("\n") == 1
    assert "status=200" in text
    assert "\x1b" not in text


def test_what_is_less_than_asked_for_is_not_logged():
    assert logged(lambda log: log.info("x"), level="warning") == ""
    assert logged(lambda log: log.warning("x"), level="warning") != ""


@pytest.mark.parametrize("kind", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_reaches_a_log_in_whatever_way(kind, secret):
    def careless(log: logging.Logger) -> None:
        log.info("key is %s", secret)
        log.info("request", extra={"key": secret, "nested": {"key": [secret]}})
        structlog.get_logger("other").info("event", key=secret)
        log.error("failed with %s", secret, exc_info=ValueError(secret))

    text = logged(careless, kind=kind)
    assert BLOT in text
    for piece in (secret, json.dumps(secret)[1:-1], CANARY, "c2Vjb25kLWxpbmU"):
        assert piece not in text


@pytest.mark.parametrize("kind", ["json", "console"])
def test_a_traceback_shows_where_and_never_the_variables_there(kind):
    def careless(log: logging.Logger) -> None:
        held = {"card": "4111 1111"}
        try:
            held["cvc"]
        except KeyError:
            log.exception("failed")

    text = logged(careless, kind=kind)
    assert "careless" in text
    assert "KeyError" in text
    assert "4111 1111" not in text


@pytest.mark.parametrize("kind", ["json", "console"])
@pytest.mark.parametrize(
    "subject",
    ["Tea\n2026-07-01 00:00:00 [info] order paid", "Tea\r\nPAID", "a\u2028b", "\x1b[2J\x1b[31mred"],
)
def test_a_callers_text_forges_no_line_and_paints_no_terminal(kind, subject):
    def told(log: logging.Logger) -> None:
        log.warning("placed %s", subject)
        log.warning("placed", extra={"subject": subject})

    text = logged(told, kind=kind)
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text


def test_emoji_and_chinese_stay_readable():
    for kind in ("json", "console"):
        assert "茉莉花茶 🍵" in logged(lambda log: log.info("placed 茉莉花茶 🍵"), kind=kind)


def test_short_words_are_no_secrets():
    """Else an account whose secret is "a" would blot out everything."""
    assert "a cat" in logged(lambda log: log.info("a cat"), secrets=("a", "", "  "))


def test_the_requests_name_is_on_every_line():
    def told(log: logging.Logger) -> None:
        with structlog.contextvars.bound_contextvars(correlation_id="shop-42"):
            log.info("deep inside")

    assert json.loads(logged(told))["correlation_id"] == "shop-42"


def test_configuring_again_does_not_write_twice():
    stream = io.StringIO()
    for _ in range(3):
        configure_logging(LogSettings(format="json"), stream=stream)
    logging.getLogger("retender.test").info("once")
    logging.getLogger("uvicorn.error").info("as well")
    assert stream.getvalue().count("\n") == 2


@pytest.mark.parametrize("name", ["httpx", "sqlalchemy.engine"])
def test_libraries_that_tell_addresses_and_values_are_kept_quiet(name):
    text = logged(lambda _: logging.getLogger(name).info("POST https://gateway/?sign=x"))
    assert text == ""
