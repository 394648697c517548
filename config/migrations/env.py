"""Alembic's entry: the connection always comes from `migrate`, inside its transaction."""

from alembic import context

from config.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
