"""The address of a database whose table is verified. Its password lies elsewhere, and nothing that is told holds one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from connectors.spi import SourceConfig
from connectors.sql.connector import FORMS
from hub.cli.faults import CliFault

PASSWORD = "HUITONG_TABLE_PASSWORD"  # noqa: S105 - the variable's name, not what it holds
_PATIENCE_MS = 30_000
_SECRETS = ("pass", "pwd", "secret", "token")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is; ``shown`` may stand in messages."""

    shown: str
    _url: str = field(repr=False)
    _secret: str | None

    @classmethod
    def parsed(cls, given: str, secret_file: Path | None) -> Address:
        """The address that was given. Its own text is never told: what is no address may hold a password all the same.

        Raises:
            CliFault: it is none, or holds a password.
        """
        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            raise CliFault("不是数据库地址 this is no address of a database", FORMS) from None
        if url.password is not None or any(word in name.lower() for name in url.query for word in _SECRETS):
            remedy = f"去掉口令，改由环境变量 {PASSWORD} 或 --table-secret-file 给出 take it out, and give it by the variable or the option: others may see a command's options"
            raise CliFault("数据库地址含有口令 the database's address holds a password", remedy)
        shown = url.set(query={}).render_as_string()
        secret = f"file:{secret_file}" if secret_file else f"env:{PASSWORD}" if os.environ.get(PASSWORD) else None
        return cls(shown, given, secret)

    def config(self) -> SourceConfig:
        """As connectors open it: one session at a time, which is waited for longer than a call's would be."""
        return SourceConfig("table", "sql", self._url, self._secret, pool=1, timeout_ms=_PATIENCE_MS)
