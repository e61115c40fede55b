"""Family: the processes of a scene, each with a name, a log and a supervisor's care."""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2] / "build" / "tree"

KILLED = -9
_INSTALLED_EVERY = 10


@dataclass(slots=True)
class Member:
    """
    One process, and how it is started again.

    Attributes:
        name: such as ``server-1``.
        arguments: of ``retender``.
        alive: whether it runs, as far as we heard.
        starts: how often it was started.

    """

    name: str
    arguments: Sequence[str]
    alive: bool = False
    starts: int = 0
    died: asyncio.Event = field(default_factory=asyncio.Event)


class Family:
    """Starts, kills and restarts; whoever dies unasked is started again, and counted."""

    def __init__(self, folder: Path, speed: float, nursery: asyncio.subprocess.Process) -> None:
        self._folder = folder
        self._speed = speed
        self._epoch = time.time()
        self._nursery = nursery
        self._members: dict[str, Member] = {}
        self._doomed: set[str] = set()
        self.kills: Counter[str] = Counter()
        self.installed = 0
        self.deaths: list[str] = []
        """Who died without being asked to, and with which code: nobody should."""

    def log(self, name: str) -> Path:
        """Return the file that all bearers of the name write their log into."""
        return self._folder / f"{name}.log"

    def out(self, name: str) -> Path:
        """Return the file that they write their results into."""
        return self._folder / f"{name}.out"

    def add(self, name: str, *arguments: str) -> None:
        """Start a process that was not there before."""
        self._members[name] = Member(name, arguments)
        self._start(self._members[name])

    async def kill(self, name: str, *, step: str | None = None, seen: Path | None = None) -> None:
        """Kill a process, see it dead, and start it again at once, perhaps doomed to a step."""
        member = self._members[name]
        self.kills[name.partition("-")[0]] += 1
        self._doomed.add(name)
        self._request(kill=name)
        await member.died.wait()
        self._start(member, step, seen)

    async def until_dead(self, name: str, seconds: float) -> bool:
        """Wait for one that was doomed to die at a step; it is started again at once."""
        member = self._members[name]
        try:
            async with asyncio.timeout(seconds):
                await member.died.wait()
        except TimeoutError:
            return False
        self._start(member)
        return True

    def _start(self, member: Member, step: str | None = None, seen: Path | None = None) -> None:
        member.starts += 1
        member.died.clear()
        member.alive = True
        self._doomed.discard(member.name)
        if step is not None:
            self._doomed.add(member.name)
        # Most are forked, to save time; the command as users have it runs too.
        plain = step is None and seen is None and self._speed == 1
        installed = plain and member.starts % _INSTALLED_EVERY == 1
        self.installed += installed
        self._request(
            start=member.name,
            arguments=member.arguments,
            out=str(self.out(member.name)),
            log=str(self.log(member.name)),
            installed=installed,
            epoch=self._epoch,
            speed=self._speed,
            step=step,
            seen=str(seen) if seen else None,
        )

    def _request(self, **request: object) -> None:
        pipe = self._nursery.stdin
        assert pipe is not None
        pipe.write(json.dumps(request).encode() + b"\n")

    async def listen(self) -> None:
        """Hear what became of everybody, as long as there is a nursery."""
        news = self._nursery.stdout
        assert news is not None
        async for line in news:
            self._hear(json.loads(line))

    def _hear(self, news: dict[str, Any]) -> None:
        if "died" not in news:
            return
        member = self._members[news["died"]]
        member.alive = False
        member.died.set()
        if member.name not in self._doomed or news["code"] != KILLED:
            self.deaths.append(f"{member.name} ended with code {news['code']}")
        if member.name not in self._doomed:
            self._start(member)


@asynccontextmanager
async def a_family(folder: Path, *, speed: float = 1) -> AsyncIterator[Family]:
    """Open a nursery; at the end everybody in it is killed, and nobody else."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RETENDER_")}
    nursery = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "retender.tests.processes.nursery",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(TREE)},
        start_new_session=True,
    )
    assert nursery.stdout is not None
    if not await nursery.stdout.readline():
        raise RuntimeError("the nursery did not come up; what it said is above")
    family = Family(folder, speed, nursery)
    listening = asyncio.create_task(family.listen())
    try:
        yield family
    finally:
        listening.cancel()
        assert nursery.stdin is not None
        nursery.stdin.close()
        await nursery.wait()
