"""ServerKind: what one make of database needs of us that the others do not."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import URL, Connection, TextClause, text

from retender.adapters.sql.place import Place
from retender.domain.model.errors import (
    RetenderError,
    SetupError,
    StoreBusy,
    StoreFull,
    StoreUncertain,
)
from retender.domain.model.operators import with_words

FORGOTTEN = timedelta(minutes=1)
"""After this a transaction in which nothing happens is ended: its process is paused or gone."""

SERVER_CONNECTIONS = 10
"""How many connections one process keeps to a server; the others wait for their turn."""


@dataclass(frozen=True, slots=True)
class Need:
    """
    A setting of the database that the promise of the store rests on.

    Attributes:
        name: how operators know it.
        query: returns its one value.
        good: the values that will do, in small letters; the best one first.
        otherwise: what goes wrong with any other.

    """

    name: str
    query: str
    good: Sequence[str]
    otherwise: str


class ServerKind(ABC):
    """
    One make of database: how to reach it, what to tell it, what its errors mean.

    Attributes:
        title: what people call it.
        drivers: the drivers that we know, each with the extra that installs it;
            the first one is what the plain name stands for.
        remote: it is a server, which may be away.
        connections: how many one process keeps open.
        one_writer: writers take turns in any case, so they may as well stand in
            line in our process.
        savepoints: a statement that fails spoils its whole transaction, unless
            there is a savepoint to go back to.
        options: of ``create_async_engine``.
        needs: what is looked at by the doctor.
        now: asks a server what time it is by its own clock, at this moment.

    """

    title: ClassVar[str]
    drivers: ClassVar[Mapping[str, str]]
    remote: ClassVar[bool] = True
    connections: ClassVar[int] = SERVER_CONNECTIONS
    one_writer: ClassVar[bool] = False
    savepoints: ClassVar[bool] = False
    options: ClassVar[Mapping[str, object]] = {
        # We say BEGIN and COMMIT ourselves (see ``connected``): the driver adds nothing.
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
    }
    needs: ClassVar[Sequence[Need]]
    now: ClassVar[str]

    def address(self, url: URL) -> URL:
        """
        Return the URL with a driver that we know.

        Raises:
            SetupError: another driver, or no database is named.

        """
        default = next(iter(self.drivers))
        driver = url.drivername if "+" in url.drivername else default
        if driver not in self.drivers:
            known = ", ".join(f"{name}://" for name in self.drivers)
            message = f"{self.title} is used as {known}, not as {url.drivername}://."
            raise SetupError(message)
        if not url.database:
            message = (
                f"The database URL names a server and no database: add /NAME for {self.title}."
            )
            raise SetupError(message)
        return url.set(drivername=driver)

    def is_there(self, url: URL) -> bool:
        """Whether connecting finds something, rather than make it."""
        del url
        return True

    @abstractmethod
    def connect_args(self, url: URL, patience: timedelta) -> dict[str, object]:
        """Return what the driver is given for each connection."""

    @abstractmethod
    def set_up(self, patience: timedelta) -> Sequence[str]:
        """Return what each new connection is told first."""

    @abstractmethod
    def begin(self, *, reading: bool) -> Sequence[str]:
        """
        Return what a transaction begins with.

        A writer sees what others committed before each of its statements, a reader all of one
        instant. How the server is set up makes no difference.
        """

    @abstractmethod
    def meaning(self, trouble: BaseException, place: Place) -> RetenderError | None:
        """Return an error of our own for what caller or operator can do something about."""

    def is_away(self, trouble: BaseException) -> bool:
        """Whether it says that it cannot serve now, so that its connection is of no use."""
        del trouble
        return False

    @abstractmethod
    def is_conflict(self, trouble: BaseException) -> bool:
        """Whether others were in the way: the transaction is undone, and may be done again."""

    def is_undone(self, trouble: BaseException) -> bool:
        """Whether a commit that ended like this has surely kept nothing."""
        return self.is_conflict(trouble)

    @abstractmethod
    def is_taken(self, trouble: BaseException | None) -> bool:
        """Whether it says that a uniqueness rule forbids a row, and nothing else."""

    @abstractmethod
    def wait_for_turn(self, connection: Connection, patience: timedelta) -> None:
        """Be the only one who upgrades, until the connection is closed or its work committed."""

    def shortcomings(self, connection: Connection) -> Sequence[str]:
        """Return what about the set-up would lose what was committed, or mix it up."""
        found = []
        for need in self.needs:
            value = str(connection.scalar(plain(need.query))).lower()
            if value not in need.good:
                found.append(f"{need.name} is {value}, not {need.good[0]}: {need.otherwise}")
        return found


def plain(statement: str) -> TextClause:
    """Return SQL as it stands; colons in it name no parameters."""
    return text(statement.replace(":", r"\:"))


def locked() -> StoreBusy:
    """Return the error for who waited too long, or was chosen to give way."""
    return StoreBusy("The database is locked by others at work; nothing was changed.")


def unreachable(place: Place, trouble: BaseException) -> StoreBusy:
    """Return the error for a connection that was not made, or broke before the commit."""
    nothing = "nothing was changed."
    return with_words(
        StoreBusy(f"The database cannot be reached; {nothing}"),
        f"The database {place} cannot be reached: {place.cause(trouble)}; {nothing}",
    )


def uncertain(place: Place, trouble: BaseException) -> StoreUncertain:
    """Return the error for a commit that was asked for, and never answered."""
    what = "while committing: it may or may not have been written; the same request again is safe."
    return with_words(
        StoreUncertain(f"The database was lost {what}"),
        f"The database {place} was lost ({place.cause(trouble)}) {what}",
    )


def full(place: Place) -> StoreFull:
    """Return the error for a database that finds no room to write."""
    nothing = "disk is full; nothing was changed."
    return with_words(StoreFull(f"The database's {nothing}"), f"The {place} database's {nothing}")


def lacks_tables() -> SetupError:
    """Return the error for a database that was never upgraded."""
    return SetupError("The database lacks a table of ours: run `retender db upgrade`.")
