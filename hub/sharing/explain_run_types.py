"""What the report of a dry run looks like, to GraphQL and, as plain JSON, at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum

import strawberry

from auth.rights import Operation, SharingClass
from hub.api.types import JSON
from hub.sharing.explain_run import Report
from hub.sharing.explain_types import ExplainedQuota, condition_of, quota_of
from schema.answer import Access, FieldError
from schema.dry_run import DryRun as Run
from schema.faces import Face
from schema.filters import names_in, row_items
from schema.shapes import ItemUse


@strawberry.enum(description="取用方式：明文、脱敏、作键、仅比较\n\nHow an item is used: shown in clear, shown masked, as a key, compared only")
class DryRunUse(Enum):
    """How an item is used."""

    CLEAR = "CLEAR"
    MASKED = "MASKED"
    KEY = "KEY"
    MATCH = "MATCH"
    AGGREGATE = "AGGREGATE"


@strawberry.type(description="所取用的信息项\n\nAn item that would be used")
class DryRunItem:
    """One use of an item."""

    code: str
    use: DryRunUse
    mask: str | None


@strawberry.type(description="将取用的资源\n\nA resource that would be used")
class DryRunResource:
    """One resource: what of it, at most how many rows, and under which conditions."""

    resource: str
    operations: list[Operation]
    items: list[DryRunItem]
    rows_at_most: int
    rows_limited: bool
    """Whether the grant gives some rows only."""
    row_condition: JSON | None
    """By what; ``None`` also where it names an item that is shared with nobody, of which the caller is not to know."""
    purposes: list[str]
    quota: ExplainedQuota | None
    """The whole of a period; what of it is used up already is a refusal."""
    grant: strawberry.ID | None
    approver: str


@strawberry.type(description="回答中显示信息项的位置\n\nA place in the answer that would show an item")
class DryRunPlace:
    """A path of response keys, without list indexes."""

    path: str
    resource: str
    item: str
    mask: str | None


@strawberry.type(description="将询问的数据源\n\nA source that would be asked")
class DryRunSource:
    """What one source is asked, at most. ``pages``: rows asked for, of each list."""

    source: str
    statements: int
    keys: int
    pages: list[int]


@strawberry.type(description="开销：文档的预算与一次调用的限额中将用去多少\n\nCost: what it takes of the document's budget and of a call's allowance")
class DryRunCost:
    """Figures as the limits count them."""

    depth: int
    fields: int
    root_fields: int
    department_fields: int
    rows: int
    cells: int
    values: int
    verifications: int


@strawberry.type(description="将被拒绝的原因\n\nWhy it would be refused")
class DryRunRefusal:
    """A fault that the run would tell. ``path`` is empty where the whole call is refused."""

    path: list[str]
    code: str
    message: str
    message_en: str
    hint: str | None
    hint_en: str | None


@strawberry.type(description="试运行：不触及数据，说明文档将取用什么\n\nDry run: what a document would disclose, without touching data")
class DryRun:
    """The largest answer there could be."""

    would_run: bool
    document: str | None
    """SHA-256 of the text, in hex."""
    resources: list[DryRunResource]
    places: list[DryRunPlace]
    sources: list[DryRunSource]
    cost: DryRunCost | None
    purposes: list[str]
    """Purposes that all resources are given for."""
    other_fields: list[str]
    """Root fields that read no department, and were not run."""
    refusals: list[DryRunRefusal]


def dry_run_of(report: Report, own: bool = False) -> DryRun:
    """The report as it is shown, to the caller itself where it is its ``own``."""
    run = report.run
    return DryRun(
        would_run=not report.refusals,
        document=report.document.sha256 if report.document else None,
        resources=_resources(report, run, own) if run else [],
        places=[DryRunPlace(path=s.path, resource=s.resource, item=s.item, mask=s.mask) for s in run.shown] if run else [],
        sources=[DryRunSource(source=c.source, statements=c.statements, keys=c.keys, pages=c.pages) for c in run.sources] if run else [],
        cost=_cost(report, run) if run else None,
        purposes=[purpose.code for purpose in report.purposes],
        other_fields=sorted({nodes[0].name.value for nodes in report.plan.others.values()}) if report.plan else [],
        refusals=[_refusal(error) for error in report.refusals],
    )


def _resources(report: Report, run: Run, own: bool) -> list[DryRunResource]:
    faces = {code: face for (code, _), face in report.plan.faces.items()} if report.plan else {}
    return [_resource(report, face, [a for a in run.accesses if a.face.resource.code == code], own) for code, face in faces.items()]


def _resource(report: Report, face: Face, accesses: Iterable[Access], own: bool) -> DryRunResource:
    code, decision = face.resource.code, face.decision
    uses = dict.fromkeys(use for access in accesses for use in access.uses)
    return DryRunResource(
        resource=code,
        operations=[operation for known, operation in (report.plan.faces if report.plan else ()) if known == code],
        items=[_item(use) for use in uses],
        rows_at_most=sum(access.rows for access in accesses),
        rows_limited=decision.rows is not None,
        row_condition=None if own and _names_hidden(face) else condition_of(decision),
        purposes=[purpose.code for purpose in decision.purposes],
        quota=quota_of(decision),
        grant=strawberry.ID(decision.grant) if decision.grant else None,
        approver=decision.approver,
    )


def _names_hidden(face: Face) -> bool:
    if face.decision.rows is None:
        return False
    known = row_items(face.resource)
    named = {item.sharing_class for name in names_in(json.loads(face.decision.rows)) if (item := known.get(name)) is not None}
    return SharingClass.NOT_SHARED in named


def _item(use: ItemUse) -> DryRunItem:
    return DryRunItem(code=use.code, use=DryRunUse(use.shown.upper()), mask=f"{use.mask}@{use.version}" if use.mask else None)


def _cost(report: Report, run: Run) -> DryRunCost | None:
    cost, spent = report.cost, run.spent
    if cost is None:
        return None
    return DryRunCost(
        depth=cost.depth,
        fields=cost.fields,
        root_fields=cost.roots,
        department_fields=cost.seconds,
        rows=spent.rows,
        cells=spent.cells,
        values=spent.values,
        verifications=spent.verifications,
    )


def _refusal(error: FieldError) -> DryRunRefusal:
    fault = error.fault
    return DryRunRefusal(
        path=[str(part) for part in error.path],
        code=fault.code.value,
        message=fault.zh,
        message_en=fault.en,
        hint=fault.hint_zh or None,
        hint_en=fault.hint_en or None,
    )
