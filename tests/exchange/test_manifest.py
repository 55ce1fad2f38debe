"""Manifests of exchanges in several files, as the hub writes them and as the stand-alone verifier reads them."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import select, update

from hub.api.admission import Admission
from hub.exchange.manifest import files_digest
from hub.exchange.store import FileRecord
from hub.exchange.tables import exchange
from hub.ledger.tables import entry
from tests.catalog.homes import SECURITY
from tests.verification.world import NOTE, World, world_in
from verifier.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
START = "mutation ($i: StartExchangeInput!) { startExchange(input: $i) { exchange { id } } }"
LOOK = "query ($id: ID!) { exchange(id: $id) { state reason files { name url } manifestUrl } }"
DOCUMENT = "{ civilAffairs { persons { nodes { name birthDate flat } } } }"
PERSONS, CHUNK = 90, 40


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@dataclass
class Exchanges:
    """A hub whose exchanges have chunks of forty rows, and a folder for what is pulled."""

    world: World

    async def made(self, format_: str, application: str = "housing", **more: Any) -> Any:
        """An exchange that has succeeded."""
        given = {"document": DOCUMENT, "format": format_, "idempotencyKey": f"{format_}{more}", **more}
        answer = await self.world.ask(application, START, {"i": given})
        assert answer.code == "OK", answer.json
        job = answer.json["data"]["startExchange"]["exchange"]["id"]
        for _ in range(1200):
            found = (await self.world.ask(application, LOOK, {"id": job})).json["data"]["exchange"]
            if found["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
                assert found["state"] == "SUCCEEDED", found
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(found)

    async def get(self, url: str, application: str = "housing", method: str = "GET", **headers: str) -> httpx2.Response:
        """An answer to one of its requests."""
        return await self.world.http.request(method, url, headers={**self.world._headers[application], **headers})

    async def pulled(self, found: Any, folder: Path) -> dict[str, Any]:
        """Puts files and manifest into a folder, beside the ledger's key; the manifest."""
        content: dict[str, bytes] = {}
        for file in found["files"]:
            answer = await self.get(file["url"])
            assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
            content[file["name"]] = answer.content
        content["manifest.json"] = (await self.get(found["manifestUrl"])).content
        put(folder, content, f"{self.world.core.log.verifier_key}\n")
        value: dict[str, Any] = orjson.loads(content["manifest.json"])
        return value

    def entry(self, number: int) -> bytes:
        """The canonical bytes of an entry."""
        with self.world.core.engine.connect() as connection:
            found: bytes = connection.execute(select(entry.c.canonical).where(entry.c.seq == number)).scalar_one()
            return found


def put(folder: Path, content: dict[str, bytes], key: str) -> None:
    """Files into a new folder, and a key beside it."""
    folder.mkdir()
    for name, each in content.items():
        (folder / name).write_bytes(each)
    folder.with_suffix(".key").write_text(key)


@pytest.fixture(scope="module")
async def exchanges(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Exchanges]:
    """A running hub."""
    directory = tmp_path_factory.mktemp("manifests")
    async with world_in(directory, exchange_executor="inline", exchange_chunk_rows=CHUNK) as world:
        with closing(sqlite3.connect(directory / "register.db")) as connection:
            rows = [(n, f"id{n}", f"张{n}", f"19{n % 90 + 10}-01-{n % 28 + 1:02}", f"{n:04}", NOTE) for n in range(10, PERSONS + 8)]
            connection.executemany("INSERT INTO residents VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.commit()
        world.application("housing")
        world.application("bank")
        yield Exchanges(world)


@pytest.mark.parametrize("format_", ["CSV", "JSONL", "PARQUET", "ARROW"])
async def test_what_the_hub_writes_the_verifier_finds_sound(exchanges: Exchanges, tmp_path: Path, format_: str) -> None:
    found = await exchanges.made(format_)
    folder = tmp_path / "pulled"
    manifest = await exchanges.pulled(found, folder)
    assert [file["rows"] for file in manifest["files"]] == [40, 40, 10]
    number = int(manifest["ledger"]["entry"])
    export = tmp_path / "entry.jsonl"
    export.write_bytes(orjson.dumps({"seq": number, "entry": exchanges.entry(number).decode()}) + b"\n")
    arguments = ["exchange", str(folder), "--key", str(folder.with_suffix(".key"))]
    assert main([*arguments, "--entries", str(export)]) == 0
    (folder / manifest["files"][1]["name"]).unlink()
    assert main(arguments) == 1


async def test_the_entry_names_the_files_by_their_digest(exchanges: Exchanges, tmp_path: Path) -> None:
    found = await exchanges.made("CSV")
    manifest = await exchanges.pulled(found, tmp_path / "pulled")
    told = orjson.loads(exchanges.entry(int(manifest["ledger"]["entry"])))
    assert told["kind"] == "exchange"
    assert told["details"]["sha256"] == manifest["ledger"]["sha256"] == hashlib.sha256(orjson.dumps(manifest["files"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    assert (told["rows"], told["bytes"]) == (PERSONS, sum(file["bytes"] for file in manifest["files"]))
    assert manifest["policy"] == told["accesses"][0]["policy"]
    assert (manifest["format"], manifest["encoding"], manifest["masks"]) == ("CSV", "UTF-8", [])
    assert manifest["source_snapshot"]["catalog"] == exchanges.world.hub.live.snapshot.number
    assert manifest["plan"]["columns"] == ["name", "birthDate", "flat"]


async def test_the_log_itself_knows_the_entry_that_nobody_noted(exchanges: Exchanges) -> None:
    """A server died between the entry and its note."""
    found = await exchanges.made("CSV")
    before = (await exchanges.get(found["manifestUrl"])).json()["ledger"]["entry"]
    with exchanges.world.core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == found["manifestUrl"].split("/")[2]).values(entry=None))
    assert (await exchanges.get(found["manifestUrl"])).json()["ledger"]["entry"] == before


def test_the_digest_of_files_depends_on_all_that_is_told_of_them() -> None:
    one, other = FileRecord("a.csv", 1, 2, "0" * 64), FileRecord("b.csv", 1, 2, "0" * 64, "1" * 64)
    assert files_digest([one, other]) == files_digest([other, one])
    changed = [
        FileRecord("a.csv", 2, 2, "0" * 64),
        FileRecord("a.csv", 1, 3, "0" * 64),
        FileRecord("a.csv", 1, 2, "2" * 64),
        FileRecord("c.csv", 1, 2, "0" * 64),
    ]
    assert len({files_digest([each]) for each in [one, other, *changed]}) == 6
    assert files_digest([one]) == hashlib.sha256(b'[{"bytes":2,"name":"a.csv","rows":1,"sha256":"' + b"0" * 64 + b'"}]').hexdigest()


async def test_files_and_manifests_are_their_owners_alone(exchanges: Exchanges) -> None:
    """G2: another consumer's exchange is not told from none."""
    found = await exchanges.made("CSV")
    await exchanges.world.ask("bank", "{ __typename }")
    for url in (found["manifestUrl"], found["files"][0]["url"], found["files"][0]["url"].replace("data-", "..%2fdata-")):
        assert (await exchanges.get(url, "bank")).status_code == 404
    assert (await exchanges.get(found["files"][0]["url"].replace("00001", "00009"))).status_code == 404


async def test_a_range_of_another_file_is_not_given(exchanges: Exchanges) -> None:
    first, second = (await exchanges.made("CSV"))["files"][:2]
    whole = await exchanges.get(first["url"])
    other = await exchanges.get(second["url"], range="bytes=100-", **{"if-range": whole.headers["etag"]})
    assert (other.status_code, other.headers.get("content-range")) == (200, None)
    same = await exchanges.get(first["url"], range="bytes=100-", **{"if-range": whole.headers["etag"]})
    assert (same.status_code, same.content) == (206, whole.content[100:])
    assert same.headers["content-range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"


async def test_downloads_beyond_the_limit_are_refused_until_one_ends(exchanges: Exchanges) -> None:
    file = (await exchanges.made("CSV"))["files"][0]["url"]
    http = exchanges.world.hub._exchange_http
    before = http.places.in_work
    assert before == 0, "downloads that ended hold no place"
    object.__setattr__(http, "places", Admission(2, 1))
    app = exchanges.world.core.registry.by_name("housing")
    assert app is not None
    http.places.enter(app.client_id)
    refused = await exchanges.get(file)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1
    http.places.leave(app.client_id)
    assert (await exchanges.get(file)).status_code == 200
    assert http.places.in_work == 0


async def test_a_revoked_grant_ends_manifest_and_files(exchanges: Exchanges) -> None:
    """G3."""
    world = exchanges.world
    world.application("leaving")
    found = await exchanges.made("JSONL", "leaving")
    assert (await exchanges.get(found["manifestUrl"], "leaving")).status_code == 200
    app = world.core.registry.by_name("leaving")
    assert app is not None
    for grant in world.core.sharing.grants(app.client_id):
        await asyncio.to_thread(world.core.sharing.change_grant, SECURITY, grant.id, "REVOKED")
    await world.hub.live.refresh()
    for url in (found["manifestUrl"], found["files"][0]["url"]):
        assert (await exchanges.get(url, "leaving")).status_code == 403
