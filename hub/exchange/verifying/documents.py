"""Document × rights → what is verified of each row: one verification field, its variables, and what of its outcome goes into the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLNonNull, GraphQLScalarType, ObjectValueNode, OperationType, type_from_ast

from auth.decide import Rights
from hub.api.prepared import Checks, Prepared
from hub.exchange.reads import reads_of
from hub.ledger.entry import Shown
from hub.live import Live
from hub.withdrawal.telling import check_document
from schema.documents import Documents
from schema.faults import bad_input
from schema.plan import Plan, Plans, VerifyPlan

_LIKE = "query ($id: String!, $name: String!) { civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: $name}) { outcome } } }"


@dataclass(frozen=True)
class Compiled:
    """A verification for the rights of its application."""

    prepared: Prepared
    plan: Plan
    field: VerifyPlan
    checks: Checks
    types: Mapping[str, str]
    """Variable → its type's name."""
    required: frozenset[str]
    """Variables that must have a value."""
    claims: tuple[str, ...]
    """Of which the document asks the outcome one by one; empty where it does not."""
    moment: bool
    """Whether it asks as of when data are."""
    reads: str
    """See :func:`hub.exchange.reads.reads_of`."""

    @property
    def items(self) -> dict[str, list[tuple[str, Shown, None]]]:
        """What entries say of items, by resource: the subject's identifiers, and what was compared."""
        face = self.field.face
        keys: list[tuple[str, Shown, None]] = [(face.keys[name].code, "key", None) for name in _names(self.field, "subject")]
        compared: list[tuple[str, Shown, None]] = [(face.claims[name].code, "match", None) for name in _names(self.field, "claims")]
        return {face.resource.code: keys + compared}


def compile_document(live: Live, documents: Documents, plans: Plans, text: str, operation_name: str | None, rights: Rights) -> Compiled:
    """The verification behind a document.

    Raises:
        InvalidDocument: see ``check_document``.
        Fault: it is no single verification with plain variables; ``FORBIDDEN`` where the caller may not verify.
    """
    view = live.view(rights)
    document = check_document(live, documents, text, view)
    operation = document.operation(operation_name)
    if operation.operation is not OperationType.QUERY or plans.flags(document, operation):
        raise _no_verification()
    prepared = Prepared(view, document, operation, plans)
    plan = plans.plan(view, document, operation, {})
    if plan.others or plan.named or len(plan.roots) != 1 or not isinstance(plan.roots[0], VerifyPlan) or plan.roots[0].many:
        raise _no_verification()
    field = plan.roots[0]
    shown = [nodes[0].name.value for nodes in field.fields.values()]
    below = {name for asked in field.claimed.values() for name in asked.values()}
    types, required = _variables(prepared)
    claims = _names(field, "claims") if "outcome" in below else ()
    if "outcome" not in shown or not types:
        raise _no_verification()
    reads = reads_of((face.resource for face in plan.faces.values()), live.snapshot.sources)
    return Compiled(prepared, plan, field, Checks(plan, document), types, required, claims, "asOf" in shown, reads)


def input_digest(
    document: str, upload: str, format_: str, operation_name: str | None, keep: Sequence[str], encoding: str, destination: str | None = None
) -> str:
    """By what the input of ``startVerification`` is known again, when it is sent again and when its job is resumed."""
    given = ["verification", document, upload, format_, operation_name, list(keep), encoding]
    # Jobs that were begun before there were destinations are known again.
    return hashlib.sha256(orjson.dumps(given if destination is None else [*given, destination])).hexdigest()


def check_table(compiled: Compiled, columns: Sequence[str], keep: Sequence[str]) -> None:
    """That a table's columns are the document's variables, but for those that are only kept.

    Raises:
        Fault: ``BAD_INPUT``, naming columns.
    """
    if absent := sorted(compiled.required.difference(columns)):
        raise bad_input(
            f"表中缺少列：{', '.join(absent)}", f"the table lacks columns: {', '.join(absent)}", "列名须与变量同名", "columns are named like variables"
        )
    if unknown := [name for name in keep if name not in columns]:
        raise bad_input(f"keep 中的列不存在：{', '.join(unknown)}", f"keep names columns that are not there: {', '.join(unknown)}")
    if len(set(keep)) < len(keep):
        raise bad_input("keep 中有重复的列", "keep names a column twice")
    if idle := [name for name in columns if name not in compiled.types and name not in keep]:
        shown = ", ".join(idle)
        raise bad_input(
            f"既非变量也不在 keep 中的列：{shown}", f"columns that are neither variables nor kept: {shown}", "请删去，或列入 keep", "remove or keep them"
        )


def _variables(prepared: Prepared) -> tuple[dict[str, str], frozenset[str]]:
    types: dict[str, str] = {}
    required = set()
    for definition in prepared.operation.variable_definitions or ():
        name, found = definition.variable.name.value, type_from_ast(prepared.document.schema, definition.type)
        inner = found.of_type if isinstance(found, GraphQLNonNull) else found
        if not isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            raise bad_input(
                f"变量 ${name} 须为标量",
                f"the variable ${name} must be a scalar",
                f"请逐项声明变量，例如 {_LIKE}",
                f"declare a variable for each item, e.g. {_LIKE}",
            )
        types[name] = inner.name
        if isinstance(found, GraphQLNonNull) and definition.default_value is None:
            required.add(name)
    return types, frozenset(required)


def _names(field: VerifyPlan, argument: str) -> tuple[str, ...]:
    """The fields of an argument's object, as the document writes it. Variables are scalars, so it does write it."""
    value: Any = next((each.value for each in field.node.arguments or () if each.name.value == argument), None)
    return tuple(each.name.value for each in value.fields or ()) if isinstance(value, ObjectValueNode) else ()


def _no_verification() -> Exception:
    return bad_input(
        "文档须恰好选择一个核验字段及其 outcome，取值来自变量，且不含 @skip 与 @include",
        "the document must select exactly one verification and its outcome, with values from variables, without @skip and @include",
        f"例如 {_LIKE}；每行即一次核验，不用复数形式的核验字段",
        f"e.g. {_LIKE}; each row is one verification: the plural field is not for this",
    )
