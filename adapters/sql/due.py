"""What is due, in SQL: found by the index of its time, and leased, the most overdue first."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, select

from retender.adapters.sql.leases import MOST, NOW, is_free, its, of_accounts
from retender.adapters.sql.tables import attempts, refunds

# Only live attempts have a next look, and only refunds under way a next try: the tables say so. A
# condition on the state as well would let a planner expect so few rows that it sorts all of them.
_AT = {attempts: attempts.c.next_check_at, refunds: refunds.c.next_try_at}
_KEY = {attempts: attempts.c.attempt_id, refunds: refunds.c.refund_no}


def is_due(table: Table) -> ColumnElement[bool]:
    """Rows whose time has come, and that nobody holds."""
    return and_(_AT[table] <= its(NOW), is_free(table))


@cache
def due(table: Table, *, one: bool, but: bool) -> Select[Any]:
    """Return the keys of what is due; of one account, or of all but some."""
    return (
        select(_KEY[table])
        .where(is_due(table), *of_accounts(table.c.account, one=one, but=but))
        .order_by(_AT[table], _KEY[table])
        .limit(its(MOST))
    )


@cache
def claim(table: Table, *, one: bool, but: bool) -> Select[Any]:
    """Return the same, but for what others are claiming at this moment; the rows are locked."""
    return due(table, one=one, but=but).with_for_update(skip_locked=True)
