"""Inputs of the governance schema that the sharing workflow takes."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.governance_inputs import PurposeInput
from hub.api.types import JSON, Date, DateTime


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


@strawberry.enum(name="RatePeriod", description="速率周期\n\nPeriod of a rate")
class RatePeriod(Enum):
    """Short periods."""

    SECOND = "SECOND"
    MINUTE = "MINUTE"


@strawberry.input
class RateInput:
    """How much may be taken in a short period."""

    per: RatePeriod
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
    rate: RateInput | None = None
    valid_from: DateTime | None = None
    valid_to: DateTime | None = None
    agreement_hash: str | None = None
    documents: list[str] | None = None


@strawberry.input
class RequestInput:
    """An access request, by id, with the opinion of who acts."""

    id: strawberry.ID
    opinion: str = ""


@strawberry.input
class CheckRequestInput:
    """The check for completeness; ``missing`` is the one-time notice of everything that is missing (N809-21)."""

    id: strawberry.ID
    complete: bool
    missing: list[str] = strawberry.field(default_factory=list)
    opinion: str = ""


@strawberry.input
class GiveOpinionInput:
    """The provider's opinion; one against sharing has a codified reason."""

    id: strawberry.ID
    agree: bool
    reason: str | None = None
    opinion: str = ""


@strawberry.input
class RequestExtensionInput:
    """The provider asks once for more time, with its reason in words."""

    id: strawberry.ID
    opinion: str
    days: int | None = None


@strawberry.input
class DecideExtensionInput:
    """The authority's answer; ``days``: working days, at most and by default those of the rule set."""

    id: strawberry.ID
    allow: bool
    days: int | None = None
    opinion: str = ""


@strawberry.input
class ReviewRequestInput:
    """The decision on an access request; a refusal has a codified reason and an opinion."""

    id: strawberry.ID
    approve: bool
    opinion: str = ""
    reason: str | None = None


@strawberry.enum(name="SigningSide", description="签署一方\n\nSide that signs")
class SigningSide(Enum):
    """Sides of an agreement."""

    PROVIDER = "PROVIDER"
    CONSUMER = "CONSUMER"


@strawberry.input
class SignAgreementInput:
    """A signature: the agreement is named by its SHA-256."""

    id: strawberry.ID
    hash: str
    side: SigningSide = SigningSide.PROVIDER


@strawberry.input
class DisputeOutcomeInput:
    """What a level of a dispute came to: ``share``, or not (N809-28)."""

    id: strawberry.ID
    share: bool
    opinion: str


@strawberry.input
class ExtendGrantInput:
    """A request to prolong a grant by the same terms."""

    id: strawberry.ID
    valid_to: DateTime


@strawberry.input
class GrantInput:
    """A grant, by id."""

    id: strawberry.ID
    opinion: str = ""


@strawberry.input
class SuspendGrantInput:
    """A suspension: its codified reason, and the last day for rectification (N809-27)."""

    id: strawberry.ID
    reason: str | None = None
    opinion: str = ""
    rectify_by: Date | None = None


@strawberry.input
class FileTerminationInput:
    """A side of a grant files its end, for a codified reason; the authority decides."""

    id: strawberry.ID
    reason: str
    opinion: str


@strawberry.input
class TerminateGrantInput:
    """The end that a side has filed, or ``unrectified``: a suspended consumer did not rectify."""

    id: strawberry.ID
    unrectified: bool = False
    opinion: str = ""


@strawberry.input
class ConfirmDisposalInput:
    """The provider accepts the proof of disposal, or returns it with an opinion."""

    grant: strawberry.ID
    accept: bool = True
    opinion: str = ""
