"""A plan run to its end: the one list of a document, page after page, through the same statements, masks and shapes as a query."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from auth.rights import Operation
from connectors.selection import Kind
from schema.answer import Answer
from schema.delivery import Mending
from schema.faults import Code, bad_input
from schema.lists import Listing, listing, read_count, read_page
from schema.plan import EdgePlan, ListPlan, Plan
from schema.reader import Allowance, Reader
from schema.run import Run, Work
from schema.shapes import ItemUse, Shape
from schema.values import deliverable

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
    fields = [root for department in plan.departments.values() for root in department.fields.values()]
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
    return Export(plan, listed, shapes[0], tuple(_columns(shapes[0], ())))


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


class Exporter:
    """Runs an export. Any fault of a source ends it: a file has no holes. Single values that cannot be delivered are null and counted."""

    def __init__(self, export: Export, run: Run, answer: Answer, batch: int) -> None:
        self._export = export
        self._answer = answer
        self._work = Work(run, answer, Reader(run.sources, answer, Allowance(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT, 0)))
        self._batch = batch
        self._run = run
        self.undelivered = 0
        """Values that could not be delivered so far: null in the file."""

    def _listing(self) -> Listing:
        plan = self._export.list
        args: Mapping[str, Any] = plan.arguments.values(self._run.variables)
        if args.get("after") is not None:
            raise bad_input("批量交换不接受 after", "an exchange takes no after")
        bounded = {**args, "first": min(self._batch, plan.face.decision.page_limit)}
        return listing(plan.face, plan.columns, plan.uses, bounded, self._work.reader, self._run.cursors, self._run.caller)

    async def total(self) -> int:
        """How many rows there are to write."""
        return await read_count(self._listing(), self._work.reader)

    async def pages(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Rendered rows, page after page, in the list's order. While one is in hand, the answer's accesses name its subjects, and no other's.

        Raises:
            Fault: the first failure of a source, of the list's or of a link's.
        """
        listed, shape = self._listing(), self._export.shape
        while True:
            page = await read_page(listed, self._work.reader)
            made = (await self._work.objects(page.rows, {shape: lambda i: ("nodes", i)}, self._export.list.batches))[shape]
            made = self._delivered(made)
            yield made
            for access in self._answer.accesses.values():
                access.subjects.clear()
            if not page.more:
                return
            listed = listed.beginning_behind(listed.place(page.rows[-1]))

    def _delivered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for error in self._answer.errors:
            if error.fault.code is not Code.SOURCE_VALUE:
                raise error.fault
            self.undelivered += error.rows or 1
        self._answer.errors.clear()
        if deliverable(rows):
            return rows
        mending = Mending()
        made: list[dict[str, Any]] = mending.mended(rows, ())
        self.undelivered += mending.count
        return made
