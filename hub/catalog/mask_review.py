"""What an import does to masks, told with its review and its publication; what masks less is published only as it was reviewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.catalog.build import build_part
from hub.catalog.forms import read_stored
from hub.catalog.mask_changes import WEAKER, MaskChange, mask_changes
from hub.catalog.problems import Problem, Refused
from hub.catalog.tables import manifest, snapshot
from schema.model import Resource

_WAITING = ("IMPORTED", "APPROVED")
_LARGEST = 2**31 - 1
_OVERTAKEN = Problem("CONFLICT", "办理期间目录已变更 the catalog was changed in the meantime", "请重新办理 do it again", "id")
_REVIEWED_AGAINST_ANOTHER = Problem(
    "CONFLICT",
    "审核之后该部门发布了另一份清单，发布本清单会放宽脱敏 another manifest of the department was published since the review, and this one would mask less",
    "请重新导入并审核 import it again and have it reviewed",
    "id",
)


def changes_of(connection: Connection, manifest_id: int) -> tuple[MaskChange, ...]:
    """What publishing an import would do to masks now; empty where it does not wait for that, and for a department's first manifest."""
    columns = select(manifest.c.department, manifest.c.state)
    row = connection.execute(columns.where(manifest.c.id == manifest_id)).first() if manifest_id <= _LARGEST else None
    base = _base(connection, row.department) if row is not None and row.state in _WAITING else None
    if row is None or base is None:
        return ()
    return mask_changes(row.department, _resources(connection, base), _resources(connection, manifest_id))


def check_told(connection: Connection, manifest_id: int, changes: tuple[MaskChange, ...]) -> None:
    """Refuses an act in whose entry stand other changes than those that it makes.

    Raises:
        Refused: ``CONFLICT``.
    """
    if changes_of(connection, manifest_id) != changes:
        raise Refused(_OVERTAKEN)


def check_reviewed(connection: Connection, row: Row[Any], changes: tuple[MaskChange, ...]) -> None:
    """As :func:`check_told`; and what masks less must have been before the reviewer, against the manifest that is in force still. ``row`` is the import's.

    Raises:
        Refused: ``CONFLICT``.
    """
    check_told(connection, row.id, changes)
    weaker = any(change.kind in WEAKER for change in changes)
    if weaker and _base(connection, row.department, row.reviewed_at) != _base(connection, row.department):
        raise Refused(_REVIEWED_AGAINST_ANOTHER)


def _base(connection: Connection, owner: str, at: datetime | None = None) -> int | None:
    """The department's manifest in force, at a moment or now."""
    statement = select(snapshot.c.manifests).order_by(snapshot.c.number.desc()).limit(1)
    last = connection.execute(statement if at is None else statement.where(snapshot.c.published_at <= at)).scalar()
    found: int | None = json.loads(last).get(owner) if last else None
    return found


def _resources(connection: Connection, manifest_id: int) -> Mapping[str, Resource]:
    row = connection.execute(select(manifest.c.text, manifest.c.form).where(manifest.c.id == manifest_id)).one()
    return build_part(read_stored(row.text, row.form)).resources
