"""Alembic's entry: runs the steps on the connection it was given, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from douane.store.migrations import comparison

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,
    transactional_ddl=True,
    **comparison(),
)
context.run_migrations()
