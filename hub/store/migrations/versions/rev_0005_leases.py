"""Which server runs an exchange job, and until when others leave it alone."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the columns."""
    op.add_column("exchange", Column("node", Text))
    op.add_column("exchange", Column("held_until", Text))
