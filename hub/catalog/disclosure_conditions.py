"""Conditions that bind what a caller sees of a resource, beside items, operations and rows, in disclosure diffs."""

from __future__ import annotations

import json

from auth.rights import Decision
from schema.model import Resource

Conditions = tuple[tuple[str, str, str], ...]
"""Name, and the values before and after as JSON."""


def loosened(name: str, before: str, after: str) -> bool:
    """Whether a condition binds less than before; other documents may."""
    one, other = json.loads(before), json.loads(after)
    if name == "links":
        return not set(other) <= set(one)
    if name == "documents":
        return bool(one) and not (other and set(other) <= set(one))
    return bool(other < one if name == "least_cohort" else other > one)


def cohorts(before: Resource | None, after: Resource | None) -> Conditions:
    """The fewest rows of which a count or a figure is told, where that changed."""
    if before is None or after is None or before.least_cohort == after.least_cohort:
        return ()
    return (("least_cohort", str(before.least_cohort), str(after.least_cohort)),)


def links(*states: tuple[Resource | None, Decision | None]) -> Conditions:
    """Links that the caller's keys may lead it through: one from a masked key may lead to where the same value stands in clear."""
    one, other = (
        sorted(f"{each.field}: {each.item} → {each.to_resource}.{each.to_item}" for each in resource.links if _is_key(decision, each.item))
        for resource, decision in states
        if resource is not None and decision is not None
    )
    return (("links", json.dumps(one, ensure_ascii=False), json.dumps(other, ensure_ascii=False)),) if one != other else ()


def _is_key(decision: Decision, item: str) -> bool:
    return item in decision.items and decision.items[item].usable_as_key
