"""
The branch of the error tree about rows that are there and make no sense.

    StoreError
    └── RowUnreadable    another version or a hand wrote it; nothing is guessed
"""

from collections.abc import Mapping

from retender.domain.model.errors import StoreError


class RowUnreadable(StoreError):
    """
    A stored row cannot be read: another version of the software or a hand wrote it.

    It is never guessed what it meant. Nothing that depends on it is changed; a human is
    called, and what stands behind it goes on.

    Attributes:
        what: which kind of row it is: order, attempt, refund, capture, event or line of the story.
        key: its id: of a refund its number, of everything else our own id.
        why: what is wrong with it.
        facts: those of its columns that say whose it is, as far as they can be read:
            ``account``, ``number``, ``order_id``, ``order_no``.

    """

    code = "STORE_ROW_UNREADABLE"

    def __init__(
        self, what: str, key: str, why: str, facts: Mapping[str, str] | None = None
    ) -> None:
        """Name the row, and what is wrong with it."""
        super().__init__(
            f"The {what} {key} is stored in a form that cannot be read: {why.rstrip('.')}. "
            "Mend its row, or ask for help; until then it is left alone.",
            row=what,
            key=key,
        )
        self.what, self.key, self.why, self.facts = what, key, why, dict(facts or {})
