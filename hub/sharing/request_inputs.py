"""Inputs of access requests and disposals on the data endpoint."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.types import JSON, DateTime
from hub.catalog.graphql import ItemAccess


@strawberry.input(description="申请的信息项；key：可作查询键；mask：脱敏规则\n\nItem asked for; key: serves exact look-up; mask: instead of the catalog's")
class AccessRequestItem:
    """One item of an access request."""

    code: str
    access: ItemAccess
    key: bool = False
    mask: str | None = None


@strawberry.enum(name="AccessRequestPeriod", description="额度周期\n\nPeriod of a quota")
class AccessRequestPeriod(Enum):
    """Periods, in China's time."""

    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


@strawberry.enum(name="AccessRequestPace", description="速率周期\n\nPeriod of a rate")
class AccessRequestPace(Enum):
    """Short periods."""

    SECOND = "SECOND"
    MINUTE = "MINUTE"


@strawberry.input(description="额度\n\nQuota")
class AccessRequestQuota:
    """How much may be taken in a period."""

    per: AccessRequestPeriod
    calls: int | None = None
    rows: int | None = None


@strawberry.input(description="速率\n\nRate")
class AccessRequestRate:
    """How much may be taken in a short period."""

    per: AccessRequestPace
    calls: int | None = None
    rows: int | None = None


@strawberry.input(description="共享申请\n\nAccess request")
class AccessRequestInput:
    """Input of ``requestAccess`` (APP-03)."""

    resource: str
    operations: list[Operation]
    items: list[AccessRequestItem]
    purpose: str
    scenario: str
    legal_basis: str
    rows: JSON | None = None
    valid_to: DateTime | None = None
    documents: list[str] | None = None
    purpose_code: str | None = None
    valid_from: DateTime | None = None
    quota: AccessRequestQuota | None = None
    rate: AccessRequestRate | None = None
    per_claim: bool = False
    discloses_existence: bool = False
    max_page: int | None = None
    disposal_days: int | None = None
    extends: strawberry.ID | None = None


@strawberry.input(description="补充材料：须更改的部分\n\nSupplement: the parts that change")
class SupplementRequestInput:
    """What completes a request after the one-time notice (N809-21)."""

    id: strawberry.ID
    opinion: str = ""
    operations: list[Operation] | None = None
    items: list[AccessRequestItem] | None = None
    purpose: str | None = None
    scenario: str | None = None
    legal_basis: str | None = None
    rows: JSON | None = None
    valid_to: DateTime | None = None
    documents: list[str] | None = None


@strawberry.input(description="处置说明与证明\n\nStatement and proof of disposal")
class FileDisposalInput:
    """What became of the data after the grant ended (APP-08)."""

    grant: strawberry.ID
    statement: str
    certificate_hash: str
