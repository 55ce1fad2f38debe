"""openGauss and GaussDB by the vendor's async_gaussdb (extra ``gaussdb``), a driver made after asyncpg with their ways of logging in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sql.postgres import PostgresDriver

_UNKNOWN = ("jit",)
"""Settings that openGauss, which comes from PostgreSQL 9.2, refuses at connection time."""


class GaussDriver(PostgresDriver):
    """Connects to one database; ``where`` is as PostgreSQL's."""

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int, module: Any) -> None:
        super().__init__(source, where, timeout_ms, module)
        self._settings = {name: value for name, value in self._settings.items() if name not in _UNKNOWN}
