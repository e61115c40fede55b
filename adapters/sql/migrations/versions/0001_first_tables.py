"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all of them; what a later version changes is a step of its own."""
    _create_orders()
    _create_attempts()
    _create_refunds()
    _create_inbox()
    _create_incidents()
    _create_outbox()
    _create_story()


def _serial() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("seq", number, autoincrement=True, nullable=False)


def _once_where(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition
    )


def _create_orders() -> None:
    op.create_table(
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
    )
    _once_where(
        "orders_one_new_under_key",
        "orders",
        ["user_id", "order_key"],
        "state = 'NEW' AND order_key IS NOT NULL",
    )
    op.create_index("orders_by_deadline", "orders", ["state", "shown_until"])


def _create_attempts() -> None:
    op.create_table(
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
        sa.Column("sealed_page", sa.LargeBinary()),
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
    )
    _once_where("attempts_one_winner", "attempts", ["order_id"], "state = 'SUCCEEDED'")
    _once_where(
        "attempts_one_payable",
        "attempts",
        ["order_id", "fingerprint"],
        "state IN ('CREATING', 'OPEN')",
    )
    op.create_index("attempts_by_check", "attempts", ["next_check_at"])


def _create_refunds() -> None:
    op.create_table(
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
        sa.Column("problem", sa.Text()),
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
    )
    _once_where("refunds_one_automatic", "refunds", ["attempt_id"], "cause != 'shop'")
    op.create_index("refunds_by_order", "refunds", ["order_id"])
    op.create_index("refunds_by_attempt", "refunds", ["attempt_id"])
    op.create_index("refunds_by_try", "refunds", ["next_try_at"])


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("event_key", sa.String(128), nullable=False),
        sa.Column("body_hash", sa.String(128), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "event_key", name=op.f("inbox_pk")),
    )


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        _serial(),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("incidents_pk")),
        sa.UniqueConstraint("incident_id", name=op.f("incidents_incident_id_once")),
        sqlite_autoincrement=True,
    )


def _create_outbox() -> None:
    op.create_table(
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
    op.create_index("outbox_by_sent", "outbox", ["sent_at", "seq"])
    op.create_index("outbox_by_order", "outbox", ["order_no", "seq"])


def _create_story() -> None:
    op.create_table(
        "story",
        _serial(),
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("story_pk")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("story_order_id_fk")),
        sqlite_autoincrement=True,
    )
    op.create_index("story_by_order", "story", ["order_id", "seq"])
