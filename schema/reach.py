"""Which resources the filters of one run reach through links: its rights, purposes and quotas are asked for these as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import GraphQLError, VariableValues

from auth.rights import Operation
from schema.faces import Face
from schema.filters import MOST_DEPTH
from schema.plan import Plan


def reaching(plan: Plan, variables: VariableValues) -> Plan:
    """The plan with these values: its ``faces`` hold every resource that its filters compare. Most plans stay as they are."""
    found: dict[str, Face] = {}
    for listed in plan.filtering:
        try:
            where = listed.arguments.values(variables).get("where")
        except GraphQLError:
            continue  # running the plan says so, at the field's path
        _walk(listed.face, where, found, 0)
    return replace(plan, faces={**plan.faces, **{(code, Operation.QUERY): face for code, face in found.items()}}) if found else plan


def _walk(face: Face, where: Any, found: dict[str, Face], depth: int) -> None:
    if not isinstance(where, Mapping) or depth > MOST_DEPTH:
        return
    for name, value in where.items():
        if name in ("and", "or"):
            for part in value or ():
                _walk(face, part, found, depth + 1)
        elif name == "not":
            _walk(face, value, found, depth + 1)
        elif name in face.link_filters:
            target = face.link_filters[name][1]
            found[target.resource.code] = target
            _walk(target, value, found, depth + 1)
