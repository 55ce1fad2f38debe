"""Aggregates: arguments → one statement → what may be told of its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from auth.rights import Operation
from connectors.aggregation import WIDTH, Aggregation
from connectors.selection import Column, Every, Kind, Predicate, Row, Some, Undeliverable, Value
from schema.aggregate_figures import Aggregated, Cell, Group, Wanted, figures, nothing, shown
from schema.aggregate_types import DEFAULT_GROUPS
from schema.cohorts import Key, Part, Verdict, judge, order_of
from schema.faces import Face
from schema.faults import bad_input
from schema.filters import Binds, Filter, row_condition
from schema.model import Item
from schema.questions import Question, Questions, predicate_of, rows_of, text_of
from schema.reader import Reader
from schema.shapes import ItemUse
from schema.subjects import Subject
from schema.values import fits, undeliverable, unfit

MOST_GROUPS = 1000
MOST_CELLS = 10_000
"""Parts into which one statement may cut a resource's rows."""
ROWS = 1000
"""One aggregate counts as so many rows of a call's allowance."""
_LIMIT = "#cells"


@dataclass(frozen=True)
class Asking:
    """An aggregate's arguments, bound."""

    face: Face
    wanted: Wanted
    keys: tuple[tuple[str, Item], ...]
    first: int
    where: Predicate
    """The caller's filter and the row condition."""
    rows: Predicate
    """The row condition."""
    binds: Binds
    reached: Mapping[Face, tuple[ItemUse, ...]]
    named: Mapping[Face, Sequence[Subject]]
    """Whom the filter names by an identifier."""
    grouped: bool

    @cached_property
    def question(self) -> Question:
        """What is asked."""
        keys = tuple((item.column, item.kind.value) for _, item in self.keys)
        return Question(text_of(self.rows, self.binds), text_of(self.where, self.binds), keys)


def asking(face: Face, wanted: Wanted, args: Mapping[str, Any], reader: Reader) -> Asking:
    """Binds an aggregate's arguments.

    Raises:
        Fault: ``BAD_INPUT`` for arguments that cannot be used, ``QUERY_BUDGET``.
    """
    binds: Binds = {}
    filtering = Filter.of(face, binds, "p")
    parts = [filtering.predicate(args["where"])] if args.get("where") else []
    reader.allowance.reserve("values", sum(len(bound) if isinstance(bound, tuple) else 1 for bound in binds.values()))
    rows: Predicate = Every(()) if face.decision.rows is None else row_condition(face.resource, face.decision.rows, binds)
    names = tuple(dict.fromkeys(args.get("groupBy") or ()))
    first = DEFAULT_GROUPS if args.get("first") is None else args["first"]
    if not isinstance(first, int) or not 1 <= first <= MOST_GROUPS:
        raise bad_input(f"first 应为 1 至 {MOST_GROUPS} 的整数", f"first must be an integer from 1 to {MOST_GROUPS}")
    reader.allowance.reserve("rows", ROWS)
    reader.allowance.reserve("cells", (first if names else 1) * (1 + len(names) + 2 * len(wanted.items)))
    keys = tuple((name, face.groupable[name]) for name in names)
    return Asking(
        face, wanted, keys, first, Every((*parts, rows)), rows, binds, filtering.reached.by_face(), filtering.reached.subjects, args.get("groupBy") is not None
    )


async def aggregate(asked: Asking, reader: Reader, questions: Questions) -> Aggregated:
    """Asks the source once, and tells what may be told. The answer is the same for whatever reason something is withheld.

    Raises:
        Fault: a source's; ``BAD_INPUT`` for too many groups; ``TooMany`` questions; ``SOURCE_VALUE``.
    """
    resource, measures = asked.face.resource, len(asked.wanted.items)
    _note(asked, reader)
    if resource.least_cohort <= 1:
        cells = await _cells(asked, (), reader)
        return _told(asked, cells, judge([cell.part for cell in cells], 1, measures))
    async with questions.about(rows_of(resource)) as known:
        question = asked.question
        known.admit(question)
        cells = await _cells(asked, known.answered, reader)
        verdict = judge([cell.part for cell in cells], resource.least_cohort, measures)
        known.note(replace(question, shown=verdict.shown if asked.keys else frozenset(), answered=verdict.told))
    return _told(asked, cells, verdict)


def _note(asked: Asking, reader: Reader) -> None:
    uses = (*asked.wanted.uses, *(ItemUse(item.code, "aggregate") for _, item in asked.keys))
    reached = dict(asked.reached)
    reader.note(asked.face, (), None, (*uses, *reached.pop(asked.face, ())), Operation.QUERY)
    for there, compared in reached.items():
        reader.note(there, (), None, compared, Operation.QUERY)
    for face, subjects in asked.named.items():
        reader.name(face, subjects)


async def _cells(asked: Asking, past: Sequence[Question], reader: Reader) -> list[Cell]:
    resource, binds = asked.face.resource, {**asked.binds, _LIMIT: MOST_CELLS + 1}
    limited = resource.least_cohort > 1
    before = [predicate_of(each.where, binds, f"q{i}_") for i, each in enumerate(past)]
    marks = (asked.where, *before) if limited else ()
    # One column may be of several kinds in several resources.
    columns = {key: Column(key[0], Kind(key[1])) for each in (asked.question, *past) for key in each.keys}
    apart = any(each.rows != asked.question.rows for each in past)
    where = asked.where if not limited else Some((asked.rows, *before)) if apart else asked.rows
    aggregation = Aggregation(resource.binding, where, marks, tuple(columns.values()), asked.wanted.measures, _LIMIT)
    found = await reader.aggregate(asked.face, aggregation, binds)
    if len(found) > MOST_CELLS:
        raise bad_input(
            f"分组过多：超过 {MOST_CELLS} 组",
            f"too many groups: more than {MOST_CELLS}",
            "请按取值较少的信息项分组，或增加筛选",
            "group by items with fewer values, or filter",
        )
    return [_cell(row, asked, past, tuple(columns), len(marks)) for row in found]


def _cell(row: Row, asked: Asking, past: Sequence[Question], columns: Sequence[tuple[str, str]], marks: int) -> Cell:
    values = dict(zip(columns, row[marks : marks + len(columns)], strict=True))
    count, figures = row[marks + len(columns)], row[marks + len(columns) + 1 :]
    measures: Any = tuple(figures[i : i + WIDTH] for i in range(0, len(figures), WIDTH))
    inside = bool(row[0]) if marks else True
    places = tuple(_place(bool(mark), each, values) for mark, each in zip(row[1:marks], past, strict=True)) if marks else ()
    key = tuple(values[key] for key in asked.question.keys)
    part = Part(places, inside, key if inside else (), int(count or 0), tuple(each[0] for each in measures))
    return Cell(part, measures)


def _place(holds: bool, question: Question, values: Mapping[tuple[str, str], Value]) -> Any:
    if not holds or not question.keys:
        return holds
    key = tuple(values[key] for key in question.keys)
    return key if key in question.shown else "rest"


def _told(asked: Asking, cells: Sequence[Cell], verdict: Verdict) -> Aggregated:
    resource, wanted = asked.face.resource, asked.wanted
    inside = [cell for cell in cells if cell.part.inside]
    if not verdict.told:
        return Aggregated(True, nothing(wanted), () if asked.grouped else None, False)
    averaged = [told for item, told in zip(wanted.items, verdict.averages, strict=True) if item in wanted.averages.values()]
    withheld, whole = verdict.rest > 0 or not all((*verdict.sums, *averaged)), figures(resource, wanted, inside, verdict)
    if not asked.grouped:
        return Aggregated(withheld, whole, None, False)
    shown_cells = [cell for cell in inside if cell.part.key in verdict.shown]
    _check_keys(asked, shown_cells)
    groups: dict[Key, list[Cell]] = {}
    for cell in shown_cells:
        groups.setdefault(cell.part.key, []).append(cell)
    ordered = sorted(groups, key=order_of)
    told = tuple(Group(_key(asked, key), figures(resource, wanted, groups[key], verdict)) for key in ordered[: asked.first])
    return Aggregated(withheld, whole, told, len(ordered) > asked.first)


def _check_keys(asked: Asking, cells: Sequence[Cell]) -> None:
    """Before groups are made: what cannot be delivered equals an empty text."""
    for place, (_, item) in enumerate(asked.keys):
        if any(isinstance(cell.part.key[place], Undeliverable) for cell in cells):
            raise undeliverable(asked.face.resource, item)
        if item.kind is Kind.INTEGER and not all(fits(cell.part.key[place], item.kind) for cell in cells):
            raise unfit(asked.face.resource, item)


def _key(asked: Asking, key: Key) -> dict[str, Value]:
    return {name: shown(value, item) for (name, item), value in zip(asked.keys, key, strict=True)}
