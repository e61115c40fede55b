"""
The order of locks: order, attempt, refund.

A transaction that takes two locks in another order than a second one waits for it, while that
one waits for the first: one of both is undone. So each use case takes them in one order, and
every test of the core watches that it does.
"""

from typing import Any

_ORDER, _REFUND, _ATTEMPT = range(3)

LOCKS = {
    "orders": {"hold", "hold_new", "move"},
    "attempts": {
        "move",
        "claim_asking",
        "keep_page",
        "fill_in",
        "hear_total",
        "forget_total",
        "claim_closing",
        "take_back",
        "release_asking",
        "reschedule",
    },
    "refunds": {"move", "reschedule", "put_off"},
}
"""What locks a row until its transaction's end, by what it is a row of."""

RANK = {"orders": _ORDER, "attempts": _ATTEMPT, "refunds": _REFUND}


class LocksTaken(AssertionError):
    """Locks were taken in another order than all others take them."""


class OrderedWork:
    """A transaction that fails where a lock is taken in the wrong order."""

    def __init__(self, work: Any) -> None:
        """Watch this one."""
        self.work = work
        self.taken: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        """Return a part of the transaction, watched if its rows are locked."""
        part = getattr(self.work, name)
        return _OrderedPart(self, name, part) if name in LOCKS else part

    def take(self, rows: str, key: str, deed: str) -> None:
        """Note a lock; one that is held already is free."""
        if (rows, key) in self.taken:
            return
        later = [name for name, _ in self.taken if RANK[name] > RANK[rows]]
        if later:
            held = ", ".join(sorted(set(later)))
            raise LocksTaken(f"{rows}.{deed} locks a row of {rows} while it holds one of {held}")
        self.taken.append((rows, key))


class _OrderedPart:
    """Orders, attempts or refunds of one transaction."""

    def __init__(self, whole: OrderedWork, rows: str, part: Any) -> None:
        self._whole, self._rows, self._part = whole, rows, part

    def __getattr__(self, name: str) -> Any:
        deed = getattr(self._part, name)
        if name not in LOCKS[self._rows]:
            return deed

        async def locking(key: str, *args: Any, **more: Any) -> Any:
            self._whole.take(self._rows, key, name)
            return await deed(key, *args, **more)

        return locking
