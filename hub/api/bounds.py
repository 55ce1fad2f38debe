"""What of a governance query's answer its caller may see: everything, the own department's part, or that of own applications."""

from __future__ import annotations

from dataclasses import dataclass

from hub.api.context import Context
from hub.catalog.scopes import OWNER
from hub.people.permissions import Reach, reach
from schema.faults import Code, Fault

MOST_READINGS = 8
"""Dry runs, previews and diffs in one document."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``department`` and ``applications`` are the caller's: names, and the same ones' client ids."""

    reach: Reach | None
    department: str
    applications: frozenset[str]
    client_ids: tuple[str, ...]

    def department_is_seen(self, code: str) -> bool:
        """Whether what belongs to a department as a whole is shown."""
        return self.reach is Reach.ALL or (self.reach is Reach.DEPARTMENT and code == self.department)

    def is_seen(self, application: str, department: str) -> bool:
        """Whether a thing of an application is shown; ``department`` is the one whose thing it is as well: a resource's, for a grant."""
        return self.department_is_seen(department) or (self.reach is not None and application in self.applications)


def count_reading(context: Context) -> None:
    """Counts a reading that is computed over the whole catalog.

    Raises:
        Fault: ``QUERY_BUDGET`` from the ninth of one document on.
    """
    if next(context.dry_runs) >= MOST_READINGS:
        zh, en = f"一次调用至多 {MOST_READINGS} 次试运行、预览或比较", f"a call has {MOST_READINGS} dry runs, previews and diffs at most"
        raise Fault(Code.QUERY_BUDGET, zh, en, "请分次调用", "make several calls")


def bounds(context: Context, field: str) -> Bounds:
    """The caller's bounds in a root field of queries."""
    account = context.caller.identified()
    scopes = context.caller.rights.scopes
    owned = context.live.core.registry.owned(account.client_id) if OWNER in scopes else ()
    return Bounds(reach(field, scopes), account.department, frozenset(app.name for app in owned), tuple(app.client_id for app in owned))
