"""What a document would claim of whom, read off before it runs, so that it can be counted before a source is asked."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, VariableValues

from schema.faces import Face
from schema.faults import Fault
from schema.plan import Plan, VerifyPlan
from schema.verification import Question, question

MOST = 100
"""Requests that are looked at: a call with more is refused when it runs (``Allowance.verifications``)."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One claimed value of one item of one subject. ``claim`` is the canonical value with its type, or what was sent where it has no such form."""

    resource: str
    key: str
    subject: str
    item: str
    claim: str


def guesses(plan: Plan, variables: VariableValues) -> tuple[Guess, ...]:
    """Every guess that running the plan with these values would make, each once. Arguments that are not of their type make none: they are compared with nothing."""
    found: dict[Guess, None] = {}
    left = MOST
    for root in plan.roots:
        if isinstance(root, VerifyPlan):
            requests = _requests(root, variables)[:left]
            left -= len(requests)
            for request in requests:
                found.update(dict.fromkeys(_guesses(root.face, request["subject"], request["claims"])))
    return tuple(found)


def _requests(plan: VerifyPlan, variables: VariableValues) -> list[Mapping[str, Any]]:
    try:
        args = plan.arguments.values(variables)
    except GraphQLError:
        return []
    return args["requests"] if plan.many else [args]


def _guesses(face: Face, subject: Mapping[str, Any], claims: Mapping[str, Any]) -> Iterator[Guess]:
    """Claim by claim, so that one that is refused hides no other."""
    for name, said in claims.items():
        asked = _question(face, subject, {name: said})
        if asked is not None:
            ((_, item, value),) = asked.claims
            yield Guess(face.resource.code, asked.key.code, str(asked.subject), item.code, f"{type(value).__name__}:{value}")
        elif (key := next((given for given in subject if subject[given] is not None and given in face.keys), None)) is not None:
            yield Guess(face.resource.code, face.keys[key].code, _plain(subject[key]), face.claims[name].code, f"sent:{_plain(said)}")


def _question(face: Face, subject: Mapping[str, Any], claims: Mapping[str, Any]) -> Question | None:
    try:
        return question(face, subject, claims)
    except Fault:
        return None


def _plain(value: Any) -> str:
    """What has no canonical form, so that blanks and width make no further guess of it."""
    return unicodedata.normalize("NFKC", str(value)).strip().upper()
