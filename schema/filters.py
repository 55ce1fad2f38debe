"""``where`` → predicates. One grammar for callers' filters and for the row conditions of grants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from graphql import GraphQLError

from connectors.selection import Compare, Comparison, Every, Kind, Linked, Not, Predicate, Some, Value
from schema.faces import Face
from schema.faults import Code, Fault, bad_input
from schema.model import Item, Resource
from schema.naming import camel
from schema.scalars import parse_bigint, parse_date, parse_datetime, parse_decimal
from schema.shapes import ItemUse
from schema.subjects import Subject, form
from schema.values import checked

MOST_IN = 1000
MOST_PARTS = 200
MOST_DEPTH = 10
MOST_LINKS = 3
"""Links that one filter leads through, one behind the other."""
Binds = dict[str, Value | Sequence[Value]]


@dataclass
class Reached:
    """What a filter is made of: the number of its parts, and the items of each resource that it compares."""

    parts: int = 0
    uses: dict[tuple[str, ItemUse], Face] = field(default_factory=dict)
    subjects: dict[Face, list[Subject]] = field(default_factory=dict)
    """Whom identifiers that must equal a value name."""

    def by_face(self) -> dict[Face, tuple[ItemUse, ...]]:
        """The items that are compared, of each resource."""
        found: dict[Face, tuple[ItemUse, ...]] = {}
        for (_, use), face in self.uses.items():
            found[face] = (*found.get(face, ()), use)
        return found


class Filter:
    """Builds a predicate from ``where``; values become parameters ``<prefix>0``, ``<prefix>1`` … in ``binds``."""

    def __init__(self, items: Mapping[str, Item], binds: Binds, prefix: str, reached: Reached | None = None) -> None:
        self._items = items
        self._binds = binds
        self._prefix = prefix
        self._face: Face | None = None
        self._links = 0
        self.reached = reached or Reached()

    @classmethod
    def of(cls, face: Face, binds: Binds, prefix: str, reached: Reached | None = None, links: int = 0) -> Filter:
        """A caller's filter, which may lead through links; this one is behind ``links`` of them."""
        made = cls(face.filters, binds, prefix, reached)
        made._face, made._links = face, links
        return made

    def predicate(self, where: Mapping[str, Any], path: str = "where", depth: int = 0) -> Predicate:
        """All entries of one ``where`` object hold."""
        if depth > MOST_DEPTH:
            raise bad_input(f"筛选条件嵌套超过 {MOST_DEPTH} 层", f"the filter is nested deeper than {MOST_DEPTH} levels", "请简化筛选", "simplify the filter")
        self._count()
        return Every(tuple(self._entry(name, value, f"{path}.{name}", depth) for name, value in where.items()))

    def _entry(self, name: str, value: Any, path: str, depth: int) -> Predicate:
        if value is None:
            raise _null(path)
        if name in ("and", "or"):
            parts = tuple(self.predicate(part, f"{path}[{i}]", depth + 1) for i, part in enumerate(value))
            return Every(parts) if name == "and" else Some(parts)
        if name == "not":
            return Not(self.predicate(value, path, depth + 1))
        if self._face is not None and name in self._face.link_filters:
            return self._linked(self._face, name, value, path, depth)
        item = self._items[name]
        self._note(item, "match")
        return Every(tuple(self._compare(item, comparator, operand, f"{path}.{comparator}") for comparator, operand in value.items()))

    def _linked(self, face: Face, name: str, where: Mapping[str, Any], path: str, depth: int) -> Predicate:
        """The condition of the caller's grant on the linked resource is part of it: a row that is not there for the caller cannot be found by a filter."""
        if self._links >= MOST_LINKS:
            raise bad_input(
                f"筛选经过的链接超过 {MOST_LINKS} 层", f"the filter leads through more than {MOST_LINKS} links", "请简化筛选", "simplify the filter"
            )
        link, target = face.link_filters[name]
        own, key = face.resource.items[link.item], target.resource.items[link.to_item]
        inner = Filter.of(target, self._binds, self._prefix, self.reached, self._links + 1)
        self._note(own, "key")
        inner._note(key, "key")
        parts = [inner.predicate(where, path, depth + 1)]
        if target.decision.rows is not None:
            parts.append(row_condition(target.resource, target.decision.rows, self._binds))
        return Linked(own.column, own.kind, target.resource.binding, key.column, Every(tuple(parts)))

    def _note(self, item: Item, shown: Literal["key", "match"]) -> None:
        if self._face is not None:
            self.reached.uses[self._face.resource.code, ItemUse(item.code, shown)] = self._face

    def _compare(self, item: Item, comparator: str, operand: Any, path: str) -> Predicate:
        self._count()
        if operand is None:
            raise _null(path)
        if isinstance(operand, list):
            if len(operand) > MOST_IN:
                raise bad_input(f"{path} 的取值超过 {MOST_IN} 个", f"{path} has more than {MOST_IN} values", "请分批查询", "ask in several calls")
            bound: Value | Sequence[Value] = tuple(checked(value, path) for value in operand)
        else:
            bound = checked(operand, path)
        if comparator in ("eq", "in") and self._face is not None and item in self._face.resource.identifying.get(item.column, ()):
            asked = bound if isinstance(bound, tuple) else (bound,)
            self.reached.subjects.setdefault(self._face, []).extend((item.code, form(item, value)) for value in asked)
        name = f"{self._prefix}{len(self._binds)}"
        self._binds[name] = bound
        return Compare(item.column, item.kind, Comparison(comparator), name)

    def _count(self) -> None:
        self.reached.parts += 1
        if self.reached.parts > MOST_PARTS:
            raise bad_input(f"筛选条件超过 {MOST_PARTS} 项", f"the filter has more than {MOST_PARTS} parts", "请简化筛选", "simplify the filter")


def _null(path: str) -> Fault:
    return bad_input(
        f"{path} 不能为 null",
        f"{path} must not be null",
        "判断空值请用 isNull；不需要的条件请省略",
        "use isNull to ask for nulls; leave a condition out where it is not wanted",
    )


def comparisons(kind: Kind) -> tuple[str, ...]:
    """Names of the comparisons that an item's type has in filters."""
    names = ["eq", "ne"]
    if kind is not Kind.BOOLEAN:
        names += ["in", "notIn"]
    if kind is Kind.STRING:
        names.append("startsWith")
    elif kind is not Kind.BOOLEAN:
        names += ["gt", "gte", "lt", "lte"]
    return (*names, "isNull")


_PARSERS = {Kind.DATE: parse_date, Kind.DATETIME: parse_datetime, Kind.DECIMAL: parse_decimal, Kind.BIGINT: parse_bigint}
_PYTHON_TYPES: Mapping[Kind, tuple[type, ...]] = {Kind.STRING: (str,), Kind.INTEGER: (int,), Kind.FLOAT: (int, float), Kind.BOOLEAN: (bool,)}


def check_rows(resource: Resource, rows: Any) -> str:
    """A grant's row condition, checked against the catalog: canonical JSON text.

    Raises:
        Fault: ``BAD_INPUT``, naming the place.
    """
    _check_where(resource, rows, "rows", 0)
    Filter(row_items(resource), {}, "r").predicate(rows, "rows")
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _check_where(resource: Resource, where: Any, path: str, depth: int) -> None:
    if not isinstance(where, dict) or not where or depth > 8:
        raise bad_input(
            f"{path} 应为非空对象", f"{path} must be an object that is not empty", '例如 {"district": {"eq": "520102"}}', 'e.g. {"district": {"eq": "520102"}}'
        )
    names = row_items(resource)
    for name, value in where.items():
        here = f"{path}.{name}"
        if name in ("and", "or") and isinstance(value, list) and value:
            for i, part in enumerate(value):
                _check_where(resource, part, f"{here}[{i}]", depth + 1)
        elif name == "not":
            _check_where(resource, value, here, depth + 1)
        elif name in names and isinstance(value, dict) and value:
            for comparator, operand in value.items():
                _check_operand(names[name], comparator, operand, f"{here}.{comparator}")
        else:
            known = ", ".join(sorted(names))
            raise bad_input(f"{here} 不是可用的条件", f"{here} is no condition", f"可用信息项：{known}", f"items: {known}")


def _check_operand(item: Item, comparator: str, operand: Any, path: str) -> None:
    if comparator not in comparisons(item.kind):
        known = ", ".join(comparisons(item.kind))
        raise bad_input(f"{path}:没有这种比较", f"{path}: no such comparison", f"可用：{known}", f"known: {known}")
    if comparator == "isNull":
        fits = isinstance(operand, bool)
    elif comparator in ("in", "notIn"):
        fits = isinstance(operand, list) and 0 < len(operand) <= MOST_IN and all(_fits(item.kind, value) for value in operand)
    else:
        fits = _fits(item.kind, operand)
    if not fits:
        raise bad_input(f"{path} 的值与类型 {item.kind.value} 不符", f"{path} has a value that is no {item.kind.value}")


def _fits(kind: Kind, value: Any) -> bool:
    if kind in _PARSERS:
        try:
            return bool(_PARSERS[kind](value) == value) or kind is Kind.DECIMAL
        except GraphQLError:
            return False
    return isinstance(value, _PYTHON_TYPES[kind]) and (kind is Kind.BOOLEAN or not isinstance(value, bool))


def row_items(resource: Resource) -> dict[str, Item]:
    """Names that a row condition may use: every item, by its GraphQL name or its code."""
    return dict(resource.items) | {camel(code): item for code, item in resource.items.items()}


def names_in(rows: Any) -> set[str]:
    """Names of the items that a row condition compares, as it writes them."""
    found: set[str] = set()
    waiting = [rows]
    while waiting:
        for name, value in waiting.pop().items():
            if name in ("and", "or") and isinstance(value, list):
                waiting += value
            elif name == "not":
                waiting.append(value)
            else:
                found.add(name)
    return found


def row_condition(resource: Resource, rows: str, binds: Binds) -> Predicate:
    """The predicate of a grant's stored row condition."""
    try:
        return Filter(row_items(resource), binds, "r").predicate(json.loads(rows), "rows")
    except KeyError:
        raise Fault(
            Code.FORBIDDEN,
            f"{resource.code} 的授权条件引用了目录中已不存在的信息项",
            f"the row condition of the grant for {resource.code} names an item that the catalog no longer has",
            "请安全管理员重新授权",
            "the security administrator has to grant anew",
        ) from None
