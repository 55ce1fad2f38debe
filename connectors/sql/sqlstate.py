"""Faults by SQLSTATE, for servers of PostgreSQL's family whose drivers have no classes for them (PostgreSQL documentation, Appendix A)."""

from __future__ import annotations

import re

from connectors.errors import SourceFault, SourceMismatch, SourceRefused, SourceTimeout, SourceUnavailable

_DENIED = re.compile(r"permission denied for (?:materialized |foreign )?(schema|table|view|function|procedure|sequence) (.+)")
_RIGHTS = {"schema": "USAGE", "function": "EXECUTE", "procedure": "EXECUTE"}
_CANCELLED = "57014"
_MISSING = ("42P01", "42703", "3F000")
_PRIVILEGE = "42501"
_MISFIT = ("22P02", "22000")
"""A text that is none of a type's, and what asyncpg finds of it before the server does. Masks never raise: what they cannot read is withheld."""
_NOT_ADMITTED = ("28", "3D")
_NOT_REACHABLE = ("08", "53", "57", "58")


_STATE = re.compile(r"[0-9A-Z]{5}")


def state_of(told: object) -> str | None:
    """What a driver tells as a SQLSTATE, where it is one."""
    return told if isinstance(told, str) and _STATE.fullmatch(told) and told != "00000" else None


def fault_of(source: str, state: str | None, what: str) -> SourceFault:
    """The fault behind a SQLSTATE; without one the connection failed before a statement was sent. Server texts are not passed on."""
    if state is None or (state.startswith(_NOT_REACHABLE) and state != _CANCELLED):
        return SourceUnavailable(source, "the database is not reachable")
    if state == _CANCELLED:
        return SourceTimeout(source, "the statement was stopped")
    if state.startswith(_NOT_ADMITTED):
        return SourceUnavailable(source, "the database does not admit the hub; check user, secret and database name")
    if state in _MISSING:
        return SourceRefused(source, f"{what} or a column of it does not exist; compare the catalog with the source")
    if state == _PRIVILEGE:
        return SourceRefused(source, f"the hub may not read {what}; grant SELECT to its user")
    if state in _MISFIT:
        return SourceMismatch(source, f"a value does not fit its column in {what}")
    return SourceRefused(source, f"the statement on {what} was rejected (SQLSTATE {state})")


def missing_grant(text: str, what: str) -> str:
    """Which right is missing, by the server's text, which names an object and no value; in another language than English, only where it is missing."""
    found = _DENIED.match(text)
    if found is None or (found[1] in ("table", "view") and found[2] == what.rpartition(".")[2].strip('"')):
        return f"the hub may not read {what}; grant SELECT to its user"
    kind, name = found[1], found[2]
    right = _RIGHTS.get(kind, "SELECT")
    return f"the hub may not read {what}; grant {right} on {kind} {name} to its user, or to the owner of the view by whose rights it is read"
