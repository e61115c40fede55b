"""A small shop for commands to work on: an SQLite file, a running sandbox, and a server."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from retender.entrypoints.cli.main import app

RETENDER = Path(sys.executable).with_name("retender")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide this shell's settings, and undo what a command does to the process's logging."""
    for name in list(os.environ):
        if name.startswith("RETENDER_"):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running(*words: str, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command as a process of its own until it says that it is ready, then stop it."""
    process = subprocess.Popen(
        [RETENDER, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if "RETENDER_" not in name},
    )
    assert process.stderr is not None
    try:
        said = ""
        while until not in said:
            line = process.stderr.readline()
            assert line, f"it ended without saying {until!r}: {said}"
            said += line
        yield process, said
    finally:
        process.terminate()
        process.communicate(timeout=10)


@dataclass(frozen=True, slots=True)
class Shop:
    """
    A configured system, and how to call commands on it.

    Attributes:
        file: the settings.
        sandbox: the address of the sandbox's simulator.
        server_said: what the server told when it started.

    """

    file: Path
    sandbox: str
    server_said: str

    def __call__(self, *words: str) -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(app, ["--config", str(self.file), *words])

    def json(self, *words: str, code: int = 0):
        """Run a command, and read what it says to machines."""
        done = self(*words, "--json")
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def place(self, order_no: str, amount: str = "88.80", *more: str):
        """Place an order of user-7."""
        words = ["--user", "user-7", "--amount", amount, "--subject", "Jasmine tea"]
        return self.json("order", "place", order_no, *words, *more)

    def pay(self, order_no: str, *more: str, code: int = 0):
        """Ask for a page of user-7."""
        words = ["--user", "user-7", "--with", "sandbox", *more]
        return self.json("order", "pay", order_no, *words, code=code)

    def paid(self, order_no: str, amount: str = "88.80"):
        """Place an order and have it paid in the sandbox; return its story."""
        self.place(order_no, amount)
        page = self.pay(order_no, "--page", "form")["page"]
        body = {"action": "pay", "page": page}
        answer = httpx.post(f"{self.sandbox}/_simulator/act", json=body, trust_env=False)
        assert answer.json()["ok"], answer.text
        return self.story_when(order_no, lambda story: story["order"]["state"] == "PAID")

    def story_when(self, order_no: str, so: Callable[[Any], bool]):
        """Return the order's story as soon as something is so."""
        until = time.monotonic() + 10
        while not so(story := self.json("order", "show", order_no)):
            assert time.monotonic() < until, story
        return story


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Start a sandbox and a server as an operator would, with the commands under test."""
    folder = tmp_path_factory.mktemp("shop")
    file, port, sandbox_port = folder / "retender.toml", free_port(), free_port()
    words = ["simulator", "sandbox", "--port", str(sandbox_port), "--json"]
    with running(*words, until="simulated at") as (simulator, _):
        assert simulator.stdout is not None
        account = json.loads(first_json(simulator.stdout))
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in account.items())
        address = f"http://127.0.0.1:{port}"
        file.write_text(
            f'database_url = "sqlite:///{folder / "shop.db"}"\n'
            f'public_url = "{address}"\n'
            f"[http]\nport = {port}\n[accounts.sandbox]\n{lines}\n"
        )
        with running("--config", str(file), "serve", until="Listening on") as (server, said):
            wait_for(f"{address}/readyz")
            yield Shop(file, f"http://127.0.0.1:{sandbox_port}", said)
        assert server.returncode in {0, -signal.SIGTERM}, "it did not end in good order"


def first_json(stream) -> str:
    """Read one JSON object that is written over several lines, and no further."""
    text = ""
    while not text.endswith("}\n"):
        text += stream.readline()
    return text


def wait_for(url: str) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            answer = httpx.get(url, trust_env=False)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.is_success:
            return
        assert time.monotonic() < until, url
        time.sleep(0.05)
