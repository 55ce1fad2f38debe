"""Chunks over the sources that stream in ways of their own hold what queries answer: PostgreSQL with values that hardly fit, whole and sliced; files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest

from auth.rights import GrantItem, GrantTerms, Shown
from connectors.paging import cuts
from connectors.selection import Binding
from connectors.spi import SourceConfig
from schema.model import Snapshot
from tests.exchange.work.build import Asked, asked, csv_of, lines_of, sliced, written
from tests.exchange.work.documents import callers
from tests.schema.city import DEPARTMENTS, EVERY, PERSON, PERSONS, PURPOSE, rights
from tests.schema.dice import SEED, Dice
from tests.schema.running import Hub
from tests.schema.test_rendered_random import made_stand
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
_asyncpg: Any = asyncpg
BEYOND = ("large", "amount")
"""Items of which a query answers what no file's column holds: numbers of more than 64 bits, NaN."""


def same(found: Sequence[Any], expected: Sequence[Any], why: str) -> None:
    """The same rows, in any order."""
    assert sorted(map(orjson.dumps, found)) == sorted(map(orjson.dumps, expected)), why


async def parts_of(made: Asked, folder: Path, rows: int, format_: Any = "JSONL") -> list[Any]:
    """The list by slices of about so many rows, where it can be cut."""
    spec = made.spec
    assert spec.key is not None
    ends = await cuts(made.hub.source(spec.root.source), spec.root.selection, spec.root.parameters, spec.key, rows)
    return [await written(made, folder, format_, part=part) for part in sliced(made, ends)]


async def test_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """Masked in the hub or in the source: the same bytes."""
    connection = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    seen = 0
    try:
        for number in range(4):
            dice = Dice(Random(f"{SEED} {number} chunks"))
            stand = await made_stand(dice, connection, postgres.url())
            hub = stand.by_hub
            try:
                for _ in range(4):
                    caller = callers(dice, stand.world)
                    faces = hub.view(caller).faces
                    if not faces.departments or "things" not in (known := faces.department("housing")):
                        continue
                    things = known["things"][1]
                    names = [name for name in things.fields if name not in BEYOND]
                    text = f"{{ housing {{ things(first: {things.decision.page_limit}) {{ nodes {{ __typename {' '.join(names)} }} }} }} }}"
                    made = await asked(hub, caller, text)
                    if made is None:
                        continue
                    why = f"HYPOTHESIS_SEED={SEED}\n{text}"
                    whole = await written(made, tmp_path)
                    same(lines_of(whole.content), made.rows, why)
                    assert whole.receipt.undelivered == made.undelivered, why
                    if made.spec.key is not None:
                        parts = await parts_of(made, tmp_path, 7)
                        same([row for part in parts for row in lines_of(part.content)], made.rows, why)
                    other = await asked(hub, caller, text, masks="source")
                    assert other is not None
                    same(lines_of((await written(other, tmp_path)).content), made.rows, why)
                    seen += bool(made.rows)
            finally:
                await stand.by_source.close()
                await hub.close()
    finally:
        await connection.close()
    assert seen >= 2


async def test_a_delivered_file(tmp_path: Path) -> None:
    folder = tmp_path / "deliveries"
    folder.mkdir()
    lines = [",".join(PERSONS[0]), *(",".join("" if value is None else str(value) for value in row.values()) for row in PERSONS)]
    (folder / "person.csv").write_text("\n".join(lines) + "\n", "utf-8")
    options = {"look_seconds": 0.05, "settle_seconds": 0, "snapshots": str(tmp_path / "snapshots")}
    config = SourceConfig("civil_affairs.db", "files", str(folder), options=options)
    person = Snapshot(1, DEPARTMENTS, {config.code: config}, {PERSON.code: replace(PERSON, binding=Binding("person.csv"), links=())})
    hub = Hub(person)
    items = (GrantItem("name", Shown.CLEAR), GrantItem("phone", Shown.MASKED), GrantItem("birth_date", Shown.CLEAR))
    caller = rights(GrantTerms("grant-1", PERSON.code, EVERY, items, None, (PURPOSE,), True, False, 1000, "王局长"))
    try:
        text = "{ civilAffairs { persons { nodes { name phone birthDate } } } }"
        for _ in range(100):
            if (await hub.sent(caller, text))[0]["civilAffairs"]:
                break
            await asyncio.sleep(0.05)
        made = await asked(hub, caller, text)
        assert made is not None
        assert len(made.rows) == 3
        assert lines_of((await written(made, tmp_path / "job")).content) == made.rows
        assert (await written(made, tmp_path / "job", "CSV")).content.decode("utf-8-sig") == csv_of(made.export, made.rows)
    finally:
        await hub.close()
