"""Server: what the makes of database have in common that are one; they tell trouble by codes."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from retender.adapters.sql.place import Place
from retender.adapters.sql.server_kind import ServerKind, full, lacks_tables, locked, unreachable
from retender.domain.model.errors import RetenderError, SetupError


class Server(ServerKind):
    """
    A database that runs by itself, and may be away.

    Attributes:
        give_way: codes for who was in the way of others, or waited too long.
        no_room: codes for a disk that is full.
        away: codes for a server that cannot be reached now.
        broken: codes for what an operator must mend, with what is wrong.
        no_table: the code for a table that is not there.
        taken: the code for a uniqueness rule that forbids a row.

    """

    give_way: ClassVar[Mapping[str | int, str]]
    no_room: ClassVar[Mapping[str | int, str]]
    away: ClassVar[Mapping[str | int, str]]
    broken: ClassVar[Mapping[str | int, str]]
    no_table: ClassVar[str | int]
    taken: ClassVar[str | int]

    @abstractmethod
    def code(self, trouble: BaseException | None) -> str | int | None:
        """Return the server's own code for what went wrong, or None: it is not its word."""

    def meaning(self, trouble: BaseException, place: Place) -> RetenderError | None:
        """Sort by the server's own code."""
        if self.is_conflict(trouble):
            return locked()
        code = self.code(trouble)
        if code is None:
            return None
        if code in self.no_room:
            return full(place)
        if code in self.away:
            return unreachable(place, trouble)
        if code in self.broken:
            return SetupError(f"The database {place} {self.broken[code]}.")
        return lacks_tables() if code == self.no_table else None

    def is_away(self, trouble: BaseException) -> bool:
        """Whether the server told that it cannot serve now; its connection is of no use."""
        return self.code(trouble) in self.away

    def is_conflict(self, trouble: BaseException) -> bool:
        """Whether we were told to give way."""
        return self.code(trouble) in self.give_way

    def is_taken(self, trouble: BaseException | None) -> bool:
        """Whether a unique index says no."""
        return self.code(trouble) == self.taken
