"""Tables: what the database itself enforces, whatever code comes after."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects import mysql

from retender.adapters.sql.columns import (
    LONG_TEXT,
    SEALED,
    SERIAL,
    Details,
    Facts,
    Instant,
    Name,
    Words,
)
from retender.domain.model.attention import FOLDED, About, AttentionCode, Resolution
from retender.domain.model.client_type import Device
from retender.domain.model.event import EventKind
from retender.domain.model.order import EndReason, LatePayment
from retender.domain.model.page import PageKind
from retender.domain.model.refund import AUTOMATIC, RefundCause
from retender.domain.model.story_kind import StoryKind
from retender.domain.model.transition import (
    LIVE,
    PAYABLE,
    UNDER_WAY,
    AttemptState,
    OrderState,
    RefundState,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_once",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

ID = String(32)
NUMBER = String(64)
PROVIDER_NUMBER = String(255)


# SQLAlchemy takes the options of all dialects as one bag of anything.
INNODB: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",  # or one shop's order "a" would be another's "A"
}
"""What MariaDB must be told of every table."""


def _in(column: str, names: Iterable[StrEnum]) -> str:
    listed = ", ".join(f"'{name.value}'" for name in names)
    return f"{column} IN ({listed})"


def _one_of(column: str, names: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(_in(column, names), name=f"{column}_known")


def _has_partial_indexes(*_: object, dialect: Dialect, **__: object) -> bool:
    return dialect.name != "mysql"


GENERATED = "generated"
"""Under this name a table keeps what MariaDB is told after it is made; harmless twice."""


def _once_where(table: Table, rule: str, *columns: str, where: str) -> None:
    """
    Let the columns together be unique among the rows of which ``where`` is true.

    That is a partial index where there are such. MariaDB has none: there a column
    named after the rule repeats the last one where the condition holds, and is
    null, which is never equal to anything, where it does not.
    """
    name, condition = f"{table.name}_{rule}", text(where)
    partial = Index(
        name,
        *(table.c[column] for column in columns),
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )
    partial.ddl_if(callable_=_has_partial_indexes)
    *others, last = columns
    kind = table.c[last].type.compile(mysql.dialect())
    generated = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy left it without types
        f"ALTER TABLE {table.name} "
        f"ADD COLUMN IF NOT EXISTS {rule} {kind} AS (CASE WHEN {where} THEN {last} END) STORED, "
        f"ADD UNIQUE INDEX IF NOT EXISTS {name} ({', '.join([*others, rule])})"
    )
    table.info.setdefault(GENERATED, []).append(generated)
    event.listen(table, "after_create", generated.execute_if(dialect="mysql"))


OF = "of"
"""Under this name an index keeps on which databases it is, if not on all."""


def _waiting(table: Table, rule: str, since: str) -> None:
    """
    Index the rows that still wait, which have no ``since`` yet, in the order of writing.

    PostgreSQL does not see that rows of one NULL come out of an index in order: it needs one of
    these rows alone. MariaDB has no such index, and needs none.
    """
    alone = Index(rule, table.c.seq, postgresql_where=text(f"{since} IS NULL"))
    alone.ddl_if(dialect="postgresql").info[OF] = frozenset({"postgresql"})
    every = Index(f"{table.name}_by_{since}", table.c[since], table.c.seq)
    every.ddl_if(callable_=_is_not_postgresql).info[OF] = frozenset({"sqlite", "mysql"})


def _is_not_postgresql(*_: object, dialect: Dialect, **__: object) -> bool:
    return dialect.name != "postgresql"


orders = Table(
    "orders",
    metadata,
    Column("order_id", ID, primary_key=True),
    Column("order_no", NUMBER, nullable=False, unique=True),
    Column("user_id", String(128), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("order_key", String(128)),
    Column("created_at", Instant, nullable=False),
    Column("shown_until", Instant, nullable=False),
    Column("state", Name(OrderState), nullable=False),
    Column("winner", ID, unique=True),
    Column("end_reason", Name(EndReason)),
    Column("late_payment", Name(LatePayment)),
    Column("version", Integer, nullable=False),
    _one_of("state", OrderState),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("(state = 'PAID') = (winner IS NOT NULL)", name="paid_by_winner"),
    **INNODB,
)
_once_where(
    orders,
    "one_new_under_key",
    "user_id",
    "order_key",
    where=f"state = '{OrderState.NEW}' AND order_key IS NOT NULL",
)
Index("orders_by_deadline", orders.c.state, orders.c.shown_until, orders.c.order_id)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", ID, primary_key=True),
    Column("order_id", ForeignKey(orders.c.order_id), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("account", NUMBER, nullable=False),
    Column("fingerprint", NUMBER, nullable=False),
    Column("number", ID, nullable=False),
    Column("reference", PROVIDER_NUMBER),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("client_type", NUMBER, nullable=False),
    Column("device", Name(Device), nullable=False),
    Column("page_kind", Name(PageKind), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("charge_details", Details, nullable=False),
    Column("watch_until", Instant, nullable=False),
    Column("state", Name(AttemptState), nullable=False),
    Column("sealed_page", SEALED),
    Column("sealed_payer", SEALED),
    Column("page_until", Instant),
    Column("opened_at", Instant),
    Column("asking_until", Instant),
    Column("next_check_at", Instant),
    Column("checks", Integer, nullable=False),
    Column("leased_until", Instant),
    Column("provider_trade_no", PROVIDER_NUMBER),
    Column("captured_at", Instant),
    Column("told_back_minor", BigInteger),
    UniqueConstraint("order_id", "idx"),
    UniqueConstraint("account", "number"),
    UniqueConstraint("account", "reference"),
    UniqueConstraint("account", "provider_trade_no"),
    _one_of("state", AttemptState),
    CheckConstraint(f"next_check_at IS NULL OR {_in('state', LIVE)}", name="look_if_live"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    **INNODB,
)
_once_where(attempts, "one_winner", "order_id", where=f"state = '{AttemptState.SUCCEEDED}'")
_once_where(attempts, "one_payable", "order_id", "fingerprint", where=_in("state", PAYABLE))
# Null in all states but the live ones.
Index("attempts_by_check", attempts.c.next_check_at, attempts.c.attempt_id)
Index(
    "attempts_by_account_and_check",
    attempts.c.account,
    attempts.c.next_check_at,
    attempts.c.attempt_id,
)
Index("attempts_by_watch", attempts.c.state, attempts.c.watch_until, attempts.c.attempt_id)

refunds = Table(
    "refunds",
    metadata,
    Column("refund_no", NUMBER, primary_key=True),
    Column("number", ID, nullable=False),
    Column("order_id", ForeignKey(orders.c.order_id), nullable=False),
    Column("attempt_id", ForeignKey(attempts.c.attempt_id), nullable=False),
    Column("account", NUMBER, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("cause", Name(RefundCause), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Name(RefundState), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant),
    Column("leased_until", Instant),
    Column("provider_refund_no", PROVIDER_NUMBER),
    Column("problem", Words),
    Column("trade_no", PROVIDER_NUMBER),
    Column("sent_at", Instant),
    UniqueConstraint("account", "number"),
    _one_of("state", RefundState),
    CheckConstraint(f"next_try_at IS NULL OR {_in('state', UNDER_WAY)}", name="try_if_under_way"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    **INNODB,
)
_once_where(refunds, "one_automatic", "attempt_id", where=_in("cause", AUTOMATIC))
Index("refunds_by_order", refunds.c.order_id)
Index("refunds_by_attempt", refunds.c.attempt_id)
Index("refunds_by_try", refunds.c.next_try_at, refunds.c.refund_no)
Index("refunds_by_account_and_try", refunds.c.account, refunds.c.next_try_at, refunds.c.refund_no)
Index("refunds_by_state", refunds.c.state, refunds.c.created_at, refunds.c.refund_no)

captures = Table(
    "captures",
    metadata,
    Column("account", NUMBER, primary_key=True),
    Column("provider_trade_no", PROVIDER_NUMBER, primary_key=True),
    Column("attempt_id", ForeignKey(attempts.c.attempt_id), nullable=False),
    Column("order_id", ID, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("found_at", Instant, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    **INNODB,
)
Index("captures_by_order", captures.c.order_id)

inbox = Table(
    "inbox",
    metadata,
    Column("account", NUMBER, primary_key=True),
    Column("event_key", String(128), primary_key=True),
    Column("body_hash", String(128), nullable=False),
    Column("received_at", Instant, nullable=False),
    **INNODB,
)

attention = Table(
    "attention",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("attention_id", NUMBER, nullable=False, unique=True),
    Column("code", Name(AttentionCode), nullable=False),
    Column("account", NUMBER, nullable=False),
    Column("number", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", NUMBER, nullable=False),
    Column("data", Facts, nullable=False),
    Column("about", Name(About)),
    Column("subject", NUMBER),
    Column("order_no", NUMBER),
    Column("ended_at", Instant),
    Column("resolution", Name(Resolution)),
    Column("ended_why", Words),
    Column("ended_by", NUMBER),
    sqlite_autoincrement=True,
    **INNODB,
)
_once_where(
    attention,
    "one_open",
    "subject",
    "code",
    where=f"ended_at IS NULL AND {_in('code', FOLDED)}",
)
_waiting(attention, "attention_open", "ended_at")
Index("attention_by_subject", attention.c.subject)
Index("attention_by_order", attention.c.order_no)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("event_id", ID, nullable=False, unique=True),
    Column("kind", Name(EventKind), nullable=False),
    Column("subject", NUMBER, nullable=False),
    Column("order_no", NUMBER, nullable=False),
    Column("at", Instant, nullable=False),
    Column("data", Facts, nullable=False),
    Column("sent_at", Instant),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", Instant),
    Column("leased_until", Instant),
    UniqueConstraint("subject", "kind"),
    sqlite_autoincrement=True,
    **INNODB,
)
_waiting(outbox, "outbox_untold", "sent_at")
Index("outbox_by_order", outbox.c.order_no, outbox.c.seq)

story = Table(
    "story",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    # No foreign key: checking it would lock the order, and whoever holds an
    # attempt and only then waits for its order waits for ever (see SqlUnitOfWork).
    Column("order_id", ID, nullable=False),
    Column("attempt_id", ID),
    Column("at", Instant, nullable=False),
    Column("kind", Name(StoryKind), nullable=False),
    Column("facts", LONG_TEXT, nullable=False),
    sqlite_autoincrement=True,
    **INNODB,
)
Index("story_by_order", story.c.order_id, story.c.seq)
