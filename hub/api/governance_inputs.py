"""Inputs of the governance schema: what administrators send."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.types import JSON, DateTime


@strawberry.input
class CreateDepartmentInput:
    """A department to register."""

    code: str
    name: str
    uscc: str
    name_en: str | None = None
    tier: str | None = None


@strawberry.input(description="用途：代码、场景、依据\n\nPurpose: code, scenario, legal basis")
class PurposeInput:
    """A purpose (APP-03)."""

    code: str
    scenario: str
    basis: str


@strawberry.input
class CreateApplicationInput:
    """An application to register; ``roles`` are governance scopes."""

    name: str
    department: str
    purposes: list[PurposeInput]
    roles: list[str] = strawberry.field(default_factory=list)


@strawberry.input
class DisableApplicationInput:
    """An application to disable, by name."""

    application: str


@strawberry.input
class RegisterSourceInput:
    """A source to register apart from a manifest; ``secret`` is ``env:NAME`` or ``file:PATH``. ``replace`` changes one that is registered."""

    department: str
    code: str
    kind: str
    url: str
    secret: str | None = None
    pool: int | None = None
    timeout_ms: int | None = None
    replace: bool = False


@strawberry.input
class RemoveSourceInput:
    """A source that was registered apart from a manifest."""

    department: str
    code: str


@strawberry.input
class CheckSourceInput:
    """A source of the published catalog, by ``department.source``."""

    code: str


@strawberry.input
class ImportManifestInput:
    """A manifest's TOML text."""

    text: str


@strawberry.input
class ReviewCatalogInput:
    """The review of an import."""

    id: strawberry.ID
    approve: bool = True
    opinion: str = ""


@strawberry.input
class PublishCatalogInput:
    """An approved import to publish."""

    id: strawberry.ID


@strawberry.enum(name="GrantedValue", description="明文或脱敏\n\nIn clear or masked")
class GrantedValue(Enum):
    """How a granted item's value is shown; leave it out for an item that is only a key."""

    CLEAR = "CLEAR"
    MASKED = "MASKED"


@strawberry.input
class GrantItemInput:
    """One item of a grant."""

    code: str
    value: GrantedValue | None = None
    key: bool = False
    mask: str | None = None


@strawberry.enum(name="QuotaPeriod", description="额度周期\n\nPeriod of a quota")
class QuotaPeriod(Enum):
    """Periods, in China's time."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


@strawberry.input
class QuotaInput:
    """How much may be taken in a period."""

    per: QuotaPeriod
    calls: int | None = None
    rows: int | None = None


@strawberry.input
class CreateGrantInput:
    """A grant as the review gave it."""

    application: str
    resource: str
    operations: list[Operation]
    items: list[GrantItemInput]
    purposes: list[PurposeInput]
    approver: str
    rows: JSON | None = None
    per_claim: bool = False
    discloses_existence: bool = False
    max_page: int | None = None
    quota: QuotaInput | None = None
    valid_from: DateTime | None = None
    valid_to: DateTime | None = None
    agreement_hash: str | None = None
    documents: list[str] | None = None


@strawberry.input
class ReviewRequestInput:
    """The decision on an access request; a refusal has a codified reason and an opinion."""

    id: strawberry.ID
    approve: bool
    opinion: str = ""
    reason: str | None = None


@strawberry.input
class GrantInput:
    """A grant, by id."""

    id: strawberry.ID
