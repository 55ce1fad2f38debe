"""Faults by the error numbers of MariaDB and MySQL (MariaDB Knowledge Base, "MariaDB Error Codes"; MySQL Reference Manual, "Error Message Reference")."""

from __future__ import annotations

import ssl

from asyncmy import errors as asyncmy_errors

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable

UNREACHABLE = frozenset({2002, 2003, 2005})
LOST = frozenset({0, 1053, 1158, 1159, 1160, 1161, 1243, 1615, 1927, 2006, 2013, 2014, 2055, 4031})
"""The session is gone or out of step: also where the server has forgotten a prepared statement."""
INCOMPARABLE = frozenset({1267, 1270, 1271})
"""Texts whose collations do not mix: a column's character set has no place for a character that was asked for."""

LOGIN, _ORPHAN = 1045, 1449
_STOPPED = frozenset({1205, 1317, 1969, 3024})
_FULL = frozenset({1040, 1203, 1226, 1461})
_NOT_ADMITTED = frozenset({LOGIN, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 2059, 3118, 3955, 4151})
_NO_TLS = frozenset({2026, 3159})
_BROKEN = frozenset({1041, 1037, 1038, 1114, 1129, 1194, 1195, 1290, *UNREACHABLE, *LOST})


def code_of(error: Exception) -> int:
    """The error's number; 0 where the connection failed without one."""
    return error.args[0] if isinstance(error, asyncmy_errors.MySQLError) and error.args and isinstance(error.args[0], int) else 0


def in_session(error: Exception) -> Exception:
    """An error of a session that is open. MariaDB says of a view whose definer is gone, to those who may not know it, that they are denied access."""
    return asyncmy_errors.OperationalError(_ORPHAN) if code_of(error) == LOGIN else error


def fault_of(source: str, error: Exception, what: str) -> SourceFault:
    """The fault behind an error of the driver, without its text; ``what`` names the object that was read."""
    code = code_of(error)
    if not isinstance(error, asyncmy_errors.MySQLError | OSError):
        return SourceRefused(source, f"a value does not fit its column in {what}")
    if code in _NO_TLS or isinstance(error.__cause__, ssl.SSLError):
        return SourceUnavailable(source, "no TLS connection comes about; check the server's certificate and `ssl` and `ssl_ca` in `url`")
    if code in _STOPPED:
        return SourceTimeout(source, "the statement was stopped")
    if code in _FULL:
        return SourceUnavailable(source, "the database has no connection left for the hub; raise its limit for the hub's user, or lower `pool`")
    if code in _NOT_ADMITTED:
        return SourceUnavailable(source, "the database does not admit the hub; check user and secret, and whether it wants TLS (`ssl` in `url`)")
    if code in _BROKEN:
        return SourceUnavailable(source, "the database is not reachable")
    return _unavailable(source, code) or SourceRefused(source, _refusal(code, what))


def _unavailable(source: str, code: int) -> SourceFault | None:
    match code:
        case 1044:
            return SourceUnavailable(source, "the hub may not use the database; check its name in `url`, and grant SELECT on it to the hub's user")
        case 1049:
            return SourceUnavailable(source, "the database does not exist; check its name in `url`")
    return None


def _refusal(code: int, what: str) -> str:
    match code:
        case 1054 | 1109 | 1146 | 1051 | 1932:
            return f"{what} or a column of it does not exist; compare the catalog with the source"
        case 1142 | 1143:
            return f"the hub may not read {what}, if it exists; grant SELECT on it to the hub's user"
        case 1356:
            return (
                f"the view {what} reads what is gone or what its rights do not reach; grant SELECT on the tables under it to its definer "
                "(SQL SECURITY DEFINER) or to the hub's user (SQL SECURITY INVOKER)"
            )
        case 1449:
            return f"the account that defined {what} does not exist; create the view anew with a DEFINER that has SELECT on the tables under it"
        case 1227 | 1305 | 1370:
            return f"{what} uses a routine that the hub may not run; grant EXECUTE on it to the hub's user"
        case 1792:
            return f"{what} would change data; the hub only reads"
    return f"the statement on {what} was rejected (error {code})"
