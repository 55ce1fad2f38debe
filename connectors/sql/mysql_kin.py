"""TiDB and OceanBase (MySQL tenants): MySQL's protocol and ways of writing, sessions of their own."""

from __future__ import annotations

from connectors.sql.mysql import MODE, NAMES, READ_ONLY, MysqlDriver


class TidbDriver(MysqlDriver):
    """TiDB refuses read-only transactions unless it is told to pretend them; the account's rights keep the hub from writing."""

    settings = (NAMES, MODE)


class OceanbaseDriver(MysqlDriver):
    """OceanBase cuts statements by ``ob_query_timeout``, in microseconds."""

    settings = (NAMES, READ_ONLY, MODE)

    def limits(self, version: str, timeout_ms: int) -> list[str]:
        """Of the session's statements."""
        return [f"SET ob_query_timeout = {timeout_ms * 1000}"]
