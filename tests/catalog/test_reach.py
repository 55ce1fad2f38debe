"""A source's configuration reaches no file and no secret of the hub itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.catalog.manifest import SourcePart
from hub.catalog.reach import reach

pytestmark = pytest.mark.fast
SERVER = "postgresql+asyncpg://reader@db.example/register"


@pytest.mark.parametrize(
    ("url", "secret", "code"),
    [
        (SERVER, "env:CIVIL_AFFAIRS_DB_PASSWORD", None),
        (SERVER, "env:HUITONG_DATABASE", "SECRET_PLACE"),
        (SERVER, "file:HOME/secrets/register", None),
        (SERVER, "file:/run/secrets/register", None),
        (SERVER, "file:/etc/shadow", "SECRET_PLACE"),
        (SERVER, "file:HOME/secrets/../keys/cursor.key", "SECRET_PLACE"),
        ("sqlite+aiosqlite:///HOME/control.db", None, "FILE_PLACE"),
        ("sqlite:///HOME/demo/../control.db", None, "FILE_PLACE"),
        ("sqlite+aiosqlite:///HOME/demo/civil_affairs.db", None, None),
        ("sqlite+aiosqlite:////srv/department/register.db", None, None),
    ],
)
def test_places(tmp_path: Path, url: str, secret: str | None, code: str | None) -> None:
    home = str(tmp_path)
    part = SourcePart(code="register", kind="sql", url=url.replace("HOME", home), secret=secret.replace("HOME", home) if secret else None)
    assert [found[0] for found in reach(part, "", tmp_path)] == ([code] if code else [])
