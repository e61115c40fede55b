"""PostgreSQL: a server with one transaction for everything, tables included."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import URL, Connection

from retender.adapters.sql.server import Server
from retender.adapters.sql.server_kind import (
    FORGOTTEN,
    Need,
    plain,
)

_UPGRADE = 7_366_385_002_716_299_332
"""The advisory lock of upgrades: a number that nobody else takes by accident."""

_GIVE_WAY: Mapping[str | int, str] = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "55P03": "lock time-out",
    "57014": "statement time-out of the operator's",
    "25P03": "a transaction in which nothing happened for too long",
    "25P04": "a transaction that took too long for the operator",
}
_NO_ROOM: Mapping[str | int, str] = {"53100": "disk full"}
# A standby says 25006 while another one takes over: where it stays so, the doctor tells.
_AWAY: Mapping[str | int, str] = {
    "08000": "connection broken",
    "08001": "connection refused",
    "08003": "connection lost",
    "08004": "connection refused by the server, or by a pooler in front of it",
    "08006": "connection lost",
    "08P01": "a pooler in front of it broke off",
    "25006": "read only: a standby, or one that takes over just now",
    "53000": "out of some resource",
    "53200": "out of memory",
    "53300": "too many connections",
    "53400": "a limit of the operator's",
    "57P01": "shut down",
    "57P02": "crashed",
    "57P03": "starting",
    "57P04": "its database is being dropped, or restored",
    "57P05": "an idle connection",
    "58000": "the machine's own trouble",
    "58030": "the machine's own trouble",
}
_BROKEN: Mapping[str | int, str] = {
    "28000": "does not let this user in",
    "28P01": "refuses user or password",
    "3D000": "does not exist: create it, then run `retender db upgrade`",
    "42501": "does not let this user do what must be done",
}
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_NO_TABLE = "42P01"
_TAKEN = "23505"


class PostgreSQL(Server):
    """READ COMMITTED and conditional updates; psycopg unless the URL says asyncpg."""

    title: ClassVar[str] = "PostgreSQL"
    give_way: ClassVar[Mapping[str | int, str]] = _GIVE_WAY
    no_room: ClassVar[Mapping[str | int, str]] = _NO_ROOM
    away: ClassVar[Mapping[str | int, str]] = _AWAY
    broken: ClassVar[Mapping[str | int, str]] = _BROKEN
    no_table: ClassVar[str | int] = _NO_TABLE
    taken: ClassVar[str | int] = _TAKEN
    drivers: ClassVar[Mapping[str, str]] = {
        "postgresql+psycopg": "postgresql",
        "postgresql+asyncpg": "asyncpg",
    }
    savepoints: ClassVar[bool] = True
    now: ClassVar[str] = "SELECT clock_timestamp()"
    needs: ClassVar[Sequence[Need]] = (
        Need("fsync", "SHOW fsync", ("on",), "a power cut could destroy the database"),
        Need(
            "full_page_writes",
            "SHOW full_page_writes",
            ("on",),
            "a power cut could tear a page of the database in two",
        ),
        Need(
            "synchronous_commit",
            "SHOW synchronous_commit",
            ("on", "remote_apply", "remote_write", "local"),
            "a crash could lose what was committed",
        ),
        Need(
            "server_encoding",
            "SHOW server_encoding",
            ("utf8",),
            "names and messages of payers and providers could not be kept",
        ),
        Need(
            "pg_is_in_recovery()",
            "SELECT pg_is_in_recovery()",
            ("false",),
            "a standby may not be written to, and what it knows is old",
        ),
    )

    def connect_args(self, url: URL, patience: timedelta) -> dict[str, object]:
        """Bound the time for a connection, whatever the driver calls it."""
        seconds = patience.total_seconds()
        if url.drivername.endswith("asyncpg"):
            return {"timeout": seconds}
        return {"connect_timeout": max(2, round(seconds))}  # below 2 there is no time-out

    def set_up(self, patience: timedelta) -> Sequence[str]:
        """Bound the time that anybody waits for a lock, or sleeps with one."""
        return (
            f"SET lock_timeout = {_milliseconds(patience)}",
            f"SET idle_in_transaction_session_timeout = {_milliseconds(FORGOTTEN)}",
        )

    def begin(self, *, reading: bool) -> Sequence[str]:
        """Begin in one statement."""
        return (_READ,) if reading else (_WRITE,)

    def code(self, trouble: BaseException | None) -> str | None:
        """Return the SQLSTATE, which both drivers keep."""
        return getattr(trouble, "sqlstate", None)

    def wait_for_turn(self, connection: Connection, patience: timedelta) -> None:
        """Take the advisory lock of this database; the transaction's end gives it back."""
        del patience  # it is the connection's lock_timeout already
        connection.execute(plain(f"SELECT pg_advisory_xact_lock({_UPGRADE})"))


def _milliseconds(duration: timedelta) -> int:
    return max(1, duration // timedelta(milliseconds=1))  # 0 would be: for ever
