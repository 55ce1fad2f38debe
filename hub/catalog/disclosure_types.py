"""What a disclosure diff looks like, to GraphQL and, as plain JSON, at the command line."""

from __future__ import annotations

import strawberry

from auth.rights import Operation
from hub.catalog.disclosure import Change, ItemChange, Kind, ResourceChange, Seen
from hub.catalog.disclosure_report import Report
from hub.catalog.disclosure_words import sentences

strawberry.enum(Change, name="DisclosureChangeKind", description="信息项对调用方的变化\n\nWhat became of an item for a caller")
strawberry.enum(Kind, name="ViewerKind", description="社会公众、各部门、某应用\n\nThe public, every department, an application")
strawberry.enum(Seen, name="ItemSeen", description="所见程度\n\nHow an item is seen")
MOST = 2000
"""Changes in one answer; ``totalCount`` and ``digest`` are of all."""


@strawberry.type(description="一个信息项的披露变化\n\nWhat is disclosed otherwise of an item")
class DisclosedItem:
    """One item, before and after; ``beforeLabel`` and ``afterLabel`` name the rule and its version."""

    item: str
    before: Seen
    after: Seen
    before_label: str
    after_label: str
    changes: list[Change]


@strawberry.type(description="披露条件的变化\n\nA condition of use that changed")
class DisclosedCondition:
    """Its name, and its values as JSON."""

    name: str
    before: str
    after: str


@strawberry.type(description="某调用方对某资源的披露变化\n\nWhat is disclosed otherwise to one caller of one resource")
class DisclosureChange:
    """``wider``: the caller sees more, or may see more. ``sentences`` say all of it in Chinese, ``sentencesEn`` in English."""

    viewer: Kind
    application: str | None
    department: str | None
    resource: str
    wider: bool
    items: list[DisclosedItem]
    operations_added: list[Operation]
    operations_removed: list[Operation]
    rows_changed: bool
    rows_before: str | None
    rows_after: str | None
    conditions: list[DisclosedCondition]
    sentences: list[str]
    sentences_en: list[str]


@strawberry.type(description="披露差异\n\nDisclosure diff")
class DisclosureDiff:
    """Who sees what otherwise between two states; ``digest`` is of all of it, and enters the ledger with the review."""

    before: str
    after: str
    total_count: int
    wider: int
    compared: int
    digest: str
    changes: list[DisclosureChange]


def diff_of(report: Report) -> DisclosureDiff:
    """A report as it is shown."""
    shown = [_change(each) for each in report.changes[:MOST]]
    return DisclosureDiff(
        before=report.first,
        after=report.last,
        total_count=len(report.changes),
        wider=report.wider,
        compared=report.compared,
        digest=report.digest,
        changes=shown,
    )


def _change(change: ResourceChange) -> DisclosureChange:
    told = list(sentences(change))
    return DisclosureChange(
        viewer=Kind(change.viewer.kind),
        application=change.viewer.name or None,
        department=change.viewer.department or None,
        resource=change.resource,
        wider=change.wider,
        items=[_item(each) for each in change.items],
        operations_added=list(change.added),
        operations_removed=list(change.removed),
        rows_changed=change.rows is not None,
        rows_before=change.rows[0] if change.rows else None,
        rows_after=change.rows[1] if change.rows else None,
        conditions=[DisclosedCondition(name=name, before=before, after=after) for name, before, after in change.conditions],
        sentences=[zh for zh, _ in told],
        sentences_en=[en for _, en in told],
    )


def _item(change: ItemChange) -> DisclosedItem:
    before, after = change.before, change.after
    labels = {"before_label": before.label, "after_label": after.label}
    return DisclosedItem(item=change.item, before=before.seen, after=after.seen, **labels, changes=list(change.changes))
