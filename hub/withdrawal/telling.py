"""What callers are told of a withdrawn resource: that it is withdrawn, if it would exist for them otherwise, and nothing else if not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from graphql import DocumentNode, FieldNode, ObjectFieldNode, Visitor, visit

from hub.live import Live
from schema.documents import Document, Documents, InvalidDocument
from schema.faults import Code, Fault
from schema.model import Snapshot, root_fields
from schema.naming import camel
from schema.plan import Plan
from schema.view import View


def gone(codes: Collection[str]) -> Fault:
    """What is told of these resources."""
    named = ", ".join(sorted(codes))
    return Fault(
        Code.FORBIDDEN,
        f"资源已撤回：{named}",
        f"the resource is withdrawn: {named}",
        "请暂停使用已取得的数据，等候主管部门通知",
        "stop using what was taken of it, and wait for the authority's notice",
    )


def check_document(live: Live, documents: Documents, text: str, view: View) -> Document:
    """The checked document.

    Raises:
        InvalidDocument: it is not valid.
        Fault: ``FORBIDDEN`` where it would be, but for withdrawn resources; ``QUERY_BUDGET``.
    """
    try:
        return documents.check(text, view)
    except InvalidDocument:
        if not live.snapshot.withdrawn:
            raise
        codes = _withdrawn_in(live.before_withdrawals(view.faces.rights), live.snapshot.withdrawn, text)
        if codes:
            raise gone(codes) from None
        raise


def check_in_force(live: Live, plan: Plan) -> None:
    """That nothing a plan reads was withdrawn while it ran: then nothing of it leaves.

    Raises:
        Fault: ``FORBIDDEN``.
    """
    withdrawn = live.snapshot.withdrawn
    if withdrawn and (codes := withdrawn.intersection(code for code, _ in plan.faces)):
        raise gone(codes)


def _withdrawn_in(view: View, codes: Collection[str], text: str) -> list[str]:
    """The withdrawn resources for which a document is not valid, and would be."""
    try:
        document = Documents().check(text, view)
    except InvalidDocument:
        return []
    names = _names(document.node)
    seen = [code for code in codes if view.faces.face(code) is not None]
    return [code for code in seen if names & set(_fields_to(view.faces.snapshot, code))] or seen


def _fields_to(snapshot: Snapshot, code: str) -> Iterator[str]:
    """Names of fields that lead to a resource."""
    yield from root_fields(snapshot.resources[code])
    yield from (camel(link.field) for resource in snapshot.resources.values() for link in resource.links if link.to_resource == code)


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found.add(node.name.value)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        self.found.add(node.name.value)


def _names(node: DocumentNode) -> set[str]:
    names = _Names()
    visit(node, names)
    return names.found
