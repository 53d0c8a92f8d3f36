"""What Alembic runs around the scripts; the connection comes from run_scripts."""

from typing import Any

from alembic import context

from visil_dash.library.catalogue import note_version, schema_version
from visil_dash.library.tables import metadata


def _note(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """Keeps `migrations` the record of the schema: by it an older program knows a newer library."""
    number = int(step.up_revision_id)
    if schema_version(ctx.connection) < number:
        note_version(ctx.connection, number)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    on_version_apply=_note,
)
with context.begin_transaction():
    context.run_migrations()
