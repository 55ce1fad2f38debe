"""Which role may read and do what on ``/governance/graphql``: one table. A field that does not stand in it is refused to everybody.

三员 are kept apart after GB/T 22239-2019 §8.1.5: the system administrator looks after accounts, departments and sources and sees neither
grants nor requests nor the log; the security administrator gives rights; the audit administrator reads everything and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import Final

from hub.catalog.scopes import AUDIT, CATALOG, OWNER, SECURITY, STEWARD, SYSTEM


class Reach(IntEnum):
    """How much of what a field answers or changes a role is given; the widest of an account's roles counts."""

    OWN = 1
    """Applications whose owner one is, their requests and grants."""
    DEPARTMENT = 2
    """What belongs to one's own department: its imports, requests for its resources, grants on them."""
    ALL = 3


Roles = Mapping[str, Reach]
_EVERYBODY: Final[Roles] = dict.fromkeys((SYSTEM, SECURITY, AUDIT, CATALOG, STEWARD, OWNER), Reach.ALL)
_THREE: Final[Roles] = dict.fromkeys((SYSTEM, SECURITY, AUDIT), Reach.ALL)
_SYSTEM: Final[Roles] = {SYSTEM: Reach.ALL}
_SECURITY: Final[Roles] = {SECURITY: Reach.ALL}
_BOTH: Final[Roles] = {SYSTEM: Reach.ALL, SECURITY: Reach.ALL}
_SHARING: Final[Roles] = {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT, OWNER: Reach.OWN}
"""Who follows requests and grants."""
_PREVIEW: Final[Roles] = {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT}
"""Who is told what a change would disclose, and what a rule gives away: it names applications and their grants."""
_PROVIDER: Final[Roles] = {STEWARD: Reach.DEPARTMENT}
_SIDES: Final[Roles] = {STEWARD: Reach.DEPARTMENT, OWNER: Reach.OWN}
"""The consumer's side of a request or grant, or either side; which one, ``hub/sharing/machine.toml`` says."""

QUERIES: Final[Mapping[str, Roles]] = {
    "me": _EVERYBODY,
    "departments": _EVERYBODY,
    "applications": {**_THREE, STEWARD: Reach.DEPARTMENT, OWNER: Reach.OWN},
    "sources": {**_THREE, CATALOG: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "imports": {**_THREE, CATALOG: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "accessRequest": _SHARING,
    "accessRequests": _SHARING,
    "grants": _SHARING,
    "disposals": _SHARING,
    "feedback": _SHARING,
    "feedbacks": _SHARING,
    "complementaryMasks": {SECURITY: Reach.ALL, AUDIT: Reach.ALL},
    "quasiIdentifierSets": {SECURITY: Reach.ALL, AUDIT: Reach.ALL},
    "maskingPreview": _PREVIEW,
    "disclosureDiff": _PREVIEW,
    "grantDisclosure": _PREVIEW,
    "people": _THREE,
    "ledger": {AUDIT: Reach.ALL},
    "traceSubject": {AUDIT: Reach.ALL},
    "traceRecord": {AUDIT: Reach.ALL},
    "traceGrant": {AUDIT: Reach.ALL},
    "withdrawals": {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "providedCalls": {AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "explain": {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "usage": {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT, OWNER: Reach.OWN},
    "usageRules": _EVERYBODY,
    "anomalies": {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "anomalyRules": _EVERYBODY,
    "dryRun": {SECURITY: Reach.ALL, AUDIT: Reach.ALL, STEWARD: Reach.DEPARTMENT},
}
"""Root fields of queries. A resolver whose field has a reach below ``ALL`` asks ``hub.api.bounds`` what to leave out."""

MUTATIONS: Final[Mapping[str, Roles]] = {
    "createDepartment": _SYSTEM,
    "disableDepartment": _BOTH,
    "enableDepartment": _BOTH,
    "createApplication": _SYSTEM,
    "disableApplication": _BOTH,
    "replaceApplicationKeys": {SYSTEM: Reach.ALL, OWNER: Reach.OWN},
    "renewApplicationSecret": {SYSTEM: Reach.ALL, OWNER: Reach.OWN},
    "setRedirectUris": _SYSTEM,
    "setOwner": _SECURITY,
    "registerSource": _SYSTEM,
    "removeSource": _SYSTEM,
    "checkSource": _SYSTEM,
    "importManifest": {SYSTEM: Reach.ALL, CATALOG: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "reviewCatalog": _BOTH,
    "publishCatalog": _BOTH,
    "proposePerson": _SYSTEM,
    "invitePerson": _SYSTEM,
    "proposeRoles": _SYSTEM,
    "approvePerson": _SECURITY,
    "approveRoles": _SECURITY,
    "disablePerson": _BOTH,
    "createGrant": _SECURITY,
    "revokeGrant": _SECURITY,
    "suspendGrant": _SECURITY,
    "resumeGrant": _SECURITY,
    "reviewRequest": _SECURITY,
    "checkRequest": _SECURITY,
    "decideExtension": _SECURITY,
    "mediateDispute": _SECURITY,
    "ruleDispute": _SECURITY,
    "terminateGrant": _SECURITY,
    "rejectTermination": _SECURITY,
    "giveOpinion": _PROVIDER,
    "requestExtension": _PROVIDER,
    "settleDispute": _PROVIDER,
    "confirmDisposal": _PROVIDER,
    "endorseRequest": _SIDES,
    "declineRequest": _SIDES,
    "withdrawRequest": _SIDES,
    "abandonRequest": _SIDES,
    "supplementRequest": _SIDES,
    "signAgreement": _SIDES,
    "disputeRequest": _SIDES,
    "escalateDispute": _SIDES,
    "concedeDispute": _SIDES,
    "extendGrant": _SIDES,
    "fileTermination": _SIDES,
    "fileDisposal": _SIDES,
    "setCalendarDays": _SECURITY,
    "withdrawResource": {SECURITY: Reach.ALL, STEWARD: Reach.DEPARTMENT},
    "restoreResource": _SECURITY,
    "judgeAnomaly": _SECURITY,
    "releaseThrottle": _SECURITY,
    "acceptFeedback": _PROVIDER,
    "correctFeedback": _PROVIDER,
    "explainFeedback": _PROVIDER,
    "rejectFeedback": _PROVIDER,
    "transferFeedback": _PROVIDER,
    "confirmFeedback": _SIDES,
    "objectFeedback": _SIDES,
    "withdrawFeedback": _SIDES,
    "urgeFeedback": _SECURITY,
    "coVerifyFeedback": _SECURITY,
    "decideComplaint": _SECURITY,
}
"""Root fields of mutations. The services ask for the role once more, for the command line and for what lies within the act."""


def reach(field: str, scopes: Collection[str], mutation: bool = False) -> Reach | None:
    """How far a holder of these role scopes gets with a root field; ``None``: it is refused."""
    roles = (MUTATIONS if mutation else QUERIES).get(field, {})
    return max((found for role, found in roles.items() if role in scopes), default=None)
