"""What a batch exchange may select: one list, and the nodes of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auth.rights import Operation
from connectors.selection import Kind
from schema.faults import bad_input
from schema.plan import EdgePlan, ListPlan, Plan
from schema.shapes import ItemUse, Shape

_NO_LIMIT = 10**15


@dataclass(frozen=True)
class Export:
    """What a batch exchange runs: a list, and the shape of its rows."""

    plan: Plan
    list: ListPlan
    shape: Shape
    columns: tuple[tuple[tuple[str, ...], Kind], ...]
    """(path of response keys, kind) of every value, links flattened: the columns of a table."""

    @property
    def uses(self) -> Mapping[str, tuple[ItemUse, ...]]:
        """What the rows show of each resource."""
        found: dict[str, dict[ItemUse, None]] = {}
        pending = [self.shape]
        while pending:
            shape = pending.pop()
            found.setdefault(shape.face.resource.code, {}).update(dict.fromkeys(shape.uses))
            pending += [link.shape for link in shape.links]
        return {code: tuple(uses) for code, uses in found.items()}

    @property
    def resources(self) -> tuple[str, ...]:
        """Codes of all resources that it reads."""
        return tuple(dict.fromkeys(code for code, _ in self.plan.faces))


def export_of(plan: Plan) -> Export:
    """The export behind a plan.

    Raises:
        Fault: ``BAD_INPUT`` unless the document selects exactly one list and its nodes; ``FORBIDDEN`` is the caller's to raise.
    """
    fields = plan.roots
    if plan.others or len(fields) != 1 or not isinstance(fields[0], ListPlan):
        raise bad_input(
            "批量交换的文档须恰好选择一个列表字段",
            "the document of an exchange must select exactly one list",
            "例如 { civilAffairs { persons { nodes { name } } } }",
            "e.g. { civilAffairs { persons { nodes { name } } } }",
        )
    listed = fields[0]
    shapes = [shape for _, shape in listed.shapes]
    if len(shapes) != 1 or any(isinstance(needs, EdgePlan) and needs.cursor for _, _, needs in listed.entries):
        raise bad_input("批量交换须恰好选择一次 nodes", "an exchange must select nodes exactly once", "{ nodes { … } }", "{ nodes { … } }")
    columns = tuple(_columns(shapes[0], ()))
    if not columns:
        raise bad_input("批量交换须至少选择一个信息项", "an exchange must select at least one item", "{ nodes { … } }", "{ nodes { … } }")
    return Export(plan, listed, shapes[0], columns)


def _columns(shape: Shape, prefix: tuple[str, ...]) -> list[tuple[tuple[str, ...], Kind]]:
    leaves = {key: kind for key, _, kind in shape.leaves}
    links = {link.response_key: link for link in shape.links}
    found: list[tuple[tuple[str, ...], Kind]] = []
    for key in shape.order:
        if key in leaves:
            found.append(((*prefix, key), leaves[key]))
        else:
            found += _columns(links[key].shape, (*prefix, key))
    return found


def check_exchange(export: Export) -> list[str]:
    """Codes of resources for which the caller has no right to exchange."""
    return [code for (code, _), face in export.plan.faces.items() if not face.decision.allows(Operation.EXCHANGE)]
