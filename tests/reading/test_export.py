"""LOG-04, LOG-08: exports equal the log row by row, in three formats; who may have which; each is entered before its first byte and after its last."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import orjson
import pytest
from starlette.requests import ClientDisconnect

from hub.catalog.scopes import AUDIT, STEWARD
from hub.ledger.digest import digest_of
from hub.people.roles import ROLES
from hub.reading.columns import Rows
from hub.reading.exports import new_export
from hub.reading.formats import no_formula
from hub.reading.views import DATA, Scope, View
from tests.reading.world import SUBJECT, World
from verifier.cli import main as verifier

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


def expected(world: World, scope: Scope, **which: Any) -> list[dict[str, Any]]:
    """What the rows of a view should be, from the log itself."""
    names = {client_id: name for name, client_id in world.ids.items()}
    rows = Rows(scope, lambda client_id: names.get(client_id), digest_of(world.core.log.verifier_key.name))
    return [row for entry in world.entries(**which) for row in rows.of(entry)]


def csv_rows(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    return [dict(zip([heading.rpartition(" ")[2] for heading in header], each, strict=True)) for each in lines]


@pytest.mark.parametrize("view", ["own", "provided", "all"])
@pytest.mark.parametrize("who", [*sorted(ROLES), "rents"])
async def test_who_may_have_which_view(world: World, view: str, who: str) -> None:
    allowed = view == "own" or (view == "all" and who == AUDIT) or (view == "provided" and who in (AUDIT, STEWARD))
    answer = await world.export(who, view=view)
    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        last = world.entries()[-1].content
        assert (last.kind, last.code, last.operation) == ("deny", "FORBIDDEN", "ledger.export")
        assert (last.details or {}).get("alert", False) is (who in ROLES), "an application's refusals bury no alerts"


async def test_without_a_token_nothing(world: World) -> None:
    assert (await world.http.get("/ledger/export")).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"view": "mine"}, "view"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-23T08:00:00+08:00", "to": "2026-11-22T08:00:00+08:00"}, "from"),
        ({"lowest": "10", "highest": "9"}, "lowest"),
        ({"provider": "tax"}, "provider"),
        ({"kind": "admin"}, "kind"),
    ],
)
async def test_what_cannot_be_asked_for(world: World, query: dict[str, str], field: str) -> None:
    answer = await world.export("rents", **query)
    assert answer.status_code == 400
    assert field in answer.text


async def test_csv_equals_the_log_and_runs_no_formula(world: World) -> None:
    answer = await world.export(AUDIT, view="all", application="loans")
    rows = csv_rows(answer)
    wanted = expected(world, Scope(View.ALL), application=world.ids["loans"])
    assert [row["call"] for row in rows] == ["call-1", "call-1", "call-2", "call-5"]
    for row, want in zip(rows, wanted, strict=True):
        assert {name: value.removeprefix("'") for name, value in row.items()} == {name: "" if value is None else str(value) for name, value in want.items()}
    assert rows[2]["operator"] == "'=cmd|' /C calc'!A0"
    assert SUBJECT not in answer.text


@pytest.mark.parametrize("text", ["=1", " =1", "\t1", "＝1", "\u200b=1", "\ufeff@x", "\x01-1"])
async def test_what_begins_a_formula_behind_characters_that_nobody_sees_does_so_too(text: str) -> None:
    assert no_formula(text) == f"'{text}"
    assert [no_formula(other) for other in ("\u200b1", "", "\u200b", "a=1")] == ["\u200b1", "", "\u200b", "a=1"]


async def test_parquet_equals_the_log(world: World, tmp_path: Path) -> None:
    answer = await world.export(AUDIT, view="all", format="parquet", department="housing", kind="exchange")
    (tmp_path / "ledger.parquet").write_bytes(answer.content)
    found = duckdb.sql(f"SELECT * REPLACE (strftime(\"at\" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f+00:00') AS \"at\") FROM '{tmp_path}/ledger.parquet'")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert rows == expected(world, Scope(View.ALL), department="housing", kinds=("exchange",))
    assert rows[0]["rows"] == 40


async def test_a_department_gets_its_own_part_of_each_call(world: World) -> None:
    rows = csv_rows(await world.export(STEWARD, view="provided"))
    assert [row["call"] for row in rows] == ["call-0", "call-1", "call-4", "call-5"]
    assert {row["provider"] for row in rows} == {"civil"}
    assert not {"case", "call_rows", "call_bytes", "trace"} & set(rows[0])
    assert rows[1]["code"] == ""


@pytest.mark.parametrize(("who", "view"), [("rents", "own"), (STEWARD, "provided")])
async def test_lines_for_consumers_and_providers_carry_leaves_and_paths_and_no_entry(world: World, who: str, view: str) -> None:
    first, *rows, closing = [orjson.loads(each) for each in (await world.export(who, view=view, format="jsonl")).content.splitlines()]
    assert (first["format"], first["kind"]) == ("huitong-calls/v1", "extract")
    assert set(closing) == {"sha256", "key", "signature"}
    scope = Scope(View.OWN) if view == "own" else Scope(View.PROVIDED, department="civil")
    which: dict[str, Any] = {"application": world.ids["rents"]} if view == "own" else {"provider": "civil"}
    plain = [{name: value for name, value in row.items() if name != "path"} for row in rows]
    last = plain[-1]["entry"]
    assert plain == [row for row in expected(world, scope, kinds=DATA, **which) if row["entry"] <= last]
    assert SUBJECT not in str(rows)


@pytest.mark.parametrize(
    ("query", "kind"),
    [({}, "segment"), ({"lowest": "2", "highest": "9"}, "segment"), ({"department": "bank"}, "extract"), ({"resource": "no.such"}, "extract")],
)
async def test_an_auditors_lines_are_verified_without_the_hub(world: World, tmp_path: Path, query: dict[str, str], kind: str) -> None:
    answer = await world.export(AUDIT, view="all", format="jsonl", **query)
    (tmp_path / "ledger.jsonl").write_bytes(answer.content)
    (tmp_path / "log.key").write_text(f"{world.core.log.verifier_key}\n")
    assert orjson.loads(answer.content.splitlines()[0])["kind"] == kind
    command = ["export", str(tmp_path / "ledger.jsonl"), "--key", str(tmp_path / "log.key")]
    assert verifier(command) == 0
    if kind == "extract" and "department" in query:
        (tmp_path / "ledger.jsonl").write_bytes(answer.content.replace(b"call-1", b"call-9"))
        assert verifier(command) == 1


async def test_an_export_is_entered_before_its_first_byte_and_after_its_last(world: World) -> None:
    answer = await world.export(AUDIT, view="all", provider="tax")
    begun, ended = world.entries()[-2:]
    assert str(begun.seq) == answer.headers["huitong-ledger-entry"]
    assert (begun.content.operation, ended.content.operation) == ("ledger.export", "ledger.exported")
    assert begun.content.details is not None
    assert begun.content.details["filter"] == {"provider": "tax", "highest": begun.content.details["size"] - 1}  # type: ignore[operator]
    said = dict(ended.content.details or {})
    assert said["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert (said["entries"], said["rows"], said["bytes"], said["complete"]) == (2, 3, len(answer.content), True)
    assert said["export"] == begun.content.call


async def test_an_export_that_breaks_off_is_entered_as_such(world: World) -> None:
    scope = {"type": "http", "method": "GET", "path": "/ledger/export", "query_string": b"view=all", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1)}
    headers = [(name.encode(), value.encode()) for name, value in {**world.headers(AUDIT), "host": "127.0.0.1:8000"}.items()]

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the client is gone")

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    with pytest.raises(ClientDisconnect):
        await world.hub({**scope, "headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "", "asgi": {"spec_version": "2.4"}}, receive, send)
    last = world.entries()[-1].content
    assert (last.operation, last.outcome, last.code) == ("ledger.exported", "FAILED", "ABORTED")


async def test_memory_is_bounded_by_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.reading.exports.PAGE", 2)
    export = new_export(world.core, Scope(View.ALL), Scope(View.ALL).filter({"department": "bank"}), "csv", "tester", "call-x")
    parts = list(export.parts())
    assert max(part.count(b"\r\n") for part in parts) <= 3
    assert sum(part.count(b"\r\n") for part in parts) == 1 + export.rows
    assert export.entries == 3
