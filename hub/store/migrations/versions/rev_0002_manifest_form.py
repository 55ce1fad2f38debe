"""The JSON form of manifests; those in force get theirs here, so that the next start is a fast one."""

from __future__ import annotations

import json
import tomllib

from alembic import op
from sqlalchemy import Column, Integer, Text, bindparam, column, select, table

revision = "0002"
down_revision = "0001"

_manifest = table("catalog_manifest", column("id", Integer), column("text", Text), column("form", Text))
_snapshot = table("catalog_snapshot", column("number", Integer), column("manifests", Text))


def upgrade() -> None:
    """Adds the column."""
    op.add_column("catalog_manifest", Column("form", Text))
    connection = op.get_bind()
    last = connection.execute(select(_snapshot.c.manifests).order_by(_snapshot.c.number.desc()).limit(1)).scalar()
    for number in json.loads(last).values() if last else ():
        text = connection.execute(select(_manifest.c.text).where(_manifest.c.id == number)).scalar_one()
        form = _form(text)
        connection.execute(_manifest.update().where(_manifest.c.id == bindparam("number")).values(form=bindparam("made")), {"number": number, "made": form})


def _form(text: str) -> str | None:
    content = tomllib.loads(text)
    try:
        form = json.dumps(content, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return form if json.loads(form) == content else None
