"""The watch for canaries finds what it is to find, and finds nothing in a hub that was asked for everything (MSK-01, CLS-04, OPN-19; security E13, F1, F4)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest
from starlette.responses import PlainTextResponse

from hub.demo.rows import canary
from tests.hub.canaries import Canaries, Leak, watched
from tests.hub.running import RunningHub

MARK = canary("civil_affairs.person")


@pytest.mark.fast
@pytest.mark.parametrize("name", ["hub.log", "control.db", "exchanges/x/data.csv", "packed.gz", "demo/samples.json", "snapshots/a.duckdb"])
def test_a_canary_in_a_file_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".duckdb"):
        with duckdb.connect(str(path)) as database:
            database.execute("CREATE TABLE d AS SELECT $1 AS n FROM range(5000)", [MARK])
    else:
        path.write_bytes(gzip.compress(MARK.encode()) if name.endswith(".gz") else f"a {MARK}".encode())
    with pytest.raises(Leak):
        Canaries(tmp_path).written()


@pytest.mark.fast
def test_a_canary_in_an_answer_is_found(tmp_path: Path) -> None:
    request = httpx2.Request("GET", "http://hub/")
    for answer in (httpx2.Response(200, text=MARK, request=request), httpx2.Response(200, headers={"x-note": MARK.encode("utf-8")}, request=request)):
        with pytest.raises(Leak):
            Canaries(tmp_path).response(answer)


@pytest.mark.fast
@pytest.mark.anyio
async def test_a_client_within_the_process_is_watched(tmp_path: Path) -> None:
    with pytest.raises(Leak):
        async with watched(PlainTextResponse(MARK), "http://hub", tmp_path) as client:
            await client.get("/")
    (tmp_path / "hub.log").write_text(MARK, "utf-8")
    with pytest.raises(Leak):
        async with watched(PlainTextResponse("nothing"), "http://hub", tmp_path) as client:
            await client.get("/")


@pytest.mark.fast
def test_a_departments_own_files_are_its_own(tmp_path: Path) -> None:
    for name in ("demo/civil_affairs.db", "demo/ecology/air_quality_20261121.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(MARK, "utf-8")
    Canaries(tmp_path).written()


TYPES = """{ __schema { queryType { name } types { name description fields { name description type { ...T } } inputFields { name } enumValues { name } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""
CATALOG = "{ catalog(first: 100) { nodes { code name description items { code name mask } } } }"


def named(type_: dict[str, Any]) -> tuple[str, str]:
    """Kind and name of a type behind its lists and non-nulls."""
    while type_.get("ofType"):
        type_ = type_["ofType"]
    return type_["kind"], type_["name"]


def lists(types: dict[str, dict[str, Any]], query: str) -> Iterator[str]:
    """A document for every list that the schema has, with every scalar of its rows."""
    for root in types[query]["fields"]:
        for field in types.get(named(root["type"])[1], {}).get("fields") or ():
            node = named(field["type"])[1].removesuffix("Connection")
            if f"{node}Connection" in types and node in types and field["type"]["kind"] == "NON_NULL" and "Edge" in str(types[f"{node}Connection"]):
                scalars = " ".join(each["name"] for each in types[node]["fields"] if named(each["type"])[0] in ("SCALAR", "ENUM"))
                yield f"{{ {root['name']} {{ {field['name']}(first: 200) {{ nodes {{ {scalars} }} totalCount }} }} }}"


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
def test_e13_f1_whoever_asks_for_everything_meets_no_canary(hub: RunningHub) -> None:
    """Every demonstration application reads every list that it sees, every item; and asks wrongly. The client looks through all answers."""
    before, rows = hub.canaries.scanned, 0
    for name in ("housing", "bank", "civil_affairs_own", None):
        hub.ask(name, CATALOG)
        schema = hub.ask(name, TYPES).data["__schema"]
        for document in lists({each["name"]: each for each in schema["types"]}, schema["queryType"]["name"]):
            # Other tests' departments may hold values that cannot be delivered.
            data = hub.ask(name, document).content["data"]
            rows += sum(len(each["nodes"]) for department in data.values() if department for each in department.values())
            for wrong in ("internalNote", "internal_note"):
                assert "errors" in hub.ask(name, document.replace("nodes {", f"nodes {{ {wrong}")).content
                assert "errors" in hub.ask(name, document.replace("(", f'(where: {{{wrong}: {{startsWith: "{MARK[:4]}"}}}}, ')).content
    assert rows > 3_000
    assert hub.canaries.scanned - before > 500_000
    hub.canaries.written(hub.log)
