"""What an explanation looks like, to GraphQL and, as plain JSON, at the command line."""

from __future__ import annotations

import json
from collections.abc import Collection
from enum import Enum
from typing import Any

import strawberry

from auth.decide import GIVING
from auth.reasons import Reason
from auth.rights import Decision, ItemDecision, OpenClass, Operation, SharingClass, Shown
from hub.api.types import JSON, DateTime
from hub.sharing.explain import PUBLIC_NAME, Explained, GrantFacts
from hub.sharing.explain_articles import meanings

strawberry.enum(Reason, name="DecisionReason", description="决定的原因\n\nWhy a decision is as it is")


@strawberry.enum(description="所见：明文、脱敏、仅作键、不可见\n\nHow an item is seen: in clear, masked, as a key only, not at all")
class ItemShown(Enum):
    """How an item is seen."""

    CLEAR = "CLEAR"
    MASKED = "MASKED"
    KEY = "KEY"
    ABSENT = "ABSENT"


@strawberry.type(description="法规条文\n\nArticle of a regulation")
class Article:
    """A citation in both languages, and what the article says."""

    code: str
    citation: str
    citation_en: str
    text: str


@strawberry.type(description="原因及其依据\n\nA reason, in words, and the articles that demand it")
class Because:
    """Why something is decided as it is."""

    reason: Reason
    text: str
    text_en: str
    articles: list[Article]


@strawberry.type(description="对一个信息项的决定\n\nWhat is decided of an item")
class ExplainedItem:
    """One item; ``key`` says that it may be looked up and linked by."""

    code: str
    name: str
    name_en: str | None
    shown: ItemShown
    mask: str | None
    key: bool
    because: Because


@strawberry.type(description="对一种操作的决定\n\nWhat is decided of an operation")
class ExplainedOperation:
    """One operation."""

    operation: Operation
    allowed: bool
    because: Because


@strawberry.type(description="决定所依据的授权\n\nThe grant behind a decision")
class ExplainedGrant:
    """A grant, whatever its state."""

    id: strawberry.ID
    state: str
    valid_from: DateTime
    valid_to: DateTime | None
    approver: str
    agreement_hash: str | None


@strawberry.type(description="用途\n\nPurpose")
class ExplainedPurpose:
    """Why calls may be made."""

    code: str
    scenario: str
    basis: str


@strawberry.type(description="额度\n\nQuota")
class ExplainedQuota:
    """How much may be taken in a period."""

    calls: int | None
    rows: int | None
    per: str


@strawberry.type(description="决定所附条件\n\nThe conditions of a decision")
class ExplainedTerms:
    """What holds for every use of the resource."""

    row_condition: JSON | None
    purposes: list[ExplainedPurpose]
    page_limit: int
    quota: ExplainedQuota | None
    documents: list[str]
    per_claim: bool
    discloses_existence: bool
    approver: str


@strawberry.type(description="权限说明\n\nWhat an application may do with a resource, and why")
class Explanation:
    """The decision of a moment."""

    application: str
    department: str | None
    resource: str
    resource_name: str
    provider: str
    at: DateTime
    allowed: bool
    because: Because
    sharing_class: SharingClass
    open_class: OpenClass
    level: str
    legal_basis: list[str]
    """What the catalog cites for the resource's class."""
    operations: list[ExplainedOperation]
    items: list[ExplainedItem]
    terms: ExplainedTerms | None
    grant: ExplainedGrant | None


def because(reason: Reason, sets: Collection[str]) -> Because:
    """A reason in words, with the articles of these rule sets."""
    found = meanings()[reason]
    articles = [Article(code=a.code, citation=a.zh, citation_en=a.en, text=a.text) for a in found.cited(sets)]
    return Because(reason=reason, text=found.zh, text_en=found.en, articles=articles)


def explanation_of(found: Explained) -> Explanation:
    """The explanation as it is shown."""
    resource, app = found.resource, found.application
    operations = [ExplainedOperation(operation=o, allowed=found.allowed and r in GIVING, because=because(r, found.sets)) for o, r in found.operations.items()]
    decision = found.given.decision if found.allowed else None
    return Explanation(
        application=app.name if app else PUBLIC_NAME,
        department=app.department if app else None,
        resource=resource.code,
        resource_name=resource.name,
        provider=resource.department,
        at=DateTime(found.moment),
        allowed=found.allowed,
        because=because(found.reason, found.sets),
        sharing_class=resource.sharing_class,
        open_class=resource.open_class,
        level=resource.level,
        legal_basis=list(resource.legal_basis),
        operations=operations,
        items=[_item(found, code, decided) for code, decided in found.items.items()],
        terms=_terms(decision) if decision else None,
        grant=_grant(found.grant) if found.grant else None,
    )


def _item(found: Explained, code: str, decided: ItemDecision) -> ExplainedItem:
    item = found.resource.items[code]
    shown = ItemShown.KEY if decided.shown is Shown.ABSENT and decided.key else ItemShown(decided.shown.value)
    mask = decided.mask.label if decided.mask else None
    why = because(decided.reason, found.sets)
    return ExplainedItem(code=code, name=item.name, name_en=item.name_en or None, shown=shown, mask=mask, key=decided.usable_as_key, because=why)


def _terms(decision: Decision) -> ExplainedTerms:
    return ExplainedTerms(
        row_condition=condition_of(decision),
        purposes=[ExplainedPurpose(code=p.code, scenario=p.scenario, basis=p.basis) for p in decision.purposes],
        page_limit=decision.page_limit,
        quota=quota_of(decision),
        documents=sorted(decision.documents),
        per_claim=decision.per_claim,
        discloses_existence=decision.discloses_existence,
        approver=decision.approver,
    )


def quota_of(decision: Decision) -> ExplainedQuota | None:
    """The quota of a grant."""
    quota = decision.quota
    return ExplainedQuota(calls=quota.calls, rows=quota.rows, per=quota.per) if quota else None


def condition_of(decision: Decision) -> Any:
    """The row condition as JSON."""
    return JSON(json.loads(decision.rows)) if decision.rows is not None else None


def _grant(facts: GrantFacts) -> ExplainedGrant:
    return ExplainedGrant(
        id=strawberry.ID(facts.id),
        state=facts.state,
        valid_from=DateTime(facts.valid_from),
        valid_to=DateTime(facts.valid_to) if facts.valid_to else None,
        approver=facts.approver,
        agreement_hash=facts.agreement_hash,
    )
