"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMBLOB, MEDIUMTEXT

revision = "0001"
down_revision = None

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql")
_SEALED = sa.LargeBinary().with_variant(MEDIUMBLOB(), "mysql")


def upgrade() -> None:
    """Create all of them; what a later version changes is a step of its own."""
    _create_orders()
    _create_attempts()
    _create_refunds()
    _create_inbox()
    _create_incidents()
    _create_outbox()
    _create_story()


# MariaDB commits after every table and index, so each is made only if it is not there yet:
# a step that was interrupted goes on where it stopped.


def _table(name: str, *items: sa.schema.SchemaItem, **options: Any) -> None:  # noqa: ANN401 - handed on to Alembic
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(
            name,
            *items,
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin",
            **options,
        )


def _index(name: str, table: str, columns: list[str], **options: Any) -> None:  # noqa: ANN401 - handed on to Alembic
    there = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {index["name"] for index in there}:
        op.create_index(name, table, columns, **options)


def _serial() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("seq", number, autoincrement=True, nullable=False)


class _OnceWhere:
    """A partial unique index; in MariaDB, a generated column that is null elsewhere."""

    def __init__(self, table: str, rule: str, columns: list[str], size: int, where: str) -> None:
        self.table, self.rule, self.name = table, rule, f"{table}_{rule}"
        self.columns, self.size, self.where = columns, size, where

    def items(self) -> list[sa.schema.SchemaItem]:
        if op.get_bind().dialect.name != "mysql":
            return []
        *others, last = self.columns
        repeated = sa.Computed(f"CASE WHEN {self.where} THEN {last} END", persisted=True)
        return [
            sa.Column(self.rule, sa.String(self.size), repeated),
            sa.UniqueConstraint(*others, self.rule, name=op.f(self.name)),
        ]

    def create(self) -> None:
        if op.get_bind().dialect.name != "mysql":
            where = sa.text(self.where)
            _index(
                self.name,
                self.table,
                self.columns,
                unique=True,
                sqlite_where=where,
                postgresql_where=where,
            )


def _create_orders() -> None:
    one_new = _OnceWhere(
        "orders",
        "one_new_under_key",
        ["user_id", "order_key"],
        128,
        "state = 'NEW' AND order_key IS NOT NULL",
    )
    _table(
        "orders",
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("order_no", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("order_key", sa.String(128)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("shown_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("winner", sa.String(32)),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("orders_pk")),
        sa.UniqueConstraint("order_no", name=op.f("orders_order_no_once")),
        sa.UniqueConstraint("winner", name=op.f("orders_winner_once")),
        sa.CheckConstraint(
            "state IN ('NEW', 'EXPIRING', 'PAID', 'CLOSED')", name=op.f("orders_state_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("orders_amount_positive")),
        sa.CheckConstraint(
            "(state = 'PAID') = (winner IS NOT NULL)", name=op.f("orders_paid_by_winner")
        ),
        *one_new.items(),
    )
    one_new.create()
    _index("orders_by_deadline", "orders", ["state", "shown_until"])


def _create_attempts() -> None:
    one_winner = _OnceWhere("attempts", "one_winner", ["order_id"], 32, "state = 'SUCCEEDED'")
    one_payable = _OnceWhere(
        "attempts",
        "one_payable",
        ["order_id", "fingerprint"],
        64,
        "state IN ('CREATING', 'OPEN')",
    )
    _table(
        "attempts",
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("client_type", sa.String(64), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("page_kind", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("charge_details", sa.JSON(), nullable=False),
        sa.Column("watch_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sealed_page", _SEALED),
        sa.Column("page_until", sa.BigInteger()),
        sa.Column("asking_until", sa.BigInteger()),
        sa.Column("next_check_at", sa.BigInteger()),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger()),
        sa.Column("provider_trade_no", sa.String(255)),
        sa.Column("captured_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("attempts_pk")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("attempts_order_id_fk")
        ),
        sa.UniqueConstraint("order_id", "idx", name=op.f("attempts_order_id_idx_once")),
        sa.UniqueConstraint("account", "number", name=op.f("attempts_account_number_once")),
        sa.UniqueConstraint(
            "account", "provider_trade_no", name=op.f("attempts_account_provider_trade_no_once")
        ),
        sa.CheckConstraint(
            "state IN ('CREATING', 'OPEN', 'CLOSING', 'CLOSED', 'SUCCEEDED', 'REFUNDING', "
            "'REFUNDED', 'REFUND_STUCK')",
            name=op.f("attempts_state_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("attempts_amount_positive")),
        *one_winner.items(),
        *one_payable.items(),
    )
    one_winner.create()
    one_payable.create()
    _index("attempts_by_check", "attempts", ["next_check_at"])


def _create_refunds() -> None:
    one_automatic = _OnceWhere("refunds", "one_automatic", ["attempt_id"], 32, "cause != 'shop'")
    _table(
        "refunds",
        sa.Column("refund_no", sa.String(64), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
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
        sa.UniqueConstraint("number", name=op.f("refunds_number_once")),
        sa.CheckConstraint(
            "state IN ('DUE', 'SENT', 'DONE', 'STUCK')", name=op.f("refunds_state_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("refunds_amount_positive")),
        *one_automatic.items(),
    )
    one_automatic.create()
    _index("refunds_by_order", "refunds", ["order_id"])
    _index("refunds_by_attempt", "refunds", ["attempt_id"])
    _index("refunds_by_try", "refunds", ["next_try_at"])


def _create_inbox() -> None:
    _table(
        "inbox",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("event_key", sa.String(128), nullable=False),
        sa.Column("body_hash", sa.String(128), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "event_key", name=op.f("inbox_pk")),
    )


def _create_incidents() -> None:
    _table(
        "incidents",
        _serial(),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("number", _LONG_TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("incidents_pk")),
        sa.UniqueConstraint("incident_id", name=op.f("incidents_incident_id_once")),
        sqlite_autoincrement=True,
    )


def _create_outbox() -> None:
    _table(
        "outbox",
        _serial(),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("order_no", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name=op.f("outbox_pk")),
        sa.UniqueConstraint("event_id", name=op.f("outbox_event_id_once")),
        sa.UniqueConstraint("subject", "kind", name=op.f("outbox_subject_kind_once")),
        sqlite_autoincrement=True,
    )
    _index("outbox_by_sent", "outbox", ["sent_at", "seq"])
    _index("outbox_by_order", "outbox", ["order_no", "seq"])


def _create_story() -> None:
    _table(
        "story",
        _serial(),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", _LONG_TEXT, nullable=False),
        sa.Column("why", _LONG_TEXT, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("story_pk")),
        sqlite_autoincrement=True,
    )
    _index("story_by_order", "story", ["order_id", "seq"])
