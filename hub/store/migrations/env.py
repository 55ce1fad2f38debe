"""What Alembic runs: the revisions, on the connection that :mod:`hub.store.migrate` hands over, in one transaction."""

from __future__ import annotations

from alembic import context

from hub.store.base import metadata

# SQLite's schema changes are transactional once the driver is kept from committing by itself, which hub.store.engine sees to.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
