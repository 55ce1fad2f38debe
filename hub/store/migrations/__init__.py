"""The control database's history, run by Alembic."""
