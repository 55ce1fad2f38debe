"""The reference: graphql-core's own executor over plain resolvers, written for plainness, against which the plan executor is tested.

It reads raw columns, interprets the mask rules value by value, follows links through aiodataloader, and uses neither shapes nor plans.
It serves no caller: raw values would enter the hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiodataloader import DataLoader
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLResolveInfo, execute

from auth.rights import ItemDecision, Shown
from connectors.selection import Column, Kind, Selection, Undeliverable, Value
from masking import reference
from masking.rules import tells_nothing
from schema.answer import Answer, FieldError
from schema.collect import Collector
from schema.cursors import Cursors
from schema.documents import Document
from schema.faces import Face
from schema.faults import Fault, bad_input
from schema.filters import Binds
from schema.lists import cursors_of, listing, page_info, read_count, read_page
from schema.model import Item, Link
from schema.questions import Questions
from schema.reader import Reader, Sources
from schema.reference_aggregates import aggregate_resolver
from schema.values import canonical, fits, identified, undeliverable, unfit
from schema.verification import question, verify


@dataclass
class Context:
    """One call's context: its reader and its loaders."""

    reader: Reader
    answer: Answer
    cursors: Cursors
    caller: str
    questions: Questions
    loaders: dict[tuple[str, str], DataLoader[Value, dict[str, Value] | None]] = field(default_factory=dict)

    def loader(self, face: Face, item: str) -> DataLoader[Value, dict[str, Value] | None]:
        """The loader that finds the resource's rows by an identifier."""
        key = (face.resource.code, item)
        if key not in self.loaders:
            self.loaders[key] = DataLoader(partial(self._load, face, item), cache=True)
        return self.loaders[key]

    async def _load(self, face: Face, item: str, values: list[Value]) -> list[dict[str, Value] | None]:
        return [await self.one(face, face.resource.items[item], value, spelled=False) for value in values]

    async def one(self, face: Face, item: Item, value: Value, *, spelled: bool) -> dict[str, Value] | None:
        """The raw row with this identifier, by source column; with ``spelled``, in any of its spellings."""
        binds: Binds = {"limit": 1}
        where = self.reader.where(face, binds, [identified(item, value, binds, "key", spelled=spelled)])
        columns = _raw_columns(face)
        rows = await self.reader.rows(face, Selection(face.resource.binding, columns, where, limit="limit"), binds, ())
        return _named(columns, rows[0]) if rows else None


def _raw_columns(face: Face) -> tuple[Column, ...]:
    resource = face.resource
    every = [Column(item.column, item.kind) for item in resource.items.values()]
    return tuple(dict.fromkeys([Column(resource.stable_key, resource.stable_kind), *every]))


def _named(columns: Sequence[Column], row: Sequence[Value]) -> dict[str, Value]:
    return {column.name: value for column, value in zip(columns, row, strict=False)}


async def run_reference(
    document: Document,
    variables: Mapping[str, Any],
    operation: str | None,
    sources: Sources,
    cursors: Cursors,
    caller: str,
    questions: Questions | None = None,
) -> Answer:
    """Runs a document of resource fields. Errors carry faults; data is as graphql-core makes it."""
    answer = Answer()
    context = Context(Reader(sources, answer), answer, cursors, caller, questions or Questions())
    result = execute(document.schema, document.node, {}, context, dict(variables), operation, field_resolver=_resolve)
    if not isinstance(result, ExecutionResult):
        result = await result
    answer.data = result.data
    for error in result.errors or []:
        answer.errors.append(_field_error(error))
    return answer


def _field_error(error: GraphQLError) -> FieldError:
    cause = error.original_error
    if cause is not None and not isinstance(cause, Fault | GraphQLError):
        raise cause
    return FieldError(tuple(error.path or ()), cause if isinstance(cause, Fault) else bad_input(error.message, error.message))


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
    known = info.parent_type.fields[info.field_name].extensions.get("huitong")
    if known is None:
        return source[info.field_name]() if callable(source[info.field_name]) else source[info.field_name]
    kind, subject = known
    if kind == "item":
        return _item(source, subject)
    if kind == "link":
        return _linked(source, info.context, *subject)
    by_info = {"list": _list, "aggregate": _aggregate}.get(kind)
    if by_info is not None:
        return by_info(info, subject, args)
    return {"one": _one, "verify": _verify, "verify_many": _verify_many}[kind](info.context, subject, args)


def _item(source: Mapping[str, Any], item: Item) -> Any:
    face: Face = source["face"]
    decided: ItemDecision = face.decided(item.code)
    raw = source["row"][item.column]
    if decided.mask is not None and tells_nothing(decided.mask):
        return None
    if isinstance(raw, Undeliverable):
        raise undeliverable(face.resource, item)
    value = reference.apply(decided.mask, raw) if decided.shown is Shown.MASKED and decided.mask is not None else raw
    if item.kind in (Kind.INTEGER, Kind.FLOAT) and not fits(value, item.kind):
        raise unfit(face.resource, item)
    return value


async def _linked(source: Mapping[str, Any], context: Context, face: Face, link: Link, target: Face) -> Any:
    value = source["row"][face.resource.items[link.item].column]
    if value is None:
        return None
    if isinstance(value, Undeliverable):
        raise undeliverable(face.resource, face.resource.items[link.item])
    row = await context.loader(target, link.to_item).load(value)
    return None if row is None else {"face": target, "row": row}


async def _one(context: Context, face: Face, args: Mapping[str, Any]) -> Any:
    given = [(name, value) for name, value in args.items() if value is not None]
    if len(given) != 1:
        raise bad_input("标识", f"give exactly one identifier: {', '.join(face.keys)}")
    name, value = given[0]
    item = face.keys[name]
    row = await context.one(face, item, canonical(item, value, name), spelled=face.spelled)
    return None if row is None else {"face": face, "row": row}


async def _list(info: GraphQLResolveInfo[Any], face: Face, args: Mapping[str, Any]) -> Any:
    context: Context = info.context
    listed = listing(face, _raw_columns(face), (), args, context.reader, context.cursors, context.caller)
    page = await read_page(listed, context.reader)
    columns = [column for column in listed.selection.outputs if isinstance(column, Column)]
    nodes = [{"face": face, "row": _named(columns, row)} for row in page.rows]
    names = {name: name for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")}
    cursors = cursors_of(listed, page, context.cursors)
    edges = [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)]

    async def total() -> int | None:
        count, least = await read_count(listed, context.reader), face.resource.least_cohort
        if count >= least or least == 1:
            return count
        shown = {below[0].name.value for below in _collector(info).below(list(info.field_nodes)).values()} & {"nodes", "edges"}
        return len(nodes) if shown and not page.more and not listed.behind else None

    return {"nodes": nodes, "edges": edges, "pageInfo": page_info(names, listed, page, context.cursors), "totalCount": total}


async def _aggregate(info: GraphQLResolveInfo[Any], face: Face, args: Mapping[str, Any]) -> Any:
    return await aggregate_resolver(face, args, info.context.reader, info.context.questions, _figures_selected(info))


def _collector(info: GraphQLResolveInfo[Any]) -> Collector:
    return Collector(DocumentNode(definitions=tuple(info.fragments.values())), info.variable_values.coerced)


def _figures_selected(info: GraphQLResolveInfo[Any]) -> dict[str, set[str]]:
    """``sum``, ``avg``, ``min``, ``max`` → names of the items that are selected below them, anywhere in the field."""
    collector = _collector(info)
    found: dict[str, set[str]] = {"sum": set(), "avg": set(), "min": set(), "max": set()}
    pending = [collector.below(list(info.field_nodes))]
    while pending:
        for nodes in pending.pop().values():
            name, below = nodes[0].name.value, collector.below(nodes)
            if name in found:
                found[name] |= {inner[0].name.value for inner in below.values()} - {"__typename"}
            elif name == "groups":
                pending.append(below)
    return found


async def _verify(context: Context, face: Face, args: Mapping[str, Any]) -> Any:
    return await _verified(context, face, args["subject"], args["claims"], "")


async def _verify_many(context: Context, face: Face, args: Mapping[str, Any]) -> Any:
    context.reader.allowance.reserve("verifications", len(args["requests"]))
    return [await _verified(context, face, r["subject"], r["claims"], f"requests[{i}].") for i, r in enumerate(args["requests"])]


async def _verified(context: Context, face: Face, subject: Mapping[str, Any], claims: Mapping[str, Any], path: str) -> Any:
    found = await verify(face, question(face, subject, claims, path), context.reader, context.answer)
    per_claim = None if found.claims is None else [{"item": item, "outcome": outcome.value} for item, outcome in found.claims]
    return {"outcome": found.outcome.value, "claims": per_claim, "asOf": found.as_of}
