"""How long the transport waits, and how much it takes."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """
    A limit on everything, since the other side may be slow, chatty or hostile.

    Attributes:
        connect_within: to get a connection: from the pool, or by TCP and TLS.
        read_within: between two pieces of the answer, and of the request.
        answer_within: for the whole exchange, however steadily it drips.
        connections_max: at once, to all hosts of one account together.
        body_max_bytes: of an answer; bills are the longest.

    """

    connect_within: timedelta = timedelta(seconds=1)
    read_within: timedelta = timedelta(seconds=5)
    answer_within: timedelta = timedelta(seconds=10)
    connections_max: int = 50
    body_max_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could ever be answered."""
        for name in ("connect_within", "read_within", "answer_within"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name} must be longer than nothing")
        if self.connections_max < 1 or self.body_max_bytes < 1:
            raise ValueError("connections_max and body_max_bytes must be at least 1")
