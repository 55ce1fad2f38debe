"""A service's errors in the hub's words. What they say is never passed on: only their codes are read, and paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable

_REFUSED = {
    "UNAUTHENTICATED": "the service does not know the hub's token; check `secret` and `auth`",
    "FORBIDDEN": "the service does not allow the hub this; ask its operator for a grant",
    "PURPOSE_REQUIRED": "the service wants a purpose and an operator, which this call does not have; its callers must declare their use",
    "PURPOSE_NOT_GRANTED": "the service has not granted the call's purpose; ask for it there, or map it by `purposes` of the source",
    "INVALID_DOCUMENT": "the service has no such fields, or no longer shows them to the hub; compare the manifest with its schema and its grants",
    "GRAPHQL_VALIDATION_FAILED": "the service has no such fields, or no longer; compare the manifest with its schema",
    "BAD_INPUT": "the service does not take the arguments; compare `max_page` and the arguments in the manifest with its schema",
    "BAD_USER_INPUT": "the service does not take the arguments; compare them in the manifest with its schema",
    "BAD_REQUEST": "the service does not take the request",
    "QUERY_BUDGET": "the service finds the request too large; lower `max_page`",
    "QUOTA_EXCEEDED": "the hub's quota at the service is used up; ask its operator for a larger one",
    "LOOP": "the service leads back to this hub; no two hubs may be each other's source of one resource",
}
_TIMEOUTS = {"TIMEOUT"}
_UNAVAILABLE = {"SOURCE_UNAVAILABLE", "RATE_LIMITED", "LEDGER_UNAVAILABLE", "INTERNAL", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"}
STALE = {"INVALID_DOCUMENT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
"""Codes that say: the types that the hub knows are not those that the service has."""
Error = Mapping[str, Any]


class SchemaChanged(SourceRefused):
    """The service's types are not those that were introspected; they are asked for anew by the next call."""


def code_of(error: Error) -> str:
    """``extensions.code`` of an error, empty where it has none."""
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else ""


def fault_of(source: str, errors: Sequence[Error]) -> SourceFault:
    """The fault behind errors that left nothing to answer with."""
    codes = [code_of(error) for error in errors]
    if any(code in _TIMEOUTS for code in codes):
        return SourceTimeout(source, "the service got no answer of its own in time")
    if any(code in _UNAVAILABLE for code in codes):
        return SourceUnavailable(source, "the service cannot answer now")
    for code in codes:
        if code in _REFUSED:
            return (SchemaChanged if code in STALE else SourceRefused)(source, f"{_REFUSED[code]} ({code})")
    return SourceRefused(source, "the service reports an error; its operator finds it in its log")
