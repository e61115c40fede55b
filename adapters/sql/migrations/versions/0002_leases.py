"""A refund names its account, and who tells an event leases it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0002"
down_revision = "0001"

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change two tables; refunds get the account of their attempt."""
    if op.get_bind().dialect.name == "sqlite":
        _remake_refunds()
        _remake_outbox()
    else:
        _change_refunds()
        _change_outbox()
    _index("attempts_by_account_and_check", "attempts", ["account", "next_check_at"])
    _index("refunds_by_account_and_try", "refunds", ["account", "next_try_at"])


# As in 0001: MariaDB commits after every change, so each is made only where it is not there yet.


def _index(name: str, table: str, columns: list[str]) -> None:
    there = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {index["name"] for index in there}:
        op.create_index(name, table, columns)


def _add(table: str, column: sa.Column[object]) -> None:
    there = sa.inspect(op.get_bind()).get_columns(table)
    if column.name not in {each["name"] for each in there}:
        op.add_column(table, column)


def _change_refunds() -> None:
    _add("refunds", sa.Column("account", sa.String(64)))
    op.execute(
        "UPDATE refunds SET account = (SELECT attempts.account FROM attempts "
        "WHERE attempts.attempt_id = refunds.attempt_id)"
    )
    op.alter_column("refunds", "account", existing_type=sa.String(64), nullable=False)
    rules = {rule["name"] for rule in sa.inspect(op.get_bind()).get_unique_constraints("refunds")}
    if "refunds_account_number_once" not in rules:
        op.create_unique_constraint(
            op.f("refunds_account_number_once"), "refunds", ["account", "number"]
        )
    if "refunds_number_once" in rules:
        op.drop_constraint(op.f("refunds_number_once"), "refunds", type_="unique")


def _change_outbox() -> None:
    _add("outbox", sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")))
    _add("outbox", sa.Column("next_try_at", sa.BigInteger()))
    _add("outbox", sa.Column("leased_until", sa.BigInteger()))


# SQLite cannot change a constraint: a new table takes the old one's place, in one transaction.


def _remake_refunds() -> None:
    for index in ("one_automatic", "by_order", "by_attempt", "by_try"):
        op.drop_index(f"refunds_{index}", "refunds")
    op.rename_table("refunds", "refunds_0001")
    op.create_table(
        "refunds",
        sa.Column("refund_no", sa.String(64), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger()),
        sa.Column("leased_until", sa.BigInteger()),
        sa.Column("provider_refund_no", sa.String(255)),
        sa.Column("problem", _LONG_TEXT),
        sa.PrimaryKeyConstraint("refund_no", name=op.f("refunds_pk")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("refunds_order_id_fk")
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("refunds_attempt_id_fk")
        ),
        sa.UniqueConstraint("account", "number", name=op.f("refunds_account_number_once")),
        sa.CheckConstraint(
            "state IN ('DUE', 'SENT', 'DONE', 'STUCK')", name=op.f("refunds_state_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("refunds_amount_positive")),
    )
    kept = (
        "refund_no, number, order_id, attempt_id, amount_minor, currency, cause, reason, "
        "created_at, state, tries, next_try_at, leased_until, provider_refund_no, problem"
    )
    op.execute(
        f"INSERT INTO refunds ({kept}, account) "  # noqa: S608 - names of ours
        f"SELECT {kept}, (SELECT attempts.account FROM attempts "
        "WHERE attempts.attempt_id = refunds_0001.attempt_id) FROM refunds_0001"
    )
    op.drop_table("refunds_0001")
    where = sa.text("cause != 'shop'")
    op.create_index(
        "refunds_one_automatic", "refunds", ["attempt_id"], unique=True, sqlite_where=where
    )
    op.create_index("refunds_by_order", "refunds", ["order_id"])
    op.create_index("refunds_by_attempt", "refunds", ["attempt_id"])
    op.create_index("refunds_by_try", "refunds", ["next_try_at"])


def _remake_outbox() -> None:
    for index in ("by_sent", "by_order"):
        op.drop_index(f"outbox_{index}", "outbox")
    op.rename_table("outbox", "outbox_0001")
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("order_no", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_try_at", sa.BigInteger()),
        sa.Column("leased_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name=op.f("outbox_pk")),
        sa.UniqueConstraint("event_id", name=op.f("outbox_event_id_once")),
        sa.UniqueConstraint("subject", "kind", name=op.f("outbox_subject_kind_once")),
        sqlite_autoincrement=True,
    )
    kept = "seq, event_id, kind, subject, order_no, at, data, sent_at"
    op.execute(f"INSERT INTO outbox ({kept}) SELECT {kept} FROM outbox_0001")  # noqa: S608 - ours
    op.drop_table("outbox_0001")
    op.create_index("outbox_by_sent", "outbox", ["sent_at", "seq"])
    op.create_index("outbox_by_order", "outbox", ["order_no", "seq"])
