"""Which orders are set aside: a row that they need cannot be read, and a human is called."""

from sqlalchemy import exists

from retender.adapters.sql.leases import among
from retender.adapters.sql.tables import incidents, orders
from retender.domain.model.incident import IncidentCode

SET_ASIDE = exists().where(
    incidents.c.subject == orders.c.order_id,
    incidents.c.ended_at.is_(None),
    among(incidents.c.code, [IncidentCode.ROW_UNREADABLE]),
)
"""Of an order: it holds up no other while the call is open, and nobody is late with it."""
