"""
The nursery: a process that forks others, so that a killed one is back in a blink.

Loading all that ``retender`` needs takes more than a second of a core; 500 kills
would be spent on imports. This process has loaded it once. A child is a process
of its own group that runs the very command line; it is killed by whom it was
forked by, who alone reaps it, so that no stranger with a recycled id can be hit.

Requests come in as JSON lines, and what happens goes out as JSON lines.
"""

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retender.entrypoints.cli.main import main as command_line
from retender.plugins.host import load_plugins
from retender.tests.processes.clock import hurry
from retender.tests.processes.steps import arm

_LOOK_EVERY = 0.02
_MODES = os.O_WRONLY | os.O_CREAT | os.O_APPEND


ROOMS = ("retender.adapters", "retender.plugins", "retender.simulators", "retender.entrypoints")
LAZY = (
    "aiosqlite",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)
"""What others import when it is needed first."""


def preload() -> None:
    """Import what commands import when they run; nothing is opened or started."""
    for name in (*ROOMS, *LAZY):
        module = importlib.import_module(name)
        if name in ROOMS:
            for found in pkgutil.walk_packages(module.__path__, f"{name}."):
                if "migrations" not in found.name:
                    importlib.import_module(found.name)
    load_plugins()
    gc.freeze()  # what is loaded stays shared between the children


class Nursery:
    """The children by name; a name may be used again once its bearer is dead."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}

    def start(self, request: dict[str, Any]) -> None:
        """Fork a child; it never returns from here."""
        pid = os.fork()
        if pid == 0:
            _become(request)
        self._pids[request["start"]] = pid
        _say(started=request["start"], pid=pid)

    def kill(self, name: str) -> None:
        """Kill the child, as ``kill -9`` does; one that is dead already is left alone."""
        if pid := self._pids.get(name):
            os.kill(pid, signal.SIGKILL)

    def reap(self) -> None:
        """Tell of those who died."""
        while self._pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            (name,) = (name for name, known in self._pids.items() if known == pid)
            del self._pids[name]
            _say(died=name, code=os.waitstatus_to_exitcode(status))

    def empty(self) -> None:
        """Leave nobody behind."""
        for name, pid in self._pids.items():
            self.kill(name)
            os.waitpid(pid, 0)


def _become(request: dict[str, Any]) -> None:
    """Be the command from here on."""
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(request["out"], _MODES, 0o600), 1)
        os.dup2(os.open(request["log"], _MODES, 0o600), 2)
        signal.set_wakeup_fd(-1)
        if request["installed"]:
            command = str(Path(sys.executable).with_name("retender"))
            os.execv(command, [command, *request["arguments"]])  # noqa: S606 -- what a shell would only garble
        code = _run(request)
    finally:
        os._exit(code)


def _run(request: dict[str, Any]) -> int:
    hurry(request["epoch"], request["speed"])
    arm(request["step"], request["seen"])
    sys.argv = ["retender", *request["arguments"]]
    try:
        command_line()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _say(**news: object) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


@contextmanager
def _requests() -> Iterator[Any]:
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        os.set_blocking(0, False)
        yield lambda: bool(selector.select(_LOOK_EVERY))


def main() -> None:
    """Do as is wished until nobody is there to ask."""
    preload()
    nursery, rest = Nursery(), b""
    _say(ready=True)
    with _requests() as any_come:
        while True:
            nursery.reap()
            if not any_come():
                continue
            read = os.read(0, 65_536)
            if not read:
                nursery.empty()
                return
            *lines, rest = (rest + read).split(b"\n")
            for request in map(json.loads, lines):
                if "start" in request:
                    nursery.start(request)
                else:
                    nursery.kill(request["kill"])


if __name__ == "__main__":
    main()
