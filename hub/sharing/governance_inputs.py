"""Inputs of the governance schema that the sharing workflow takes."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.governance_inputs import PurposeInput
from hub.api.types import JSON, DateTime


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
