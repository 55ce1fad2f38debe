"""Uploads: who may bring them, what they may be, who may use them, and how they go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet
from sqlalchemy import func, select

from hub.clock import clock
from hub.exchange.tables import exchange_upload
from hub.exchange.verifying.child import read
from hub.exchange.verifying.disposal import UploadDisposal
from hub.exchange.verifying.reading import MOST_CELL, MOST_COLUMNS, MOST_ROWS, Malformed
from hub.exchange.verifying.rows import rows_of
from hub.exchange.verifying.store import MOST_UPLOADS
from hub.store.base import now
from tests.exchange.verifying.world import Batches, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
_FACTORS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
ONE = table([(KNOWN, NAME)], "id", "name")
MALFORMED = {
    "no rows": (b"id,name\n", "no rows"),
    "nothing": (b"\n", "rows"),
    "too few": (b"id,name\n1,2\n3\n", "line 3"),
    "too many": (b"id,name\n1,2\n3,4,5\n", "line 3"),
    "blank line": (b"id,name\n1,2\n\n3,4\n", "line 3"),
    "open quote": (b'id,name\n1,"2\n3,4\n', "quotation"),
    "text behind a quote": (b'id,name\n1,"2"x\n', "line 2"),
    "name twice": (b"id,id\n1,2\n", "column 2"),
    "name missing": (b"id,\n1,2\n", "column 2"),
    "name unseen": ("id,na\u202eme\n1,2\n".encode(), "column 2"),
    "name a formula": (b"id,=cmd\n1,2\n", "column 2"),
    "name a path": (b"id,../../x\n1,2\n", "column 2"),
    "nul": (b"id,name\n1,a\0b\n", "line 2"),
    "long value": (b"id,name\n1," + b"x" * (MOST_CELL + 1) + b"\n", "line 2"),
    "very long line": (b"id,name\n1," + b"x" * 300_000 + b"\n", "line 2"),
    "columns": (",".join(f"c{n}" for n in range(MOST_COLUMNS + 1)).encode() + b"\n1\n", "columns"),
    "utf-16": ("id,name\n1,2\n".encode("utf-16"), "UTF-16"),
    "bytes of no encoding": (b"id,name\n1,\xff\xfe\xff\n", "line 2"),
}
MALFORMED_JSON = {
    "no rows": (b"", "no rows"),
    "no json": (b'{"id": "1"}\n{"id": \n', "line 2"),
    "list": (b'["1"]\n', "line 1"),
    "nested": (b'{"id": {"a": 1}}\n', "line 1"),
    "deep": (b'{"id": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", "line 1"),
    "encoding": ('{"id": "张"}\n'.encode("gb18030"), "line 1"),
    "long": (b'{"id": "' + b"x" * 300_000 + b'"}\n', "line 1"),
    "columns": (b"".join(b'{"c%d": 1}\n' % n for n in range(MOST_COLUMNS + 1)), "columns"),
    "empty name": (b'{"": 1}\n', "column 1"),
    "not a number": (b'{"id": NaN}\n', "line 1"),
    "more than 64 bits": (b'{"id": 1e30}\n{"id": 20261123000000000012}\n', "line 2"),
    "more digits than any": (b'{"id": %s}\n' % (b"9" * 300), "line 1"),
    "name twice": (b'{"id": "1", "name": "8:00"}\n{"id": "2", "id" : "3"}\n', "line 2: name 1"),
    "nested too deeply to be looked through": (b'{"id": %s%s, "id": 1e19}\n' % (b"[" * 1020, b"]" * 1020), "line 1"),
}


def taken(folder: Path, content: bytes, format_: str = "CSV", charset: str = "") -> tuple[dict[str, object], list[object]]:
    """What is found in a file, and its rows in the one form."""
    (folder / "in").write_bytes(content)
    (folder / "out").unlink(missing_ok=True)
    return read(format_, charset, folder / "in", folder / "out"), list(rows_of(folder / "out", 0))


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_csv_is_refused_where_it_is_wrong(folder: Path, what: str) -> None:
    content, said = MALFORMED[what]
    with pytest.raises(Malformed) as fault:
        taken(folder, content)
    assert said in fault.value.en
    assert fault.value.zh
    assert fault.value.hint_zh
    assert fault.value.hint_en


@pytest.mark.parametrize("what", MALFORMED_JSON)
def test_malformed_json_lines_are_refused_where_they_are_wrong(folder: Path, what: str) -> None:
    content, said = MALFORMED_JSON[what]
    with pytest.raises(Malformed, match=said):
        taken(folder, content, "JSONL")


@pytest.mark.parametrize("format_", ["PARQUET", "ARROW"])
@pytest.mark.parametrize("what", ["nothing", "texts", "cut", "turned"])
def test_broken_files_of_columns_are_refused(folder: Path, format_: str, what: str) -> None:
    whole = columns(folder, format_, pa.table({"id": ["1", "2"] * 50}))
    content = {"nothing": b"PAR1", "texts": ONE * 20, "cut": whole[: len(whole) // 2], "turned": whole[::-1]}[what]
    with pytest.raises(Malformed):
        taken(folder, content, format_)


def columns(folder: Path, format_: str, given: pa.Table) -> bytes:
    """A file of columns."""
    if format_ == "PARQUET":
        parquet.write_table(given, folder / "made")
    else:
        with ipc.new_file(folder / "made", given.schema, options=ipc.IpcWriteOptions(compression="zstd")) as file:
            file.write_table(given)
    return (folder / "made").read_bytes()


@pytest.mark.parametrize("charset", ["", "gb18030"])
def test_byte_order_marks_of_gb18030(folder: Path, charset: str) -> None:
    text = "id,姓名\n1,张\n".encode("gb18030")
    _, rows = taken(folder, "\ufeff".encode("gb18030") + text, charset=charset)
    assert rows == taken(folder, text, charset=charset)[1]
    with pytest.raises(Malformed, match="byte order mark") as fault:
        taken(folder, b"\xef\xbb\xbf" + text, charset="gb18030")
    assert "GB18030" in fault.value.hint_en


def test_refusals_name_the_place_in_both_languages(folder: Path) -> None:
    with pytest.raises(Malformed) as fault:
        taken(folder, b"id,name\n1," + b"x" * (MOST_CELL + 1) + b"\n")
    assert (fault.value.zh[:11], fault.value.en[:16]) == ("第 2 行第 2 列：", "line 2, column 2")
    with pytest.raises(Malformed) as fault:
        taken(folder, b"id;name\n1;2\n")
    assert ("逗号分隔" in fault.value.hint_zh, "commas between" in fault.value.hint_en) == (True, True)


@pytest.mark.parametrize("format_", ["PARQUET", "ARROW"])
def test_a_column_of_a_type_that_is_not_taken_is_named_with_it(folder: Path, format_: str) -> None:
    with pytest.raises(Malformed) as fault:
        taken(folder, columns(folder, format_, pa.table({"id": ["1"], "photo": [b"\xff"]})), format_)
    assert (fault.value.zh, fault.value.en) == ("列 photo 的类型 binary 不受支持", "the column photo has the type binary, which is not taken")


def test_a_stream_of_arrow_is_told_from_a_broken_file(folder: Path) -> None:
    sink, content = pa.BufferOutputStream(), pa.table({"id": ["1"]})
    with ipc.new_stream(sink, content.schema) as writer:
        writer.write_table(content)
    with pytest.raises(Malformed) as fault:
        taken(folder, sink.getvalue().to_pybytes(), "ARROW")
    assert ("stream" in fault.value.en, "new_file" in fault.value.hint_en, "new_file" in fault.value.hint_zh) == (True, True, True)


def test_spellings_of_csv(folder: Path) -> None:
    """With and without BOM, in both encodings, with any line's end, quoted or not; an empty value is none."""
    rows = [["1", "张三"], ["2", None]]
    text = 'id,name\r\n1,"张三"\r\n2,\r\n\r\n'
    for content, charset in ((text.encode(), ""), (text.encode("utf-8-sig"), ""), (text.encode("gb18030"), ""), (text.encode("gb18030"), "gbk")):
        assert taken(folder, content, charset=charset) == ({"rows": 2, "columns": ["id", "name"]}, rows)
    assert taken(folder, text.replace("\r\n", "\n").rstrip().encode())[1] == rows
    assert taken(folder, b'id\n"a\nb"\n')[1] == [["a\nb"]]


def test_json_lines_keep_their_types_and_may_leave_values_out(folder: Path) -> None:
    found, rows = taken(folder, b'{"id": "1", "n": 5}\n{"id": "2", "b": true}\n\n', "JSONL")
    assert (found, rows) == ({"rows": 2, "columns": ["id", "n", "b"]}, [["1", 5], ["2", None, True]])
    assert taken(folder, b'{"n": 18446744073709551615}\n{"n": -9223372036854775808}\n{"n": 1e22}\n', "JSONL")[1] == [[2**64 - 1], [-(2**63)], [1e22]]


@pytest.mark.parametrize("format_", ["PARQUET", "ARROW"])
def test_columns_are_told_as_graphql_takes_them(folder: Path, format_: str) -> None:
    moment = now().replace(microsecond=0)
    given = pa.table(
        {"id": pa.array(["1", None]).dictionary_encode(), "d": pa.array([moment.date(), None]), "t": pa.array([moment, None]), "f": [0.5, float("nan")]}
    )
    _, rows = taken(folder, columns(folder, format_, given), format_)
    assert rows == [["1", moment.date().isoformat(), moment.isoformat(), 0.5], [None, None, None, None]]
    with pytest.raises(Malformed, match="column id"):
        taken(folder, columns(folder, format_, pa.table({"id": [["1"]]})), format_)


def test_moments_of_every_unit_and_zone(folder: Path) -> None:
    """Made without pandas, which Arrow would load where it is installed: the process that looks at uploads has no room for it."""
    text, at = "2026-11-22T08:00:00", 1_795_334_400
    units = {unit: pa.array([at * factor, None], pa.int64()) for unit, factor in _FACTORS.items()}
    columns_ = {unit: values.cast(pa.timestamp(unit)) for unit, values in units.items()}
    columns_ |= {"zone": units["ms"].cast(pa.timestamp("ms", "Asia/Shanghai")), "packed": units["us"].cast(pa.timestamp("us")).dictionary_encode()}
    _, rows = taken(folder, columns(folder, "ARROW", pa.table(columns_)), "ARROW")
    assert rows == [[*[text] * 4, f"{text}+00:00", text], [None] * 6]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
        pa.array([2**62], pa.int64()).cast(pa.timestamp("us")),
        pa.array([-(2**63)], pa.int64()).cast(pa.timestamp("s", "UTC")),
        pa.array([1], pa.int64()).cast(pa.timestamp("ns")),
    ],
    ids=["infinite day", "late", "early", "nanoseconds"],
)
def test_days_and_moments_that_nobody_can_tell_are_named_by_their_column(folder: Path, values: pa.Array[Any]) -> None:
    with pytest.raises(Malformed) as fault:
        taken(folder, columns(folder, "ARROW", pa.table({"id": ["1"], "seen": values})), "ARROW")
    assert ("列 seen" in fault.value.zh, "column seen" in fault.value.en, "timestamp[us]" in fault.value.hint_en) == (True, True, True)


def test_more_rows_than_there_may_be_are_refused_by_what_a_file_says_of_itself(folder: Path) -> None:
    with pytest.raises(Malformed, match="too large"):
        taken(folder, columns(folder, "PARQUET", pa.table({"id": pa.nulls(MOST_ROWS + 1)})), "PARQUET")


@pytest.mark.usefixtures("in_process")
async def test_what_cannot_be_taken_is_refused_before_it_is_read(batches: Batches) -> None:
    world = batches.world
    app = world.application("wrong")
    zipped = {"content-encoding": "gzip"}
    for media, headers, content, status in (
        ("application/json", {}, ONE, 415),
        ("text/csv; charset=utf-16", {}, ONE, 415),
        ("application/x-ndjson; charset=gbk", {}, ONE, 415),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", {}, ONE, 415),
        ("text/csv", zipped, ONE, 415),
        ("text/csv", {}, b"", 400),
        ("text/csv", {}, b"id\n" + b"1\n" * 600_000, 413),
    ):
        answer = await batches.send(app, content, media, **headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, "BAD_INPUT")

    async def pieces() -> object:
        for _ in range(20):
            yield b"1" * 65_000 + b"\n"

    headers = {**await batches.headers(app), "content-type": "text/csv"}
    assert (await world.http.post("/exchanges/uploads", content=pieces(), headers=headers)).status_code == 413
    assert (await world.http.post("/exchanges/uploads", content=ONE, headers={"content-type": "text/csv"})).status_code == 401
    with world.core.engine.connect() as connection:
        mine = exchange_upload.c.application == world.core.registry.by_name(app).client_id
        assert connection.execute(select(func.count()).select_from(exchange_upload).where(mine)).scalar_one() == 0


@pytest.mark.usefixtures("in_process")
async def test_a_token_that_is_not_for_verification_brings_nothing(batches: Batches) -> None:
    world = batches.world
    app = world.application("querying")
    headers = await batches.headers(app)
    client = world.core.registry.by_name(app)
    assert client is not None
    token = world.hub._tokens.issue(client.client_id, {scope for scope in client.scopes() if scope.startswith("query")}).token
    answer = await world.http.post("/exchanges/uploads", content=ONE, headers={**headers, "content-type": "text/csv", "authorization": f"Bearer {token}"})
    assert answer.status_code == 403


@pytest.mark.usefixtures("in_process")
async def test_an_application_has_few_uploads_and_after_a_day_none(batches: Batches) -> None:
    world = batches.world
    app = world.application("hoarding")
    uploads = [await batches.upload(app, ONE) for _ in range(MOST_UPLOADS)]
    assert (await batches.send(app, ONE)).status_code == 429
    before = world.entries()[-1].seq
    disposal = UploadDisposal(world.hub._verifying.uploads, world.core.ledger, alone=True)
    with clock.at(now() + timedelta(days=1, seconds=1)):
        await disposal.sweep()
    disposed = {(entry.content.details or {})["target"] for entry in world.entries(before) if entry.content.operation == "disposeUpload"}
    assert disposed >= set(uploads)
    assert not any(world.hub._verifying.uploads.path(upload).exists() for upload in uploads)
    assert (await batches.send(app, ONE)).status_code == 201


async def test_uploads_of_verifications_that_have_ended_keep_nobody_waiting(batches: Batches) -> None:
    world = batches.world
    app = world.application("frequent")
    for _ in range(MOST_UPLOADS):
        await batches.ended(app, await batches.job(app, await batches.upload(app, ONE)))
    before = world.entries()[-1].seq
    assert (await batches.send(app, ONE)).status_code == 201, "no sweep was waited for"
    disposed = [(entry.content.details or {})["target"] for entry in world.entries(before) if entry.content.operation == "disposeUpload"]
    assert len(disposed) == len(set(disposed)) >= MOST_UPLOADS


async def test_what_cannot_be_deleted_keeps_its_own_application_waiting_and_nobody_else(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    world = batches.world
    stuck, free = world.application("stuck"), world.application("free")
    for app in (stuck, free):
        for _ in range(MOST_UPLOADS):
            await batches.ended(app, await batches.job(app, await batches.upload(app, ONE)))
    mine = {upload.id for upload in world.hub._verifying.uploads.due(world.core.registry.by_name(stuck).client_id)}
    assert len(mine) == MOST_UPLOADS
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.name in mine:
            raise PermissionError
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert (await batches.send(stuck, ONE)).status_code == 429
    assert (await batches.send(free, ONE)).status_code == 201
    last = await batches.upload(free, ONE)
    await batches.ended(free, await batches.job(free, last))
    with pytest.raises(PermissionError):
        await world.hub._verifying.disposal.sweep()
    assert not world.hub._verifying.uploads.path(last).exists(), "what comes behind it goes all the same"
