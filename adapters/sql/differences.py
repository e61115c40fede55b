"""``differences``: where a database's tables are not those that this version needs, in words."""

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Table, inspect

from retender.adapters.sql.tables import OF, metadata


def differences(connection: Connection) -> tuple[str, ...]:
    """
    Return what is missing, too much or different; nothing: all is as it should be.

    Tables of others in the same database are no business of ours. A database of
    an older or newer schema is not to be compared: it is to be upgraded.
    """
    here = connection.dialect.name

    def is_of_here(thing: Any, _: object, kind: str, reflected: bool, __: object) -> bool:  # noqa: ANN401, FBT001 - as Alembic calls it
        return kind != "index" or reflected or here in thing.info.get(OF, {here})

    options = {"include_name": _is_ours, "include_object": is_of_here}
    context = MigrationContext.configure(connection, opts=options)
    found = compare_metadata(context, metadata)
    told = [word for change in found for word in _told(change)]
    if connection.dialect.name == "mysql":
        rules = {name for table in metadata.sorted_tables for name in _partial(table)}
        told = [word for word in told if not any(rule in word for rule in rules)]
    return (*told, *_lost_rules(connection))


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in metadata.tables


def _partial(table: Table) -> Iterator[str]:
    """Name the table's partial unique indexes, and so what stands in for them in MariaDB."""
    for index in table.indexes:
        if index.unique:
            yield str(index.name).removeprefix(f"{table.name}_")


def _told(change: Any) -> Iterator[str]:  # noqa: ANN401 - Alembic's: a tuple, or a list of such
    """Say a change that Alembic would make in words."""
    if isinstance(change, list):
        for each in change:
            yield from _told(each)
        return
    verb, *facts = change
    do, _, kind = verb.partition("_")
    if do == "modify":
        _, table, column, *_, is_now, should_be = facts
        yield f"{table}.{column}: its {kind} is {is_now!s}, and should be {should_be!s}"
        return
    thing = facts[-1]
    table = getattr(thing, "table", None)
    place = thing.name if table is None else f"{table.name}.{thing.name}"
    yield f"{kind} {place} {'is missing' if do == 'add' else 'is not ours'}"


def _lost_rules(connection: Connection) -> Iterator[str]:
    """Tell by name what Alembic does not look at: checks, and MariaDB's stand-ins for indexes."""
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue  # and that was said
        checks = {each["name"] for each in inspector.get_check_constraints(table.name)}
        for rule in table.constraints:
            if isinstance(rule, CheckConstraint) and rule.name not in checks:
                yield f"check {table.name}.{rule.name} is missing"
        if connection.dialect.name == "mysql":
            unique = {each["name"] for each in inspector.get_unique_constraints(table.name)}
            for name in _partial(table):
                if f"{table.name}_{name}" not in unique:
                    yield f"unique constraint {table.name}.{table.name}_{name} is missing"
