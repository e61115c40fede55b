"""What is true of our database after every commit, whoever dies in which moment."""

import re
import sqlite3
from collections.abc import Sequence
from functools import cache

_LIVE = "('CREATING', 'OPEN', 'CLOSING')"

# One transaction makes each of these true, so that no moment is between its halves.
_RULES = {
    "is PAID, and its winner has not SUCCEEDED": """
        orders JOIN attempts ON attempt_id = winner WHERE attempts.state != 'SUCCEEDED'""",
    "is PAID, and nobody will be told": """
        orders WHERE state = 'PAID' AND order_no NOT IN (
            SELECT order_no FROM outbox WHERE kind = 'order.paid')""",
    "keeps money of an attempt that is not its winner": """
        attempts JOIN orders USING (order_id)
        WHERE attempts.state = 'SUCCEEDED' AND attempt_id IS NOT winner""",
    "is PAID, and the shop wanted no money any more": """
        orders WHERE state = 'PAID' AND late_payment = 'refund'""",
    "is CLOSED, and a page of it may live": f"""
        attempts JOIN orders USING (order_id)
        WHERE attempts.state IN {_LIVE} AND orders.state = 'CLOSED'""",
    "has an attempt that nobody will ask after": f"""
        attempts JOIN orders USING (order_id)
        WHERE attempts.state IN {_LIVE} AND next_check_at IS NULL""",
    "has a surplus, and no refund of all of it is written down": """
        attempts JOIN orders USING (order_id)
        WHERE attempts.state LIKE 'REFUND%' AND NOT EXISTS (
            SELECT 1 FROM refunds WHERE refunds.attempt_id = attempts.attempt_id
            AND cause NOT IN ('shop', 'external', 'further')
            AND refunds.amount_minor = attempts.amount_minor)""",
    "has a refund that nobody will send or ask after": """
        refunds JOIN orders USING (order_id)
        WHERE refunds.state IN ('DUE', 'SENT', 'DOUBTED') AND next_try_at IS NULL""",
    "gives back by itself what pays it": """
        refunds JOIN orders USING (order_id)
        WHERE cause NOT IN ('shop', 'external', 'further') AND attempt_id = winner""",
    "gives back a further capture that it does not know of": """
        refunds JOIN orders USING (order_id)
        WHERE cause = 'further' AND trade_no NOT IN (
            SELECT provider_trade_no FROM captures WHERE captures.account = refunds.account)""",
    "gives back more than was taken": """
        attempts JOIN orders USING (order_id) JOIN (
            SELECT attempt_id, sum(amount_minor) AS minor FROM refunds
            WHERE state IN ('DUE', 'SENT', 'DOUBTED', 'DONE')
            AND cause NOT IN ('external', 'further') GROUP BY attempt_id) USING (attempt_id)
        WHERE minor > attempts.amount_minor""",
}
_BROKEN = " UNION ALL ".join(
    f"SELECT order_no, '{what}' AS what FROM {where}"  # noqa: S608 - words of ours
    for what, where in _RULES.items()
)


_TABLES = "orders|attempts|refunds|captures|outbox"
_COLUMNS = "state|late_payment|winner|next_check_at|next_try_at|amount_minor|cause|trade_no|kind"
_CONCERNS = re.compile(rf"(INSERT INTO|DELETE FROM) ({_TABLES})\b|\b({_COLUMNS})\s*=")


@cache
def may_break(statement: str) -> bool:
    """Tell whether a statement writes what the rules are about; half of all commits do not."""
    return _CONCERNS.search(statement) is not None


def broken(books: sqlite3.Cursor) -> Sequence[str]:
    """Say of each order what is not as it must be now."""
    return [f"{order_no}: {what}" for order_no, what in books.execute(_BROKEN)]
