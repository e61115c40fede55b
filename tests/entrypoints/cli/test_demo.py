"""The demo plays both stories on real protocols, and fails when a fact is not so."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import httpx
from typer.testing import CliRunner

from retender.entrypoints.cli.demo import bad_day, good_day
from retender.entrypoints.cli.main import app
from retender.tests.entrypoints.cli.conftest import RETENDER


def test_both_stories_are_so_and_everything_can_be_looked_at_until_ctrl_c(shop):
    """The whole demo, once: stories, then a look around, then Ctrl-C."""
    process = subprocess.Popen(
        [RETENDER, "demo", "--patience", "120"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "RETENDER_DATABASE_URL": "sqlite:///ignored"},
    )
    assert process.stdout is not None
    told = ""
    try:
        while "order show DEMO-BAD\n" not in told.partition("In another terminal:")[2]:
            line = process.stdout.readline()
            assert line, told
            told += line
        assert "✗" not in told
        assert re.search(r"✓ All \d+ facts were so", told)
        for chapter in ("The good day", "The bad day"):
            assert chapter in told
        assert "256.00 CNY taken, 128.00 CNY given back, 128.00 CNY kept" in told
        look_around(told, shop)
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert "Stopping." in rest
    assert not settings_file(told).exists(), "it leaves nothing behind"


def look_around(told: str, shop) -> None:
    """Open what it says one could open, and pay one of the two orders."""
    pages = re.findall(r"DEMO-YOURS-\d, \w+: (\S+)", told)
    assert len(pages) == 2
    for url in pages:
        answer = httpx.get(url, trust_env=False)
        assert answer.status_code == 200
        assert "Oolong tea" in answer.text
    for url in set(re.findall(r"(?:side|API) +(http\S+)", told)):
        assert httpx.get(url, trust_env=False).status_code == 200
    done = shop("--config", str(settings_file(told)), "order", "show", "DEMO-BAD")
    assert done.exit_code == 0
    assert "surplus.refunded" in done.stdout


def settings_file(told: str) -> Path:
    found = re.search(r"retender --config (\S+) order show", told)
    assert found
    return Path(found[1])


def test_a_fact_that_is_not_so_ends_in_an_exit_code(monkeypatch):
    """And a story that breaks off is a failure too, told with its name."""

    async def not_so(stage) -> None:
        stage.narrator.check("water is dry", truth=False, seen="wet")

    async def broken_off(stage) -> None:
        await stage.shop.story("NEVER-PLACED")

    monkeypatch.setattr(good_day, "play", not_so)
    monkeypatch.setattr(bad_day, "play", broken_off)
    began = time.monotonic()
    done = CliRunner().invoke(app, ["demo", "--once"])
    assert time.monotonic() - began < 60
    assert done.exit_code == 1
    assert "✗ water is dry (seen: wet)" in done.stdout
    assert "UnexpectedAnswer: GET /v1/orders/NEVER-PLACED: 404" in done.stdout
    assert "✗ 2 of 2 facts were not so." in done.stdout
