"""Outcomes of a batch verification are delivered as files of lists are: into a folder, or into a table of the consumer's own database."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.exchange.delivery import deliver
from hub.ledger.entry import EntryDraft
from tests.exchange.delivery.databases import Database, mariadb_database, postgres_database, sqlite_database
from tests.exchange.verifying.world import Batches, batches_in, person, table
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
NAMES = "query ($id: String!, $name: String!) { civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: $name}) { outcome claims { item outcome } } } }"
DELIVERY = "query ($id: ID!) { exchange(id: $id) { delivery { state reason rows } } }"
FOLDER = 'roots = ["{root}"]\n[[destinations]]\ncode = "front"\nname = "前置机"\napplications = ["{app}"]\nkind = "folder"\nurl = "file://{root}/in"\n'
TABLE = 'roots = ["{root}"]\n[[destinations]]\ncode = "front"\nname = "前置库"\napplications = ["{app}"]\nkind = "table"\nurl = "{url}"\n'
ROWS = [(person(n)[1], person(n)[2] if n % 3 else "李", f"甲{n}") for n in range(400, 430)]


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Batches]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deliver, "_LOOK_SECONDS", 0.02)
        async with batches_in(tmp_path_factory.mktemp("delivered"), verification_mismatch_percent=100) as hub:
            yield hub


def configure(hub: Batches, text: str) -> None:
    (hub.world.core.settings.home / "destinations.toml").write_text(text)


async def delivered(hub: Batches, app: str, job: str) -> dict[str, Any]:
    """The delivery once it has ended."""
    async with asyncio.timeout(60):
        while True:
            found = (await hub.world.ask(app, DELIVERY, {"id": job})).json["data"]["exchange"]["delivery"]
            if found is not None and found["state"] in ("DELIVERED", "FAILED"):
                return dict(found)
            await asyncio.sleep(0.02)


def downloads(hub: Batches, before: int) -> list[EntryDraft]:
    return [each.content for each in hub.world.entries(before) if each.content.kind == "download"]


async def test_a_folder_gets_the_file_of_outcomes_with_its_manifest(made: Batches, tmp_path: Path) -> None:
    app = made.world.application("to_folder")
    (tmp_path / "in").mkdir()
    configure(made, FOLDER.format(root=tmp_path, app=app))
    before = made.world.entries()[-1].seq
    job = await made.job(app, await made.upload(app, table(ROWS, "id", "name", "case")), NAMES, keep=["case"], destination="front")
    assert (await made.ended(app, job))["state"] == "SUCCEEDED"
    assert await delivered(made, app, job) == {"state": "DELIVERED", "reason": None, "rows": len(ROWS)}
    (there,) = (tmp_path / "in").iterdir()
    assert sorted(each.name for each in there.iterdir()) == ["data.csv", "manifest.json"]
    (left,) = downloads(made, before)
    assert (left.medium, left.rows, (left.details or {})["destination"]) == ("FILE", len(ROWS), "front")
    assert (there / "data.csv").read_bytes() == await made.file(app, job)
    found = list(csv.DictReader(io.StringIO((there / "data.csv").read_text("utf-8-sig"), newline="")))
    assert [(row["case"], row["outcome"]) for row in found] == [(case, "MATCH" if name != "李" else "MISMATCH") for _, name, case in ROWS]


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    ways: dict[str, Callable[[], Database]] = {
        "postgres": lambda: postgres_database(_server(request, "postgres"), tmp_path),
        "mariadb": lambda: mariadb_database(_server(request, "mariadb"), tmp_path),
        "sqlite": lambda: sqlite_database(tmp_path),
    }
    return ways[request.param]()


def _server(request: pytest.FixtureRequest, name: str) -> Any:
    server: Postgres | Mariadb = request.getfixturevalue(name)
    return server


async def test_a_table_gets_a_row_for_each_that_was_sent(made: Batches, database: Database, tmp_path: Path) -> None:
    app = made.world.application(f"to_{database.kind}")
    configure(made, TABLE.format(root=tmp_path, app=app, url=database.url) + '[destinations.options]\ntable = "核验结果"\n')
    before = made.world.entries()[-1].seq
    upload = await made.upload(app, table(ROWS, "id", "name", "案号"))
    job = await made.job(app, upload, NAMES, keep=["案号"], destination="front", format="PARQUET")
    assert (await made.ended(app, job))["state"] == "SUCCEEDED"
    assert await delivered(made, app, job) == {"state": "DELIVERED", "reason": None, "rows": len(ROWS)}
    columns = ", ".join(map(database.named, ("row", "案号", "outcome", "claims_name")))
    found = await asyncio.to_thread(database.ask, f"SELECT {columns} FROM {database.named('核验结果')} ORDER BY {database.named('row')}")
    wanted = [(n, case, outcome, outcome) for n, (_, name, case) in enumerate(ROWS, 1) for outcome in ["MATCH" if name != "李" else "MISMATCH"]]
    assert [tuple(row) for row in found] == wanted
    assert [left.medium for left in downloads(made, before)] == ["TABLE"]


async def test_what_cannot_be_delivered_is_refused_when_it_is_started(made: Batches, tmp_path: Path) -> None:
    app, other = made.world.application("refused_place"), made.world.application("other_place")
    configure(made, TABLE.format(root=tmp_path, app=app, url=f"sqlite:///{tmp_path}/in.db") + '[destinations.options]\ntable = "t"\n')
    long = "很" * 22
    upload = await made.upload(app, table([(*ROWS[0], "x", "x")], "id", "name", long, "a.b", "a_b"))
    for wanted, code, text in (
        ({"destination": "front"}, "BAD_INPUT", "CSV 不能写入库表"),
        ({"destination": "nowhere"}, "NOT_FOUND", "没有投递目标 nowhere"),
        ({"destination": "front", "format": "ARROW", "keep": [long, "a.b", "a_b"]}, "BAD_INPUT", "库表中会有同名的列：a_b"),
        ({"destination": "front", "format": "ARROW", "keep": [long, "a_b"]}, "BAD_INPUT", "既非变量也不在 keep 中的列：a.b"),
    ):
        given = {"keep": [long, "a.b", "a_b"], "idempotencyKey": "k", **wanted}
        answer = await made.start(app, upload, NAMES, **given)
        assert (answer.code, text in answer.json["errors"][0]["message"]) == (code, True), answer.json
    alone = await made.upload(other, table([ROWS[0][:2]], "id", "name"))
    assert (await made.start(other, alone, NAMES, destination="front", format="ARROW")).code == "NOT_FOUND"
    kept = await made.upload(app, table([ROWS[0]], "id", "name", long))
    answer = await made.start(app, kept, NAMES, destination="front", format="ARROW", keep=[long])
    assert (answer.code, "63 个字节" in answer.json["errors"][0]["message"]) == ("BAD_INPUT", True), answer.json


@pytest.mark.parametrize(("url", "name"), [("postgresql://hub@db.local/front", "xmin"), ("mariadb://hub@db.local/front", "案号𠮷")])
async def test_a_name_that_the_database_has_no_column_for_is_refused_when_it_is_started(made: Batches, tmp_path: Path, url: str, name: str) -> None:
    app = made.world.application(f"refused_{url[:5]}")
    upload = await made.upload(app, table([ROWS[0]], "id", "name", name))
    given = {"destination": "front", "format": "PARQUET", "keep": [name]}
    configure(made, TABLE.format(root=tmp_path, app=app, url=url) + '[destinations.options]\ntable = "t"\n')
    answer = await made.start(app, upload, NAMES, **given)
    assert (answer.code, name in answer.json["errors"][0]["message"]) == ("BAD_INPUT", True), answer.json
    configure(made, TABLE.format(root=tmp_path, app=app, url=f"sqlite:///{tmp_path}/in.db") + '[destinations.options]\ntable = "t"\n')
    assert (await made.start(app, upload, NAMES, **given)).code == "OK"


async def test_the_same_key_with_another_destination_is_another_input(made: Batches, tmp_path: Path) -> None:
    app = made.world.application("two_places")
    (tmp_path / "in").mkdir()
    configure(made, FOLDER.format(root=tmp_path, app=app))
    upload = await made.upload(app, table([ROWS[0][:2]], "id", "name"))
    job = await made.job(app, upload, NAMES, destination="front")
    assert await made.job(app, upload, NAMES, destination="front") == job
    assert (await made.start(app, upload, NAMES)).code == "CONFLICT"
