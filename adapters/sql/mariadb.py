"""MariaDB and MySQL: a server that needs to be told to be strict, exact and patient."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import ClassVar

from sqlalchemy import URL, Connection, text

from retender.adapters.sql.server import Server
from retender.adapters.sql.server_kind import (
    FORGOTTEN,
    Need,
    locked,
)

_GIVE_WAY: Mapping[str | int, str] = {
    1020: "a row changed since it was read (innodb_snapshot_isolation)",
    1205: "lock time-out",
    1213: "deadlock",
    1180: "a COMMIT that the cluster refused, as another node changed the same",
    1317: "a statement that an operator ended",
    1969: "statement time-out of the operator's (MariaDB)",
    3572: "a lock that nobody may wait for (MySQL)",
    3024: "statement time-out of the operator's (MySQL)",
}
_NO_ROOM: Mapping[str | int, str] = {
    1021: "disk full",
    1026: "disk full, or another failure to write a file",
    1030: "disk full, or another failure of the storage",
    1114: "table full",
}
_AWAY: Mapping[str | int, str] = {
    1040: "too many connections",
    1041: "out of memory",
    1047: "a node that is no part of its cluster now",
    1053: "shutting down",
    1129: "it refuses this host for now",
    1226: "too many connections or questions of this user",
    1203: "too many connections of this user",
    1290: "read only: a replica, or one that takes over just now",
    1836: "read only: a replica, or one that takes over just now",
    1927: "connection killed",
    2002: "no answer at its socket",
    2003: "no answer",
    2006: "gone away",
    2013: "connection lost",
    2055: "connection lost",
    3169: "session killed (MySQL)",
    4031: "an idle connection",
}
_BROKEN: Mapping[str | int, str] = {
    1044: "does not let this user in",
    1045: "refuses user or password",
    1049: "does not exist: create it, then run `retender db upgrade`",
    1142: "does not let this user do what must be done",
}
_NO_TABLE = 1146
_TAKEN = 1062

_OLDEST = {True: (10, 6), False: (8, 0, 16)}
"""By whether it is MariaDB: the first version with SKIP LOCKED and CHECK."""

_DEAF = logging.NullHandler()
"""The driver repeats what the server remarks on our tables; a terminal need not."""

_ONE_INSTANT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_STRICT = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO"


class MariaDB(Server):
    """
    READ COMMITTED, and affected rows that are matched rows.

    Its own default, REPEATABLE READ, lets a transaction overwrite what another
    committed after it was read. SQLAlchemy asks for matched rows (CLIENT_FOUND_ROWS).
    """

    title: ClassVar[str] = "MariaDB"
    give_way: ClassVar[Mapping[str | int, str]] = _GIVE_WAY
    no_room: ClassVar[Mapping[str | int, str]] = _NO_ROOM
    away: ClassVar[Mapping[str | int, str]] = _AWAY
    broken: ClassVar[Mapping[str | int, str]] = _BROKEN
    no_table: ClassVar[str | int] = _NO_TABLE
    taken: ClassVar[str | int] = _TAKEN
    drivers: ClassVar[Mapping[str, str]] = {"mysql+asyncmy": "mariadb"}
    now: ClassVar[str] = "SELECT UTC_TIMESTAMP(6)"
    needs: ClassVar[Sequence[Need]] = (
        Need(
            "innodb_flush_log_at_trx_commit",
            "SELECT @@innodb_flush_log_at_trx_commit",
            ("1",),
            "a power cut could lose what was committed",
        ),
        Need(
            "sync_binlog",
            "SELECT IF(@@log_bin, @@sync_binlog, 1)",  # no binary log, nothing to sync
            ("1",),
            "with the binary log on, a power cut could lose what was committed",
        ),
        Need(
            "innodb_doublewrite",
            "SELECT @@innodb_doublewrite",
            ("1", "on", "fast", "detect_and_recover"),
            "a power cut could tear a page of the database in two",
        ),
        Need(
            "read_only",
            "SELECT @@read_only",
            ("0",),
            "a replica may not be written to, and what it knows is old",
        ),
    )

    def address(self, url: URL) -> URL:
        """Return the URL under one name: what is called mariadb and mysql is told the same."""
        _, plus, driver = url.drivername.partition("+")
        return super().address(url.set(drivername=f"mysql{plus}{driver}"))

    def connect_args(self, url: URL, patience: timedelta) -> dict[str, object]:
        """Speak of every character there is, and bound the time for a connection."""
        del url
        return {"charset": "utf8mb4", "connect_timeout": max(1, ceil(patience.total_seconds()))}

    def set_up(self, patience: timedelta) -> Sequence[str]:
        """Refuse what does not fit, and bound the time that anybody waits for a lock."""
        logging.getLogger("asyncmy").addHandler(_DEAF)
        wait = max(1, ceil(patience.total_seconds()))
        forget = FORGOTTEN // timedelta(seconds=1)
        return (
            f"SET SESSION sql_mode = '{_STRICT}'",
            f"SET SESSION innodb_lock_wait_timeout = {wait}",
            # MySQL does not know the second one, and takes it for a comment.
            f"SET SESSION autocommit = 1 /*M! , SESSION idle_transaction_timeout = {forget} */",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )

    def begin(self, *, reading: bool) -> Sequence[str]:
        """Begin; only a reader needs another isolation, and MariaDB has no one word for both."""
        return (_ONE_INSTANT, "START TRANSACTION READ ONLY") if reading else ("START TRANSACTION",)

    def code(self, trouble: BaseException | None) -> int | None:
        """Return the server's number: some of these have no SQLSTATE of their own."""
        arguments = getattr(trouble, "args", ())
        return arguments[0] if arguments and isinstance(arguments[0], int) else None

    def wait_for_turn(self, connection: Connection, patience: timedelta) -> None:
        """Take a named lock; it ends with the connection, as every table ends a transaction."""
        place = str(connection.engine.url.database)
        name = f"retender.{hashlib.sha256(place.encode()).hexdigest()[:32]}"
        seconds = ceil(patience.total_seconds())
        take = text("SELECT GET_LOCK(:name, :seconds)")
        if connection.scalar(take, {"name": name, "seconds": seconds}) != 1:
            raise locked()

    def shortcomings(self, connection: Connection) -> Sequence[str]:
        """Look at the version too: an older one can neither skip locked rows nor check."""
        found = list(super().shortcomings(connection))
        is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        version = connection.dialect.server_version_info or ()
        oldest = _OLDEST[is_mariadb]
        if version < oldest:
            name, need = "MariaDB" if is_mariadb else "MySQL", ".".join(map(str, oldest))
            told = ".".join(map(str, version))
            found.append(f"{name} is {told}, older than {need}: due work cannot be shared out")
        return found
