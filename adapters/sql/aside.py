"""Which orders are set aside: a row that they need cannot be read, and a human is called."""

from sqlalchemy import exists

from retender.adapters.sql.leases import among
from retender.adapters.sql.tables import attention, orders
from retender.domain.model.attention import AttentionCode

SET_ASIDE = exists().where(
    attention.c.subject == orders.c.order_id,
    attention.c.ended_at.is_(None),
    among(attention.c.code, [AttentionCode.ROW_UNREADABLE]),
)
"""Of an order: it holds up no other while the call is open, and nobody is late with it."""
