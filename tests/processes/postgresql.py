"""A PostgreSQL cluster of our own, which may be stopped in mid-sentence and started again."""

import asyncio
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
_STRANGERS = ("postgres", "nobody")
_PATIENCE = 60


class NoPostgreSQL(Exception):
    """This machine has no PostgreSQL server that we could run."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class Cluster:
    """
    A server with one database, in a folder that is removed in the end.

    Attributes:
        url: where the database is.
        stops: how often it was stopped at once.

    """

    folder: Path
    programs: Path
    user: str | None
    port: int
    stops: int = 0

    @property
    def url(self) -> str:
        """The database ``postgres`` of the cluster."""
        return f"postgresql://retender@127.0.0.1:{self.port}/postgres"

    async def initialise(self) -> None:
        """Make the files of a fresh cluster, as safe as a cluster is by default."""
        await self._run("initdb", "-U", "retender", "-A", "trust", "-E", "UTF8", "--no-sync")

    async def start(self) -> None:
        """Start, and wait until it takes connections; after a stop it recovers first."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c max_connections=100"
        log = str(self.folder / "server.log")
        socket_folder = f" -c unix_socket_directories={self.folder}"
        await self._run("pg_ctl", "-w", "-l", log, "-o", options + socket_folder, "start")

    async def stop_at_once(self) -> None:
        """Let every backend drop dead, as after a crash: what is not committed is lost."""
        self.stops += 1
        await self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    async def _run(self, program: str, *arguments: str) -> None:
        done = await asyncio.create_subprocess_exec(
            str(self.programs / program),
            "-D",
            str(self.folder / "data"),
            *arguments,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,  # the server inherits it, so no pipe
            stderr=asyncio.subprocess.DEVNULL,
            user=self.user,
            group=self.user and pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else [],
        )
        async with asyncio.timeout(_PATIENCE):
            code = await done.wait()
        if code:
            log = self.folder / "server.log"
            told = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed with {code}: {told}")


@asynccontextmanager
async def a_cluster() -> AsyncIterator[Cluster]:
    """
    Start a cluster, and remove it in the end.

    Root runs it as a user without rights, as PostgreSQL wants it.

    Raises:
        NoPostgreSQL: its programs, or such a user, are not there.

    """
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="retender-postgresql-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        cluster = Cluster(folder, programs, user, free_port())
        await cluster.initialise()
        await cluster.start()
        try:
            yield cluster
        finally:
            await cluster.stop_at_once()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for version in sorted(DEBIAN.glob("*/bin/initdb"), reverse=True):
        return version.parent
    raise NoPostgreSQL(f"initdb is neither on the PATH nor under {DEBIAN}: install PostgreSQL")


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    for name in _STRANGERS:
        if name in known:
            return name
    raise NoPostgreSQL("root may not run PostgreSQL, and there is no other user")
