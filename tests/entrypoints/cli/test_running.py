"""An operator starts servers, workers and simulators, and stops them again."""

import json
import socket
import tomllib

import httpx
import pytest
from typer.testing import CliRunner

from retender.entrypoints.cli.main import app
from retender.entrypoints.cli.toml import toml
from retender.tests.entrypoints.cli.conftest import running


def test_a_server_says_where_it_is(shop):
    address = shop.server_said.split("Listening on ")[1].split(",")[0]
    assert httpx.get(f"{address}/healthz", trust_env=False).json() == {"status": "alive"}


def test_a_taken_port_is_one_line_and_not_a_traceback(shop):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shop("serve", "--port", port)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"SETUP_ERROR: Cannot listen on 127.0.0.1 port {port}")
    assert done.stderr.count("\n") == 1


def test_a_worker_does_one_round_and_says_what_it_did(shop):
    done = shop("worker", "--once")
    assert done.exit_code == 0
    assert "attempts asked after" in done.stdout
    told = shop.json("worker", "--once")
    assert told["failed"] == 0
    assert set(told) == {"expiring", "closed", "attempts", "refunds", "told", "failed", "full"}


def test_a_worker_works_until_it_is_told_to_stop(shop):
    with running("--config", str(shop.file), "worker", until="Working on") as (process, _):
        assert process.poll() is None
    assert process.returncode == 0


def test_a_simulator_hands_out_settings_that_work(shop, tmp_path):
    """What it prints is all that an account needs."""
    words = ("simulator", "alipay", "--account", "shop")
    with running(*words, until="simulated at") as (process, said):
        address = said.split("simulated at ")[1].split(",")[0]
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("alipay_public_key"):
            lines.append(process.stdout.readline())
        while not lines[-1].startswith("'''"):
            lines.append(process.stdout.readline())
        file = tmp_path / "retender.toml"
        file.write_text(f'database_url = "sqlite:///{tmp_path / "own.db"}"\n' + "".join(lines))
        account = tomllib.loads(file.read_text())["accounts"]["shop"]
        assert account["gateway"] == f"{address}/gateway.do"
        done = shop("--config", str(file), "doctor", "--online", "--json")
    assert done.exit_code == 0, done.output
    found = {finding["about"]: finding["state"] for finding in json.loads(done.stdout)}
    assert found["gateway of shop"] == "well"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["simulator", "alipai"], "SIMULATOR_UNKNOWN"),
        (["simulator", "alipay", "--switch", "nonsense"], "INPUT_INVALID"),
        (["simulator", "wechat_pay", "--switch", "nonsense=1"], "INPUT_INVALID"),
    ],
    ids=" ".join,
)
def test_a_simulator_that_cannot_be_as_wanted_is_not_started(words, code):
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, code)


@pytest.mark.parametrize(
    "value", ['a "quoted" \\ text', "茶 🍵", "tab\there", "it's '''odd'''\n", ""]
)
def test_whatever_is_written_as_toml_reads_back(value):
    text = toml({"": {"number": 7, "part": 0.2}, "accounts.a": {"value": value}})
    read = tomllib.loads(text)
    assert (read["number"], read["part"], read["accounts"]["a"]["value"]) == (7, 0.2, value)


def test_a_key_in_pem_is_written_over_several_lines():
    pem = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    text = toml({"a": {"key": pem}})
    assert "\nabc\n" in text
    assert tomllib.loads(text)["a"]["key"].strip() == pem.strip()
