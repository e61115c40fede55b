"""What Alembic runs for every command: our steps, on the connection that ``schema`` opened."""

from alembic import context

from retender.adapters.sql.schema import VERSION_TABLE
from retender.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
