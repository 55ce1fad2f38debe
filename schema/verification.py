"""Verification 核验: does the claim match? The comparison is made in the source; no value is selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from auth.rights import Operation
from connectors.selection import Match, Row, Selection, Undeliverable, Value
from schema.answer import Answer, take
from schema.faces import Face
from schema.faults import Code, Fault, bad_input
from schema.filters import Binds
from schema.model import Item
from schema.plan import VerifyPlan
from schema.reader import Reader
from schema.shapes import ItemUse
from schema.values import canonical, identified, spellings


class Outcome(Enum):
    """``VerificationOutcome`` of the contract."""

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    NOT_FOUND = "NOT_FOUND"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True, slots=True)
class Verified:
    """What one verification found. ``claims`` is ``None`` where the grant gives no answer per claim."""

    outcome: Outcome
    claims: tuple[tuple[str, Outcome], ...] | None
    as_of: datetime | None


@dataclass(frozen=True)
class Question:
    """One subject and the claims about it, in canonical form."""

    key: Item
    subject: Value
    claims: tuple[tuple[str, Item, Value], ...]


def question(face: Face, subject: Mapping[str, Any], claims: Mapping[str, Any], path: str = "") -> Question:
    """Checks and canonicalises one request.

    Raises:
        Fault: ``BAD_INPUT``.
    """
    given = [(name, value) for name, value in subject.items() if value is not None]
    if len(given) != 1:
        raise bad_input(f"{path}subject 须恰有一个标识", f"{path}subject must have exactly one identifier")
    name, value = given[0]
    if not claims:
        raise bad_input(f"{path}claims 不能为空", f"{path}claims must not be empty", "至少给出一项声明", "make at least one claim")
    key = face.keys[name]
    made = tuple((claim, face.claims[claim], canonical(face.claims[claim], said, f"{path}claims.{claim}")) for claim, said in claims.items())
    return Question(key, canonical(key, value, f"{path}subject.{name}"), made)


async def verify(face: Face, asked: Question, reader: Reader, answer: Answer) -> Verified:
    """Compares the claims in the source; what it notes, asks and counts is the same whatever comes of it.

    A source that is down, or serves what is older than its cycle allows, makes the outcome ``INDETERMINATE``, which is no answer and no error.
    """
    binds: Binds = {f"c{i}": spellings(item, said) for i, (_, item, said) in enumerate(asked.claims)}
    outputs = tuple(Match(item.column, item.kind, f"c{i}") for i, (_, item, _) in enumerate(asked.claims))
    where = reader.where(face, binds, [identified(asked.key, asked.subject, binds, "subject", spelled=face.spelled)])
    uses = (ItemUse(asked.key.code, "key"), *(ItemUse(item.code, "match") for _, item, _ in asked.claims))
    access = answer.access(face, Operation.VERIFY)
    access.subjects[asked.key.code, asked.subject] = None
    answer.asked.append((face.resource.code, str(asked.subject)))
    take(access, uses, 0)
    try:
        rows, stale, as_of = await reader.compared(face, Selection(face.resource.binding, outputs, where), binds)
    except Fault as fault:
        if fault.code not in (Code.SOURCE_UNAVAILABLE, Code.TIMEOUT):
            raise
        rows, stale, as_of = (), True, None
    subject = face.resource.code, asked.key.code, str(asked.subject)
    if stale or as_of is None:
        answer.uncompared.add(subject)
        return Verified(Outcome.INDETERMINATE, _per_claim(face, asked, Outcome.INDETERMINATE), as_of)
    answer.compared.add(subject)
    found = _judge(face, asked, rows, as_of)
    if found.outcome in (Outcome.MATCH, Outcome.INDETERMINATE):
        answer.cleared.add(subject)
    return found


def _judge(face: Face, asked: Question, rows: Sequence[Row], moment: datetime) -> Verified:
    if not rows:
        missing = Outcome.NOT_FOUND if face.decision.discloses_existence else Outcome.MISMATCH
        return Verified(missing, _per_claim(face, asked, missing), moment)
    found = [_agreed({_outcome(matched) for matched in several}) for several in zip(*rows, strict=True)]
    whole = next((outcome for outcome in (Outcome.MISMATCH, Outcome.INDETERMINATE) if outcome in found), Outcome.MATCH)
    if not face.decision.per_claim:
        return Verified(whole, None, moment)
    return Verified(whole, tuple((name, outcome) for (name, _, _), outcome in zip(asked.claims, found, strict=True)), moment)


def _agreed(outcomes: Set[Outcome]) -> Outcome:
    """One subject may have several rows, under two spellings of its identifier for one."""
    return next(iter(outcomes)) if len(outcomes) == 1 else Outcome.INDETERMINATE


def _outcome(matched: Value) -> Outcome:
    """A stored value that cannot be delivered cannot be compared either."""
    if isinstance(matched, Undeliverable):
        return Outcome.INDETERMINATE
    return Outcome.MATCH if matched else Outcome.MISMATCH


def _per_claim(face: Face, asked: Question, outcome: Outcome) -> tuple[tuple[str, Outcome], ...] | None:
    return tuple((name, outcome) for name, _, _ in asked.claims) if face.decision.per_claim else None


def rendered(plan: VerifyPlan, verified: Verified) -> dict[str, Any]:
    """``Verification`` under the response keys asked for."""
    made: dict[str, Any] = {}
    claims = [{"__typename": "ClaimOutcome", "item": item, "outcome": outcome.value} for item, outcome in verified.claims or ()]
    for key, nodes in plan.fields.items():
        name = nodes[0].name.value
        if name == "outcome":
            made[key] = verified.outcome.value
        elif name == "asOf":
            made[key] = verified.as_of.isoformat() if verified.as_of else None
        elif name == "claims":
            asked = tuple(plan.claimed[key].items())
            made[key] = None if verified.claims is None else [{key: claim[name] for key, name in asked} for claim in claims]
        else:
            made[key] = "Verification"
    return made


def slack(plan: VerifyPlan, verified: Verified) -> int:
    """Bytes by which ``rendered`` is shorter than with the longest outcomes and moments: with them added, its length tells nothing (CWE-203)."""
    spare = _LONGEST - len(verified.outcome.value)
    total = 0
    for nodes in plan.fields.values():
        name = nodes[0].name.value
        if name == "outcome":
            total += spare
        elif name == "asOf":
            total += len(_MOMENT) - (len(verified.as_of.isoformat()) + 2 if verified.as_of else len("null"))
    shown = sum(list(below.values()).count("outcome") for below in plan.claimed.values())
    return total + shown * sum(_LONGEST - len(outcome.value) for _, outcome in verified.claims or ())


_LONGEST = max(len(outcome.value) for outcome in Outcome)
_MOMENT = '"2026-01-01T00:00:00.000000+00:00"'
"""As long as a moment can be in JSON."""
