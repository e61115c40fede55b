"""
The branch of the error tree about what waits for a human.

    AttentionError
    ├── AttentionNotExist    no such id
    ├── AttentionEnded       somebody was faster, or it came to its end by itself
    └── ResolutionRefused   not a way to end this one, or not yet; says what is
"""

from collections.abc import Iterable

from retender.domain.model.errors import RetenderError


class AttentionError(RetenderError):
    """An attention item cannot be ended like this."""


class AttentionNotExist(AttentionError):
    """No attention item bears this id."""

    code = "ATTENTION_NOT_EXIST"

    def __init__(self, attention_id: str) -> None:
        """Repeat the id."""
        super().__init__(f"There is no attention item {attention_id[:64]!r}.")


class AttentionEnded(AttentionError):
    """It waits no more: somebody was faster, or it came to its end by itself."""

    code = "ATTENTION_ENDED"

    def __init__(self, attention_id: str, resolution: str, by: str) -> None:
        """Say how it ended, and by whom."""
        super().__init__(
            f"AttentionItem {attention_id} has ended already: {resolution}, by {by}.",
            attention_id=attention_id,
            resolution=resolution,
            by=by,
        )


class ResolutionRefused(AttentionError):
    """This is no way to end this attention item, or not yet; says why, and what is."""

    code = "RESOLUTION_REFUSED"

    def __init__(self, resolution: str, why: str, possible: Iterable[str]) -> None:
        """Say why not, and list what is possible."""
        ways = list(possible)
        super().__init__(
            f"It cannot be ended as {resolution}: {why}. Possible: {', '.join(ways) or 'nothing'}.",
            resolution=resolution,
            possible=ways,
        )
