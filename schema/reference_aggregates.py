"""Aggregates for the reference: of rows that are read one by one, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from connectors.aggregation import plain
from connectors.selection import Column, Every, Kind, Predicate, Selection, Undeliverable
from connectors.wire import comparable
from schema.cohorts import Part, Verdict, judge, order_of
from schema.faces import Face
from schema.faults import bad_input
from schema.filters import Binds, Filter, row_condition
from schema.model import Item
from schema.questions import Question, Questions, predicate_of, rows_of, text_of
from schema.reader import Reader
from schema.values import fits, undeliverable, unfit

Rows = list[dict[str, Any]]


@dataclass
class _Asked:
    face: Face
    reader: Reader
    binds: Binds

    async def rows(self, where: Predicate) -> Rows:
        """The raw rows of a predicate, by source column."""
        resource = self.face.resource
        columns = [Column(resource.stable_key, resource.stable_kind), *(Column(item.column, item.kind) for item in resource.items.values())]
        named = tuple({column.name: column for column in columns}.values())
        found = await self.reader.rows(self.face, Selection(resource.binding, named, where), self.binds, ())
        return [dict(zip([column.name for column in named], row, strict=True)) for row in found]


Figures = Mapping[str, Set[str]]
"""``sum``, ``avg``, ``min``, ``max`` → names of items."""


async def aggregate_resolver(face: Face, args: Mapping[str, Any], reader: Reader, questions: Questions, selected: Figures) -> dict[str, Any]:
    """What a resolver of the field gives."""
    args = {**args, "first": 100 if args.get("first") is None else args["first"]}
    first = args["first"]
    if not isinstance(first, int) or not 1 <= first <= 1000:
        raise bad_input("first", "first must be an integer from 1 to 1000")
    asked = _Asked(face, reader, {})
    own: Predicate = Every(()) if face.decision.rows is None else row_condition(face.resource, face.decision.rows, asked.binds)
    asking = [Filter.of(face, asked.binds, "p").predicate(args["where"])] if args.get("where") else []
    where: Predicate = Every((*asking, own))
    keys = {name: face.groupable[name] for name in args.get("groupBy") or ()}
    items = {name: item for name, item in face.fields.items() if any(name in names for names in selected.values())}
    async with questions.about(rows_of(face.resource)) as known:
        question = Question(text_of(own, asked.binds), text_of(where, asked.binds), tuple((item.column, item.kind.value) for item in keys.values()))
        least = face.resource.least_cohort
        if least > 1:
            known.admit(question)
        past = [each for each in known.known.values() if each.answered] if least > 1 else []
        inside = await asked.rows(where)
        verdict = judge(await _parts(asked, past, inside, own, keys, items), least, len(items))
        if least > 1:
            shown = verdict.shown if keys else frozenset()
            known.note(Question(question.rows, question.where, question.keys, shown, answered=verdict.told))
    return _answer(face, args, inside, keys, items, verdict, selected)


async def _parts(asked: _Asked, past: list[Question], inside: Rows, own: Predicate, keys: Mapping[str, Item], items: Mapping[str, Item]) -> list[Part]:
    stable = asked.face.resource.stable_key
    every = {row[stable]: row for row in [*await asked.rows(own), *inside]}
    selected = {row[stable] for row in inside}
    before: list[dict[Any, Any]] = []
    for each in past:
        there = await asked.rows(predicate_of(each.where, asked.binds, "past"))
        every |= {row[stable]: row for row in there}
        before.append({row[stable]: _place(each, row) for row in there})
    return [
        Part(
            tuple(each.get(number, False) for each in before),
            number in selected,
            tuple(row[item.column] for item in keys.values()) if number in selected else (),
            1,
            tuple(int(row[item.column] is not None) for item in items.values()),
        )
        for number, row in every.items()
    ]


def _place(question: Question, row: Mapping[str, Any]) -> Any:
    if not question.keys:
        return True
    key = tuple(row[name] for name, _ in question.keys)
    return key if key in question.shown else "rest"


def _answer(
    face: Face, args: Mapping[str, Any], inside: Rows, keys: Mapping[str, Item], items: Mapping[str, Item], verdict: Verdict, selected: Figures
) -> dict[str, Any]:
    grouped = args.get("groupBy") is not None
    lacking = not all(verdict.sums) or any(not told for name, told in zip(items, verdict.averages, strict=True) if name in selected["avg"])
    whole = {
        **_figures(face, inside if verdict.told else [], items, verdict, selected),
        "withheld": not verdict.told or verdict.rest > 0 or lacking,
        "moreGroups": False,
    }
    whole |= {"count": len(inside) if verdict.told else None, "groups": [] if grouped else None}
    if not grouped or not verdict.told:
        return whole
    groups: dict[Any, Rows] = {}
    for row in inside:
        key = tuple(row[item.column] for item in keys.values())
        if key in verdict.shown:
            groups.setdefault(key, []).append(row)
    for item in keys.values():
        values = [row[item.column] for rows in groups.values() for row in rows]
        if any(isinstance(value, Undeliverable) for value in values):
            raise undeliverable(face.resource, item)
        if item.kind is Kind.INTEGER and not all(fits(value, item.kind) for value in values):
            raise unfit(face.resource, item)
    ordered = sorted(groups, key=order_of)
    told = [
        {
            "key": dict.fromkeys(face.groupable) | dict(zip(keys, key, strict=True)),
            "count": len(groups[key]),
            **_figures(face, groups[key], items, verdict, selected),
        }
        for key in ordered[: args["first"]]
    ]
    return {**whole, "groups": told, "moreGroups": len(ordered) > args["first"]}


def _figures(face: Face, rows: Rows, items: Mapping[str, Item], verdict: Verdict, selected: Figures) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = {"sum": {}, "avg": {}, "min": {}, "max": {}}
    for (name, item), told, average in zip(items.items(), verdict.sums, verdict.averages, strict=True):
        values = [row[item.column] for row in rows if row[item.column] is not None] if told else []
        if any(isinstance(value, Undeliverable) for value in values):
            raise undeliverable(face.resource, item)
        total, mean = _totals(face, item, values) if values and name in selected["sum"] | selected["avg"] else (None, None)
        made["sum"][name], made["avg"][name] = total, mean if average else None
        made["min"][name], made["max"][name] = _extremes(face, item, values) if values and name in selected["min"] | selected["max"] else (None, None)
    return dict(made)


def _extremes(face: Face, item: Item, values: list[Any]) -> tuple[Any, Any]:
    ordered = sorted(values, key=lambda value: comparable(value, item.kind))
    if item.kind in (Kind.INTEGER, Kind.FLOAT) and not (fits(ordered[0], item.kind) and fits(ordered[-1], item.kind)):
        raise unfit(face.resource, item)
    if item.kind is Kind.DECIMAL:
        return plain(Decimal(str(ordered[0]))), plain(Decimal(str(ordered[-1])))
    return ordered[0], ordered[-1]


def _totals(face: Face, item: Item, values: list[Any]) -> tuple[Any, Any]:
    if item.kind is Kind.FLOAT:
        total = sum(map(float, values))
        if not math.isfinite(total):
            raise unfit(face.resource, item)
        return math.fsum(values), math.fsum(values) / len(values)
    with localcontext() as context:
        context.prec = 200
        number = sum((Decimal(str(value)) for value in values), Decimal(0))
        mean = plain((number / len(values)).quantize(Decimal("1e-10"), ROUND_HALF_EVEN))
    return plain(number) if item.kind is Kind.DECIMAL else int(number), mean
