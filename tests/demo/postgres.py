"""A PostgreSQL server of the tests' own, in a private directory, reached over a socket there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.debian import ensure


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database; the server and its files are gone afterwards. Run by the packaged user where the tests run as root."""
    ensure("postgresql", "psql")
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="huitong-pg-"))
    try:
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        create: list[str | Path] = [programs / "initdb", "--username=reader", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D", data]
        _run(user, create)
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-s"]
        _run(user, [*control, "-l", folder / "log", "-o", f"-c listen_addresses='' -k {folder} -F", "start"])
        try:
            yield f"postgresql+asyncpg://reader@/postgres?host={folder}"
        finally:
            _run(user, [*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _run(user: str | None, command: list[str | Path]) -> None:
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd="/")
