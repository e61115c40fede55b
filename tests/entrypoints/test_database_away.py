"""While the database is away, whoever runs us is told which one and why; a payer is not."""

import logging

import pytest
from typer.testing import CliRunner

from retender.domain.model.attempt_errors import PayOrderInterrupted
from retender.domain.model.errors import StoreBusy
from retender.domain.model.operators import with_words
from retender.entrypoints.cli.main import app
from retender.entrypoints.settings import Settings
from retender.tests.entrypoints.shop import PAGE_KEY, open_shop, order, settings_in

PLACE = "127.0.0.1:1/tea_shop"
PASSWORD = "hush-hush-hush"
URLS = [
    f"postgresql+psycopg://payer:{PASSWORD}@{PLACE}",
    f"postgresql+asyncpg://payer:{PASSWORD}@{PLACE}",
    f"mysql+asyncmy://payer:{PASSWORD}@{PLACE}",
]


@pytest.fixture(autouse=True)
def _as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def is_told(text: str) -> None:
    assert PLACE in text, text
    assert "refused" in text or "Connect call failed" in text or "Can't connect" in text, text
    assert PASSWORD not in text


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "words",
    [
        ("order", "show", "o-1"),
        ("attention",),
        ("db", "current"),
        ("doctor",),
        ("worker", "--once"),
    ],
)
def test_every_command_says_which_database_and_why(tmp_path, url, words):
    file = tmp_path / "retender.toml"
    file.write_text(f'database_url = "{url}"\npage_key = "{PAGE_KEY}"\n')
    done = CliRunner().invoke(app, ["--config", str(file), *words])
    assert done.exit_code == 1, done.output
    is_told(" ".join(done.output.split()))


@pytest.mark.asyncio
@pytest.mark.parametrize("url", URLS)
async def test_a_server_logs_it_and_answers_without_the_address(tmp_path, url, caplog):
    async with open_shop(settings_in(tmp_path, database_url=url)) as shop:
        answer = await shop.http.post("/v1/orders", json=order())
        ready = await shop.http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, StoreBusy.code)
    for each in (answer, ready):
        assert "127.0.0.1" not in each.text
        assert "tea_shop" not in each.text
    for beginning in ("STORE_BUSY", "not ready"):
        (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith(beginning)]
        is_told(line)


@pytest.mark.asyncio
async def test_a_refusal_that_hides_the_stores_trouble_is_logged_with_it(shop, mocker, caplog):
    """The payer is told what may have changed; the operator, what the store's trouble is."""
    trouble = with_words(StoreBusy("It is away."), "db:5432/pay is away.")
    await shop.place()
    interrupted = PayOrderInterrupted("o-1", "something may have changed")
    interrupted.__cause__ = trouble
    mocker.patch.object(type(shop.container.pay_order()), "_load", side_effect=interrupted)
    answer = await shop.pay()
    assert "db:5432/pay" not in answer.text
    assert "db:5432/pay is away." in caplog.text


def test_a_password_among_the_options_is_shown_by_nobody():
    url = f"postgresql+psycopg:///pay?host=/run/pg&password={PASSWORD}"
    assert Settings(database_url=url).database == "postgresql+psycopg:///pay"
