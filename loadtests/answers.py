"""Large answers: how much memory the hub needs for one of 8 MiB, beyond what it has anyhow."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from hub.acts import Actor
from hub.catalog.scopes import CATALOG, SECURITY, SYSTEM
from hub.core import Core, initialise, open_core
from hub.settings import load_settings
from loadtests import persons
from loadtests.report import Figure, Report
from tests.scale.served import Served, serve
from tests.servers.postgres import Postgres, running_postgres

_asyncpg: Any = asyncpg
PAGE = 10_000
"""The largest page that a grant can allow (``max_page``). One call may read 20,000 rows and 400,000 values."""
MOST = 3.0
_CALLS = 6
_ITEMS = tuple(f"item_{number:02}" for number in range(20))
_CLEAR, _MASKED = "clear", "masked"
_FIELDS = " ".join("item" + code[5:] for code in _ITEMS)
_DOCUMENT = "{ register { persons(first: %d) { nodes { %s } } } }"
_STEWARD, _REVIEWER = Actor("steward", scopes=frozenset({SYSTEM, CATALOG})), Actor("reviewer", scopes=frozenset({SYSTEM, SECURITY}))
_ITEM = '\n[[resources.items]]\ncode = "{code}"\nname = "{code}"\ntype = "string"\ncolumn = "{code}"\n'


def run() -> Report:
    """Measures lists of 10,000 rows, in clear and with a mask on half of the items, from PostgreSQL."""
    figures: list[Figure] = []
    with running_postgres(log_statement="none") as server, tempfile.TemporaryDirectory(prefix="huitong-bench-") as directory:
        asyncio.run(_fill(server))
        for name in (_CLEAR, _MASKED):
            # A hub for each: what one has freed serves the next.
            with _serving(Path(directory) / name, server) as hub:
                figures += _figures(hub, name)
    about = (
        f"A list of {PAGE:,} rows of {len(_ITEMS)} items from PostgreSQL, for a grant with `max_page` {PAGE}, {_CALLS} times; the hub's VmHWM during a call, "
        "reset before it, less its VmRSS before it, as a multiple of the body's bytes. The first call finds no memory that earlier ones have freed."
    )
    return Report("An answer of 8 MiB", about, figures)


def _figures(hub: Served, name: str) -> list[Figure]:
    small, large = _DOCUMENT % (10, _FIELDS), _DOCUMENT % (PAGE, _FIELDS)
    for _ in range(20):
        hub.raw(name, small)
    found = [_growth(hub, name, large) for _ in range(_CALLS)]
    sizes, grown = zip(*found, strict=True)
    return [
        Figure(f"bytes of the answer, {name}", sizes[0]),
        Figure(f"growth ÷ bytes, {name}, first call", grown[0] / sizes[0], "", MOST),
        Figure(f"growth ÷ bytes, {name}, later calls", statistics.median(grown[1:]) / sizes[0], "", MOST),
    ]


def _growth(hub: Served, name: str, document: str) -> tuple[int, int]:
    """(bytes of the answer, bytes by which the hub's memory was larger than before at its peak)."""
    status = Path(f"/proc/{hub.process.pid}/clear_refs")
    before = _kibibytes(hub, "VmRSS")
    status.write_text("5")
    _, _, size = hub.raw(name, document, **{"accept-encoding": "identity"})
    return size, 1024 * (_kibibytes(hub, "VmHWM") - before)


def _kibibytes(hub: Served, what: str) -> int:
    lines = Path(f"/proc/{hub.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


@contextmanager
def _serving(home: Path, server: Postgres) -> Iterator[Served]:
    settings = load_settings(home=home)
    initialise(settings)
    core = open_core(settings)
    try:
        secrets = _stage(core, server)
    finally:
        core.close()
    with serve(home, secrets) as hub:
        yield hub


def _stage(core: Core, server: Postgres) -> dict[str, tuple[str, str]]:
    place = persons.Place(f'kind = "sql"\nurl = "{server.url()}"', 'object = "person"')
    made = core.catalog.import_manifest(_STEWARD, persons.manifest(place) + "".join(_ITEM.format(code=code) for code in _ITEMS))
    core.catalog.review(_REVIEWER, made.id, True, "bench")
    core.catalog.publish(_REVIEWER, made.id)
    secrets = {}
    for name in (_CLEAR, _MASKED):
        app = core.sharing.create_application(_REVIEWER, name, "register", [persons.PURPOSE], [])
        secrets[name] = (app.client_id, app.client_secret)
        shown = [_shown(code, name == _MASKED and place % 2 == 0) for place, code in enumerate(_ITEMS)]
        core.sharing.create_grant(_REVIEWER, persons.grant(name, {}) | {"items": shown, "max_page": PAGE})
    return secrets


def _shown(code: str, masked: bool) -> dict[str, str]:
    return {"code": code, "value": "MASKED", "mask": "KEEP_FIRST_3_LAST_4"} if masked else {"code": code, "value": "CLEAR"}


async def _fill(server: Postgres) -> None:
    columns = (*persons.ITEMS, *_ITEMS)
    connection = await _asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE TABLE person (record_no bigint PRIMARY KEY, {', '.join(f'{code} text' for code in columns)})")
        rows = [
            (row, *(f"{row}" for _ in persons.ITEMS), *(f"贵阳 {place:02} {row:06} of the register" for place in range(len(_ITEMS)))) for row in range(PAGE)
        ]
        await connection.copy_records_to_table("person", records=rows, columns=("record_no", *columns))
        await connection.execute("ANALYZE person")
    finally:
        await connection.close()
