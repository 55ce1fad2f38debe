"""What is kept beside the log: witnesses, keys, archives, subjects, withdrawals, usage, feedback and alerts."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables."""
