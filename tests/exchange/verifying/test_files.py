"""The file of outcomes: in every format the same, with kept columns that run nothing, and no value of the register."""

from __future__ import annotations

import io
import json

import orjson
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from hub.exchange.verifying.outcomes import segments
from tests.exchange.verifying.world import DOCUMENT, NAMES, Batches, person, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
EVIL = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2+3", "\t=1", "＝1", " =1", "plain", 'a"b,c']
COLUMNS = ["row", "case", "outcome", "claims.name", "claims.birthDate", "code", "entry"]


def rows_of(content: bytes, format_: str) -> list[dict[str, object]]:
    if format_ == "JSONL":
        return [orjson.loads(line) for line in content.splitlines()]
    found: pa.Table = parquet.read_table(io.BytesIO(content)) if format_ == "PARQUET" else ipc.open_file(content).read_all()
    return found.to_pylist()


async def test_kept_columns_run_nothing_in_a_spreadsheet(batches: Batches) -> None:
    app = batches.world.application("evil")
    rows = [(KNOWN, NAME, case) for case in EVIL]
    job = await batches.job(app, await batches.upload(app, table(rows, "id", "name", "case")), NAMES, keep=["case"])
    found = await batches.rows(app, job)
    assert [row["case"] for row in found] == [f"'{case}" for case in EVIL[:-2]] + EVIL[-2:]
    assert {row["outcome"] for row in found} == {"MATCH"}


async def test_csv_in_gb18030(batches: Batches) -> None:
    app = batches.world.application("older")
    upload = await batches.upload(app, table([(KNOWN, NAME, "案件㐂")], "id", "name", "案号").decode().encode("gb18030"), "text/csv; charset=gb18030")
    assert (await batches.start(app, upload, NAMES, keep=["案号"], encoding="GB18030", format="JSONL")).code == "BAD_INPUT"
    job = await batches.job(app, upload, NAMES, keep=["案号"], encoding="GB18030")
    lines = (await batches.file(app, job)).decode("gb18030").splitlines()
    assert lines[0] == "row,案号,outcome,code,entry"
    assert lines[1].startswith("1,案件㐂,MATCH,,")


@pytest.mark.parametrize("format_", ["JSONL", "PARQUET", "ARROW"])
async def test_formats_tell_the_same(batches: Batches, format_: str) -> None:
    app = batches.world.application(f"in_{format_.lower()}")
    given = [
        {"id": KNOWN, "name": NAME, "born": "1949-12-31", "case": 7},
        {"id": KNOWN, "name": "李", "born": "1949-12-31"},
        {"id": "1", "name": "李", "born": None},
    ]
    upload = await batches.upload(app, b"".join(orjson.dumps(each) + b"\n" for each in given), "application/x-ndjson")
    job = await batches.job(app, upload, DOCUMENT, format=format_, keep=["case"])
    found = rows_of(await batches.file(app, job), format_)
    assert [list(row) for row in found] == [COLUMNS] * 3
    entry = found[0]["entry"]
    assert found == [
        dict(zip(COLUMNS, [1, "7", "MATCH", "MATCH", "MATCH", None, entry], strict=True)),
        dict(zip(COLUMNS, [2, None, "MISMATCH", "MISMATCH", "MATCH", None, entry], strict=True)),
        dict(zip(COLUMNS, [3, None, "REFUSED", None, None, "BAD_INPUT", entry], strict=True)),
    ]


async def test_a_file_is_signed_for_as_any_exchanges_and_holds_no_value_of_the_register(batches: Batches) -> None:
    world = batches.world
    app = world.application("signed")
    rows = [(person(n)[1], "某某", "1900-01-01") for n in range(1300, 1330)]
    job = await batches.job(app, await batches.upload(app, table(rows, "id", "name", "born")), DOCUMENT)
    content = await batches.file(app, job)
    for number in range(1300, 1330):
        _, identity, name, born, _ = person(number)
        assert not any(value.encode() in content for value in (identity, name, born))
    answer = await world.http.get(f"/exchanges/{job}/manifest.json", headers=await batches.headers(app))
    manifest = answer.json()
    assert (answer.status_code, manifest["files"][0]["rows"], manifest["plan"]["operation"]) == (200, 30, "VERIFY")
    stored = world.hub._exchange_http.store.job(job)
    assert stored is not None
    assert (stored.document, stored.variables, json.loads(stored.plan)["upload"]["rows"]) == ("", "", 30)
    assert [part.rows for part in segments(world.core.engine, job)] == [30]


async def test_another_department_gets_neither_job_nor_file(batches: Batches) -> None:
    world = batches.world
    app, other = world.application("own"), world.application("foreign")
    job = await batches.job(app, await batches.upload(app, table([(KNOWN, NAME)], "id", "name")), NAMES)
    found = await batches.ended(app, job)
    assert (await world.ask(other, "query ($id: ID!) { exchange(id: $id) { id } }", {"id": job})).json["data"] == {"exchange": None}
    for path in (
        found["files"][0]["url"],
        f"/exchanges/{job}/manifest.json",
        f"/exchanges/{job}/files/..%2f..%2fuploads%2fx",
        f"/exchanges/{job}/files/.outcomes-1",
    ):
        assert (await world.http.get(path, headers=await batches.headers(other))).status_code == 404
    assert (await world.http.get(f"/exchanges/{job}/files/.outcomes-1", headers=await batches.headers(app))).status_code == 404
