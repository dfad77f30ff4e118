"""Run by alembic: applies the migrations on the connection that `indexer.migrate` hands over."""

from alembic import context

from indexer.catalogue import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
