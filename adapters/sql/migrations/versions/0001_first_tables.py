"""
The first tables: what ``tables`` says.

No version is released yet, so there is one step, and it follows the code. The first
release writes it out in full; from then on, what changes is a step of its own.
"""

from alembic import op
from sqlalchemy import inspect

from retender.adapters.sql.tables import GENERATED, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """
    Create the tables, and what is missing of those that are there.

    MariaDB commits after every statement: a step that was interrupted goes on where it stopped.
    """
    bind = op.get_bind()
    there = set(inspect(bind).get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            table.create(bind)
            continue
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(bind, checkfirst=True)
        for rule in table.info.get(GENERATED, ()):
            rule.execute_if(dialect="mysql")(table, bind)
