"""The schema at which the numbered migrations ended, from whichever of them is there."""

from alembic import op

from visil_dash.library.catalogue import apply_numbered, schema_version
from visil_dash.library.tables import MIGRATIONS, migrations

revision = "0007"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    migrations.create(connection, checkfirst=True)
    for number in range(schema_version(connection) + 1, len(MIGRATIONS) + 1):
        apply_numbered(connection, number)
