"""Plan × variables → answer. Root fields run side by side; each statement is bounded, masked in the source and noted as an access."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import GraphQLError, VariableValues
from orjson import Fragment

from auth.rights import Operation
from connectors.selection import Row
from schema.aggregate_plan import AggregatePlan
from schema.aggregates import aggregate, asking
from schema.answer import Answer, FieldError, Path
from schema.batches import Batch
from schema.cursors import Cursors
from schema.delivery import Mending
from schema.faces import Face
from schema.faults import Fault, bad_input
from schema.linking import Linking, Table
from schema.lists import Listing, Page, cursors_of, listing, note_page, page_info, page_of, read_page, read_total, total_beside
from schema.long_lists import in_parts, read_parts
from schema.messages import in_chinese
from schema.plan import DepartmentPlan, EdgePlan, ListPlan, OnePlan, Plan, RootPlan, VerifyPlan
from schema.questions import Questions, TooMany
from schema.reader import STATEMENTS, Allowance, Exhausted, Reader, Sources
from schema.rendered import read_text_page, text_of
from schema.shapes import Shape
from schema.together import together
from schema.values import canonical, key_values
from schema.verification import Verified, question, rendered, slack, verify

T = TypeVar("T")
_NULLED: Any = object()
"""Stands for a non-null field that failed: its parent becomes null (GraphQL specification §6.4.4)."""


@dataclass(slots=True, eq=False)
class Run:
    """What a run needs beside its plan. ``caller`` binds cursors."""

    sources: Sources
    cursors: Cursors
    caller: str
    variables: VariableValues
    questions: Questions = field(default_factory=Questions)
    """What the consumer's aggregates have asked, and what they ask now."""
    group: object = field(default_factory=object)
    """The caller's rights: look-ups of calls with the same ones may share statements. By default of no other call."""


async def run_departments(plan: Plan, run: Run, answer: Answer, allowance: Allowance | None = None) -> dict[str, Any]:
    """The data of the plan's departments by response key; errors and accesses are added to ``answer``, what is taken off ``allowance``."""
    answer.masking = plan.masking
    work = Work(run, answer, Reader(run.sources, answer, allowance, few=plan.statements <= STATEMENTS))
    if len(plan.departments) == 1:
        ((only, department),) = plan.departments.items()
        results = [await work.department(only, department)]
    else:
        results = await together([work.department(key, department) for key, department in plan.departments.items()])
    if answer.errors:
        answer.errors.sort(key=lambda error: [str(part).zfill(8) if isinstance(part, int) else part for part in error.path])
    return dict(zip(plan.departments, results, strict=True))


@dataclass(slots=True, eq=False)
class Work:
    """One call's work on resources: reads rows and renders them."""

    run: Run
    answer: Answer
    reader: Reader

    async def department(self, key: str, plan: DepartmentPlan) -> dict[str, Any] | None:
        """A department's fields, side by side; ``None`` where a non-null one failed."""
        if len(plan.fields) == 1:
            ((only, root),) = plan.fields.items()
            value = await self._field((key, only), root, plan.type_name)
            return None if value is _NULLED else {only: value}
        names = list(plan.fields)
        fields = [self._field((key, name), root, plan.type_name) for name, root in plan.fields.items()]
        values = await together(fields)
        if any(value is _NULLED for value in values):
            return None
        return dict(zip(names, values, strict=True))

    async def _field(self, path: Path, plan: RootPlan | None, type_name: str) -> Any:
        if plan is None:
            return type_name
        try:
            args = plan.arguments.values(self.run.variables)
            if isinstance(plan, OnePlan):
                return await self._one(path, plan, args)
            if isinstance(plan, ListPlan):
                return await self._list(path, plan, args)
            if isinstance(plan, AggregatePlan):
                return plan.rendered(await aggregate(asking(plan.face, plan.wanted, args, self.reader), self.reader, self.run.questions))
            return await self._verify(plan, args)
        except (Exhausted, TooMany):
            raise
        except Fault as fault:
            self.answer.errors.append(FieldError(path, fault))
        except GraphQLError as error:
            self.answer.errors.append(FieldError(path, bad_input(in_chinese(error.message), error.message)))
        return None if isinstance(plan, OnePlan | AggregatePlan) else _NULLED

    async def _one(self, path: Path, plan: OnePlan, args: Mapping[str, Any]) -> dict[str, Any] | None:
        face = plan.face
        given = [(name, value) for name, value in args.items() if value is not None]
        if len(given) != 1:
            names = ", ".join(face.keys)
            raise bad_input(f"须恰好给出一个标识：{names}", f"give exactly one identifier: {names}")
        name, value = given[0]
        asked = plan.look_up(name)
        subject = canonical(asked.item, value, name)
        self.answer.asked.append((face.resource.code, str(subject)))
        row = await self.reader.look_up(face, asked, key_values(asked.item, subject, spelled=face.spelled), self.run.group)
        self.answer.access(face, Operation.QUERY).subjects.add(asked.item.code, (subject,))
        if row is None:
            self.answer.misses[face.resource.code] = self.answer.misses.get(face.resource.code, 0) + 1
            return None
        if not plan.batches and not plan.shape.ranged:
            return plan.shape.render((row,), ())[0]
        made = await self.objects([row], {plan.shape: lambda _: path}, plan.batches)
        return made[plan.shape][0]

    async def _list(self, path: Path, plan: ListPlan, args: Mapping[str, Any]) -> dict[str, Any]:
        listed = listing(plan.face, plan.columns, plan.uses, args, self.reader, self.run.cursors, self.run.caller, plan.kept)
        if plan.reads:
            self.reader.allowance.reserve("rows", listed.first * plan.width)
            self.reader.allowance.reserve("cells", listed.first * plan.cells)
        text = text_of(plan, self.run.sources)
        if text is not None:
            lean = text.asked(listed)
            written, total = await self._beside(plan, listed, read_text_page(lean, self.reader))
            if written is not None:
                page = page_of(lean, written.rows, lean.first)
                note_page(lean, page.rows, self.reader)
                return self._connection(plan, lean, page, self._total(plan, lean, page, total), {text.shape: Fragment(written.nodes)})
        if in_parts(plan, listed, self.run.sources):
            return await self._long(path, plan, listed)
        found, total = await self._beside(plan, listed, read_page(listed, self.reader) if plan.reads else None)
        page = found or Page((), False)
        objects = await self.objects(page.rows, {shape: _placed(path, keys) for keys, shape in plan.shapes}, plan.batches)
        return self._connection(plan, listed, page, self._total(plan, listed, page, total), objects)

    async def _long(self, path: Path, plan: ListPlan, listed: Listing) -> dict[str, Any]:
        ((keys, shape),) = plan.shapes

        async def render(rows: Sequence[Row], before: int, unfits: Mending) -> list[dict[str, Any]]:
            return (await self.objects(rows, {shape: lambda i: (*path, *keys, before + i)}, (), unfits))[shape]

        self.answer.parted = True
        found, total = await self._beside(plan, listed, read_parts(shape, listed, self.reader, self.answer, (*path, *keys), render))
        page, name = found or (Page((), False), "")
        return self._connection(plan, listed, page, self._total(plan, listed, page, total), {shape: name})

    async def _beside(self, plan: ListPlan, listed: Listing, reading: Coroutine[Any, Any, T] | None) -> tuple[T | None, int | None]:
        """The page, and the total beside it where it is asked for."""
        if not plan.counts:
            return await reading if reading is not None else None, None
        if reading is None:
            return None, await read_total(listed, self.reader)
        page, total = await together([reading, read_total(listed, self.reader)])
        return page, total

    @staticmethod
    def _total(plan: ListPlan, listed: Listing, page: Page, total: int | None) -> int | None:
        return total_beside(total, listed, page) if plan.counts and plan.shows else total

    def _connection(self, plan: ListPlan, listed: Listing, page: Page, total: int | None, objects: Mapping[Shape, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        # Sealed once, however often a document asks for them.
        sealed = cursors_of(listed, page, self.run.cursors) if any(isinstance(needs, EdgePlan) and needs.cursor for _, _, needs in plan.entries) else []
        for key, name, needs in plan.entries:
            if isinstance(needs, Shape):
                made[key] = objects[needs]
            elif isinstance(needs, EdgePlan):
                made[key] = self._edges(needs, plan.face, page, objects, sealed)
            elif isinstance(needs, dict):
                made[key] = page_info(needs, listed, page, self.run.cursors)
            else:
                made[key] = total if name == "totalCount" else f"{plan.face.type_name}Connection"
        return made

    @staticmethod
    def _edges(plan: EdgePlan, face: Face, page: Page, objects: Mapping[Shape, list[dict[str, Any]]], sealed: Sequence[str]) -> list[dict[str, Any]]:
        columns: dict[str, Sequence[Any]] = {key: objects[shape] for key, shape in plan.nodes}
        columns |= dict.fromkeys(plan.cursor, sealed)
        columns |= dict.fromkeys(plan.typename, [f"{face.type_name}Edge"] * len(page.rows))
        if not plan.order:
            return [{} for _ in page.rows]
        return [dict(zip(plan.order, row, strict=True)) for row in zip(*(columns[key] for key in plan.order), strict=True)]

    async def _verify(self, plan: VerifyPlan, args: Mapping[str, Any]) -> Any:
        self.reader.allowance.reserve("verifications", len(args["requests"]) if plan.many else 1)
        if not plan.many:
            asked = question(plan.face, args["subject"], args["claims"])
            self.reader.allowance.reserve("cells", plan.cells(len(asked.claims)))
            return self._told(plan, await verify(plan.face, asked, self.reader, self.answer))
        requests = args["requests"]
        several = [question(plan.face, r["subject"], r["claims"], f"requests[{i}].") for i, r in enumerate(requests)]
        self.reader.allowance.reserve("cells", sum(plan.cells(len(asked.claims)) for asked in several))
        found = await together([verify(plan.face, asked, self.reader, self.answer) for asked in several])
        return [self._told(plan, verified) for verified in found]

    def _told(self, plan: VerifyPlan, verified: Verified) -> dict[str, Any]:
        self.answer.slack += slack(plan, verified)
        return rendered(plan, verified)

    async def objects(
        self, rows: Sequence[Row], shapes: Mapping[Shape, Callable[[int], Path]], batches: Sequence[Batch], unfits: Mending | None = None
    ) -> dict[Shape, list[dict[str, Any]]]:
        """The same rows rendered by each shape, with their links looked up. ``shapes`` gives the path of the row of an index; see :class:`Linking`."""
        if not rows:
            return {shape: [] for shape in shapes}
        linking = Linking(self.reader, self.answer, unfits)
        for shape, path in shapes.items():
            linking.add(Table(shape, rows, path))
        await linking.look_up(batches)
        return {shape: linking.rendered(shape) for shape in shapes}


def _placed(path: Path, keys: tuple[str, ...]) -> Callable[[int], Path]:
    """Paths of a list's rows: the index stands behind the list's own response key."""
    return lambda i: (*path, keys[0], i, *keys[1:])
