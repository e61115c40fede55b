"""An incident says what it is about and how it ended; what is under way for long is found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0003"
down_revision = "0002"

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ONE_OPEN = (
    "ended_at IS NULL AND code IN "
    "('UNKNOWN_TOO_LONG', 'REFUND_TOO_LONG', 'REFUND_STUCK', 'UNTOLD_TOO_LONG')"
)


def upgrade() -> None:
    """Change the incidents; give them, the attempts and the refunds their indexes."""
    if op.get_bind().dialect.name == "sqlite":
        _remake_incidents()
    else:
        for column in _columns():
            _add("incidents", column)
    _let_one_be_open()
    _index("incidents_by_end", "incidents", ["ended_at", "seq"])
    _index("incidents_by_subject", "incidents", ["subject"])
    _index("incidents_by_order", "incidents", ["order_no"])
    _index("attempts_by_watch", "attempts", ["state", "watch_until"])
    _index("refunds_by_state", "refunds", ["state", "created_at"])


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("about", sa.String(32)),
        sa.Column("subject", sa.String(64)),
        sa.Column("order_no", sa.String(64)),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("resolution", sa.String(32)),
        sa.Column("ended_why", _LONG_TEXT),
        sa.Column("ended_by", sa.String(64)),
    ]


# As in 0001: MariaDB commits after every change, so each is made only where it is not there yet.


def _index(name: str, table: str, columns: list[str]) -> None:
    there = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {index["name"] for index in there}:
        op.create_index(name, table, columns)


def _add(table: str, column: sa.Column[object]) -> None:
    there = sa.inspect(op.get_bind()).get_columns(table)
    if column.name not in {each["name"] for each in there}:
        op.add_column(table, column)


def _let_one_be_open() -> None:
    """Of our own calls, let one of each code be open for a subject."""
    name = "incidents_one_open"
    if op.get_bind().dialect.name != "mysql":
        where = sa.text(_ONE_OPEN)
        op.create_index(
            name,
            "incidents",
            ["subject", "code"],
            unique=True,
            sqlite_where=where,
            postgresql_where=where,
        )
        return
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("incidents")}
    if "one_open" not in there:
        op.execute(
            f"ALTER TABLE incidents ADD COLUMN one_open VARCHAR(32) "
            f"AS (CASE WHEN {_ONE_OPEN} THEN code END) STORED, "
            f"ADD CONSTRAINT {name} UNIQUE (subject, one_open)"
        )


def _remake_incidents() -> None:
    """SQLite adds no columns in the middle: a new table takes the old one's place."""
    op.rename_table("incidents", "incidents_0002")
    op.create_table(
        "incidents",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("number", _LONG_TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("seq", name=op.f("incidents_pk")),
        sa.UniqueConstraint("incident_id", name=op.f("incidents_incident_id_once")),
        sqlite_autoincrement=True,
    )
    kept = "seq, incident_id, code, account, number, at, source, data"
    op.execute(
        f"INSERT INTO incidents ({kept}) SELECT {kept} FROM incidents_0002"  # noqa: S608 - ours
    )
    op.drop_table("incidents_0002")
