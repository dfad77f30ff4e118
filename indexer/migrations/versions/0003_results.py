"""Results of evaluations say which model, set, instruction and cost they belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("model", "digest", "instruction"):
        op.add_column("evaluation", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("evaluation", sa.Column("cost", sa.JSON(), nullable=True))
