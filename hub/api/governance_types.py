"""Types of the governance schema: what administrators send and receive."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.types import JSON, DateTime, Department
from hub.sharing.graphql import AccessRequest


@strawberry.type(description="问题：位置、说明、补救办法\n\nWhat is wrong, where, and how to mend it")
class Problem:
    """One fault of an act that was not done."""

    path: str | None
    line: int | None
    code: str
    message: str
    hint: str | None


@strawberry.type(description="业务应用系统\n\nApplication")
class Application:
    """An application; ``client_secret`` is told once, when it is created."""

    name: str
    client_id: str | None
    department: str
    active: bool
    roles: list[str]
    purposes: list[str]
    client_secret: str | None = None


@strawberry.type(description="数据源\n\nSource")
class Source:
    """A source and, after a check, how it is."""

    code: str
    kind: str | None = None
    ok: bool | None = None
    message: str | None = None


@strawberry.type(description="目录清单的一次导入\n\nImported manifest")
class ManifestImport:
    """One import and where it stands."""

    id: strawberry.ID
    department: str
    state: str
    resources: list[str]
    imported_by: str | None = None
    reviewed_by: str | None = None
    opinion: str | None = None


@strawberry.type(description="目录快照\n\nPublished snapshot")
class Publication:
    """A published state of the catalog."""

    number: int


@strawberry.type(description="授权\n\nGrant")
class GovernanceGrant:
    """A grant with its terms."""

    id: strawberry.ID
    application: str
    resource: str
    state: str
    operations: list[Operation]
    purposes: list[str]
    rows: JSON | None
    valid_from: DateTime
    valid_to: DateTime | None
    approver: str


@strawberry.type
class DepartmentPayload:
    """Answer of ``createDepartment``."""

    department: Department | None
    problems: list[Problem]


@strawberry.type
class ApplicationPayload:
    """Answer of ``createApplication`` and ``disableApplication``."""

    application: Application | None
    problems: list[Problem]


@strawberry.type
class SourcePayload:
    """Answer of ``registerSource``, ``removeSource`` and ``checkSource``."""

    source: Source | None
    problems: list[Problem]


@strawberry.type
class ManifestPayload:
    """Answer of ``importManifest`` and ``reviewCatalog``."""

    manifest: ManifestImport | None
    problems: list[Problem]


@strawberry.type
class PublicationPayload:
    """Answer of ``publishCatalog``."""

    publication: Publication | None
    problems: list[Problem]


@strawberry.type
class GrantPayload:
    """Answer of the mutations on grants."""

    grant: GovernanceGrant | None
    problems: list[Problem]


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


@strawberry.type
class ReviewRequestPayload:
    """Answer of ``reviewRequest``."""

    access_request: AccessRequest | None
    problems: list[Problem]


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
