"""Random documents that select one list, as an exchange wants them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphql import get_named_type

from auth.decide import Rights
from schema.view import View
from tests.schema.dice import Dice
from tests.schema.worlds import World, make_rights
from tests.schema.writing import Literal, Writer, literal

_FIRST = 1000


def callers(dice: Dice, world: World) -> Rights:
    """Someone with grants, whose pages are long."""
    rights = make_rights(dice, world)
    return replace(rights, grants={code: replace(terms, page_limit=_FIRST) for code, terms in rights.grants.items()})


def listing(dice: Dice, world: World, view: View) -> tuple[str, dict[str, Any]] | None:
    """A document and its variables; ``None`` where the view has no list."""
    query = view.full.query_type
    assert query is not None
    lists: list[tuple[str, str, Any]] = []
    for department in view.faces.departments:
        type_: Any = get_named_type(query.fields[department].type)
        lists += [(department, name, known) for name, known in type_.fields.items() if known.extensions.get("huitong", ("",))[0] == "list"]
    if not lists:
        return None
    department, name, known = dice.pick(lists)
    face, writer = known.extensions["huitong"][1], Writer(dice, world, view)
    given: dict[str, Any] = {"first": min(_FIRST, face.decision.page_limit)}
    if "where" in known.args and dice.chance(45):
        given["where"] = writer.where(face)
    if "orderBy" in known.args and dice.chance(40):
        given["orderBy"] = [{key: Literal(dice.pick(("ASC", "DESC")))} for key in dice.some(list(face.filters), 0, 2)]
    arguments = ", ".join(f"{key}: {literal(value)}" for key, value in given.items())
    connection: Any = get_named_type(known.type)
    nodes = writer.selection(get_named_type(connection.fields["nodes"].type), 1)
    if "@" in nodes:
        # Directives may leave nothing of it, and then there is nothing to exchange.
        nodes = "{ k: __typename " + nodes[1:]
    declared = f"query Q({', '.join(f'${each}: {kind}' for each, kind in writer.declared.items())}) " if writer.declared else ""
    return "\n".join([f"{declared}{{ {department} {{ {name}({arguments}) {{ nodes {nodes} }} }} }}", *writer.fragments.values()]), writer.variables
