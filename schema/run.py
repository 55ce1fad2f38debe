"""Plan × variables → answer. Root fields run side by side; each statement is bounded, masked in the source and noted as an access."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, VariableValues, get_argument_values

from auth.rights import Operation
from connectors.selection import Compare, Comparison, Row, Selection, Value
from schema.answer import Answer, FieldError, Path
from schema.cursors import Cursors
from schema.faults import Fault, bad_input
from schema.filters import Binds
from schema.lists import Listing, Page, listing, page_info, read_page
from schema.messages import in_chinese
from schema.plan import DepartmentPlan, EdgePlan, ListPlan, OnePlan, Plan, RootPlan, VerifyPlan
from schema.reader import Exhausted, Reader, Sources
from schema.shapes import ItemUse, LinkStep, Shape
from schema.values import canonical, fits, unfit
from schema.verification import question, rendered, verify

MOST_LINK_ERRORS = 20
_NULLED: Any = object()
"""Stands for a non-null field that failed: its parent becomes null (GraphQL specification §6.4.4)."""


@dataclass(frozen=True)
class Run:
    """What a run needs beside its plan. ``caller`` binds cursors."""

    sources: Sources
    cursors: Cursors
    caller: str
    variables: VariableValues


async def run_departments(plan: Plan, run: Run, answer: Answer) -> dict[str, Any]:
    """The data of the plan's departments by response key; errors and accesses are added to ``answer``."""
    answer.masking = plan.masking
    work = Work(run, answer, Reader(run.sources, answer))
    results = await _together([work.department(key, department) for key, department in plan.departments.items()])
    answer.errors.sort(key=lambda error: [str(part).zfill(8) if isinstance(part, int) else part for part in error.path])
    return dict(zip(plan.departments, results, strict=True))


async def _together(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    if len(work) == 1:
        return [await work[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


@dataclass
class Work:
    """One call's work on resources: reads rows and renders them."""

    run: Run
    answer: Answer
    reader: Reader

    async def department(self, key: str, plan: DepartmentPlan) -> dict[str, Any] | None:
        """A department's fields, side by side; ``None`` where a non-null one failed."""
        names = list(plan.fields)
        fields = [self._field((key, name), root, plan.type_name) for name, root in plan.fields.items()]
        values = await _together(fields)
        if any(value is _NULLED for value in values):
            return None
        return dict(zip(names, values, strict=True))

    async def _field(self, path: Path, plan: RootPlan | None, type_name: str) -> Any:
        if plan is None:
            return type_name
        try:
            args = get_argument_values(plan.definition, plan.node, self.run.variables, hide_suggestions=True)
            if isinstance(plan, OnePlan):
                return await self._one(path, plan, args)
            if isinstance(plan, ListPlan):
                return await self._list(path, plan, args)
            return await self._verify(plan, args)
        except Exhausted:
            raise
        except Fault as fault:
            self.answer.errors.append(FieldError(path, fault))
        except GraphQLError as error:
            self.answer.errors.append(FieldError(path, bad_input(in_chinese(error.message), error.message)))
        return None if isinstance(plan, OnePlan) else _NULLED

    async def _one(self, path: Path, plan: OnePlan, args: Mapping[str, Any]) -> dict[str, Any] | None:
        face = plan.face
        given = [(name, value) for name, value in args.items() if value is not None]
        if len(given) != 1:
            names = ", ".join(face.keys)
            raise bad_input(f"须恰好给出一个标识：{names}", f"give exactly one identifier: {names}")
        name, value = given[0]
        item = face.keys[name]
        subject = canonical(item, value, name)
        binds: Binds = {"key": subject, "limit": 1}
        where = self.reader.where(face, binds, [Compare(item.column, item.kind, Comparison.EQ, "key")])
        selection = Selection(face.resource.binding, plan.shape.outputs.columns, where, limit="limit")
        uses = (ItemUse(item.code, "key"), *plan.shape.uses)
        rows = await self.reader.rows(face, selection, binds, uses)
        self.answer.access(face, Operation.QUERY).subjects[item.code, subject] = None
        made = await self.objects(plan.shape, rows, [path] * len(rows))
        return made[0] if made else None

    async def _list(self, path: Path, plan: ListPlan, args: Mapping[str, Any]) -> dict[str, Any]:
        listed = listing(plan.face, plan.columns, plan.uses, args, self.reader, self.run.cursors, self.run.caller)
        if plan.reads:
            self.reader.allowance.reserve("rows", listed.first * plan.width)
            self.reader.allowance.reserve("cells", listed.first * plan.cells)
        page, total = await self._page(plan, listed)
        made: dict[str, Any] = {}
        for key, name, needs in plan.entries:
            if isinstance(needs, Shape):
                made[key] = await self.objects(needs, page.rows, [(*path, key, i) for i in range(len(page.rows))])
            elif isinstance(needs, EdgePlan):
                made[key] = await self._edges((*path, key), needs, listed, page)
            elif isinstance(needs, dict):
                made[key] = page_info(needs, listed, page, self.run.cursors)
            else:
                made[key] = total if name == "totalCount" else f"{plan.face.type_name}Connection"
        return made

    async def _page(self, plan: ListPlan, listed: Listing) -> tuple[Page, int | None]:
        async def nothing() -> Page:
            return Page((), False)

        async def no_count() -> None:
            return None

        page = read_page(listed, self.reader) if plan.reads else nothing()
        count = self.reader.count(plan.face, listed.selection, listed.binds, listed.uses) if plan.counts else no_count()
        found = await _together([page, count])
        return found[0], found[1]

    async def _edges(self, path: Path, plan: EdgePlan, listed: Listing, page: Page) -> list[dict[str, Any]]:
        columns: dict[str, Sequence[Any]] = {}
        for key, shape in plan.nodes:
            columns[key] = await self.objects(shape, page.rows, [(*path, i, key) for i in range(len(page.rows))])
        for key in plan.cursor:
            columns[key] = [self.run.cursors.seal(listed.binding, listed.place(row)) for row in page.rows]
        for key in plan.typename:
            columns[key] = [f"{listed.face.type_name}Edge"] * len(page.rows)
        return [{key: columns[key][i] for key in plan.order} for i in range(len(page.rows))]

    async def _verify(self, plan: VerifyPlan, args: Mapping[str, Any]) -> Any:
        self.reader.allowance.reserve("verifications", len(args["requests"]) if plan.many else 1)
        if not plan.many:
            asked = question(plan.face, args["subject"], args["claims"])
            return rendered(plan, await verify(plan.face, asked, self.reader, self.answer))
        requests = args["requests"]
        several = [question(plan.face, r["subject"], r["claims"], f"requests[{i}].") for i, r in enumerate(requests)]
        found = await _together([verify(plan.face, asked, self.reader, self.answer) for asked in several])
        return [rendered(plan, verified) for verified in found]

    async def objects(self, shape: Shape, rows: Sequence[Row], paths: Sequence[Path]) -> list[dict[str, Any]]:
        """Rows rendered, with their links looked up in one batch each."""
        if not rows:
            return []
        if shape.ranged:
            rows = self._fitting(shape, rows, paths)
        links = [await self._link(link, rows, paths) for link in shape.links]
        return [shape.render(row, links) for row in rows]

    def _fitting(self, shape: Shape, rows: Sequence[Row], paths: Sequence[Path]) -> Sequence[Row]:
        """Rows whose numbers fit their GraphQL types; one that does not is null with an error of its own, and costs the others nothing."""
        made = list(rows)
        for key, place, kind in shape.ranged:
            for i, row in enumerate(made):
                if not fits(row[place], kind):
                    made[i] = (*row[:place], None, *row[place + 1 :])
                    self.answer.errors.append(FieldError((*paths[i], key), unfit()))
        return made

    async def _link(self, link: LinkStep, rows: Sequence[Row], paths: Sequence[Path]) -> Mapping[Value, Any]:
        first: dict[Value, Path] = {}
        for row, path in zip(rows, paths, strict=True):
            if row[link.place] is not None:
                first.setdefault(row[link.place], (*path, link.response_key))
        if not first:
            return {}
        try:
            found = await self.reader.linked(link, list(first))
        except Exhausted:
            raise
        except Fault as fault:
            self.answer.errors += [FieldError(path, fault) for path in list(first.values())[:MOST_LINK_ERRORS]]
            return {}
        made = await self.objects(link.shape, list(found.values()), [first[key] for key in found])
        return dict(zip(found, made, strict=True))
