"""Batch exchange attacked: names, formulas, foreign jobs, edited control rows, rights that end while a job runs, full disks."""

from __future__ import annotations

import csv
import hashlib
import io
import resource
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import to_thread
from sqlalchemy import select

from hub.cli.faults import CliFault
from hub.cli.pulling.listing import confirmed
from hub.exchange import passage
from hub.exchange.executors.local import LocalExecutor
from hub.ledger.reading import CallFilter, calls
from hub.sharing import quota
from hub.sharing.grant_acts import GrantGiven
from hub.sharing.tables import grant as grants
from hub.store.base import now
from hub.withdrawal.service import WithdrawalService
from tests.attacks.dying import POINTS, carried_out
from tests.attacks.exchanges import CHUNK_ROWS, FORMULAS, ORDERED, ROWS, SLICED, Exchanges, exchanges_in, expected, manifest, persons
from tests.catalog.homes import CONSOLE, SECURITY, publish

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
MADE_UP = "exchange_00000000000000000000000000"


def by_serial(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["serialNo"]))


def found_in(folder: Path, pattern: str) -> set[str]:
    """Names of files below."""
    return {path.name for path in folder.rglob(pattern)}


@pytest.mark.parametrize("document", [SLICED, ORDERED], ids=["sliced", "ordered"])
async def test_every_row_once_in_many_files(tmp_path: Path, document: str) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await world.start(document)
        found = await world.until(identity, "SUCCEEDED", "FAILED")
        assert found["state"] == "SUCCEEDED", found
        assert len(found["files"]) >= ROWS // CHUNK_ROWS
        assert by_serial(await world.rows(identity)) == expected()


async def test_g1_no_name_leads_out_of_a_jobs_folder(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await world.start(SLICED, key="../../../etc/passwd\\..\\x", format_="CSV")
        found = await world.until(identity, "SUCCEEDED", "FAILED")
        assert found["state"] == "SUCCEEDED"
        hidden = world.folder(identity) / ".data-00001.csv.1"
        hidden.write_bytes(b"an attempt's")
        outside = world.folder(identity).parent / "outside.csv"
        outside.write_bytes(b"outside")
        absent = await world.get(f"/exchanges/{identity}/files/data-99999.csv")
        assert absent.status_code == 404
        names = ["../outside.csv", "..%2foutside.csv", "%2e%2e/outside.csv", "%2e%2e%2foutside.csv", "..%5coutside.csv", "....//outside.csv"]
        names += [".data-00001.csv.1", "./.data-00001.csv.1", "%2edata-00001.csv.1", ".data-00001.csv.subjects", str(outside), "%2f" + str(outside)]
        names += ["data-00001.csv/", "data-00001.csv%00", "DATA-00001.CSV", "data-00001.csv\u2025", "*", "%", "..", ".", ""]
        for name in names:
            answer = await world.get(f"/exchanges/{identity}/files/{name}")
            assert answer.status_code in (400, 404), (name, answer.status_code)
            assert b"outside" not in answer.content
            assert b"attempt" not in answer.content
        for job in ("..", "%2e%2e", "../exchange/" + identity, identity + "/../" + identity + "%2f..", "." + identity, identity.upper()):
            answer = await world.get(f"/exchanges/{job}/files/data-00001.csv")
            assert answer.status_code in (400, 404), job
        assert found_in(tmp_path, "passwd*") == set()


async def test_g1_files_are_their_users_alone(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await world.start()
        await world.until(identity, "SUCCEEDED")
        folder = world.folder(identity)
        assert folder.stat().st_mode & 0o077 == 0
        await world.tidy(identity)
        assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("encoding", ["UTF_8", "GB18030"])
async def test_g1_no_cell_is_a_formula(tmp_path: Path, encoding: str) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await world.start(format_="CSV", encoding=encoding)
        files = (await world.until(identity, "SUCCEEDED"))["files"]
        cells: dict[int, str] = {}
        for file in files:
            text = (await world.get(file["url"])).content.decode("utf-8-sig" if encoding == "UTF_8" else "gb18030")
            for row in list(csv.reader(io.StringIO(text, newline="")))[1:]:
                cells[int(row[0])] = row[4]
        assert len(cells) == ROWS
        for _, serial, *_, note in persons():
            shown = cells[serial]
            assert shown.removeprefix("'") == note.removeprefix("'")
            first = shown.lstrip()[:1]
            assert first not in ("=", "+", "-", "@", "＝", "＋", "－", "＠"), note
            assert shown[:1] not in ("\t", "\r", "\n"), note
        assert any(value.startswith("'=") for value in cells.values())
        assert len({note for *_, note in persons()}) == len(FORMULAS)


@pytest.mark.parametrize("name", ["../data.csv", "/etc/passwd", "a/b.csv", "..", ".data.csv.1", "a\\b.csv", "a\0.csv", "", "数据.csv", "data.csv\n"])
def test_g1_names_in_a_manifest_lead_nowhere(name: Any) -> None:
    """Not even one that is signed with the hub's key."""
    file = {"name": name, "rows": 1, "bytes": 1, "sha256": "00" * 32}
    with pytest.raises(CliFault, match="names a file that cannot be"):
        confirmed(orjson.dumps({"exchange": MADE_UP, "files": [file]}), MADE_UP, [])


async def test_g2_a_foreign_job_is_one_that_does_not_exist(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await world.start()
        file = (await world.until(identity, "SUCCEEDED"))["files"][0]["name"]
        assert await world.look(identity, "other") is None
        assert await world.look(MADE_UP, "other") is None
        for path in (f"files/{file}", "manifest.json", "events"):
            foreign, made_up = [await world.get(f"/exchanges/{each}/{path}", "other") for each in (identity, MADE_UP)]
            assert foreign.status_code == made_up.status_code == 404
            assert told(foreign.json()) == told(made_up.json())
        assert told(await world.cancel(identity, "other")) == told(await world.cancel(MADE_UP, "other"))
        assert (await world.look(identity))["state"] == "SUCCEEDED"


def told(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Codes and messages, without the number of the call and the id that was asked for."""
    return [(each["extensions"]["code"], each["message"].split(" exchange_")[0].split("批量交换 ")[0]) for each in answer["errors"]]


async def test_g2_a_key_is_its_applications_own_and_for_one_input(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path) as world:
        mine, theirs = await world.start(), await world.start(name="other")
        assert mine != theirs
        assert await world.start() == mine
        for changed in ({"document": ORDERED}, {"format_": "CSV"}, {"variables": {"x": 1}}):
            answer = await world.try_start(**changed)
            assert answer["errors"][0]["extensions"]["code"] == "CONFLICT", changed


EDITS = {
    "another document": ("UPDATE exchange SET document = replace(document, 'note', 'name')", ()),
    "another order": ("UPDATE exchange SET document = ?", (ORDERED,)),
    "another plan": ("UPDATE exchange SET plan = replace(plan, '\"CLEAR\"', '\"MASKED\"') || ' '", ()),
    "more scopes": ("UPDATE exchange SET scopes = scopes || ' exchange:civil_affairs.other'", ()),
    "another format": ("UPDATE exchange SET format = 'CSV'", ()),
    "other variables": ("UPDATE exchange SET variables = '{\"x\": 1}'", ()),
    "a chunk left out": ("DELETE FROM exchange_chunk WHERE number = 4", ()),
    "the end left out": ("DELETE FROM exchange_chunk WHERE number >= 5", ()),
    "a chunk once more": ("UPDATE exchange_chunk SET part = (SELECT part FROM exchange_chunk WHERE number = 1) WHERE number = 4", ()),
    "a chunk at another's place": ("UPDATE exchange_chunk SET number = 9 WHERE number = 4", ()),
    "a chunk said to be done": ("UPDATE exchange_chunk SET state = 'DONE', rows = 20, bytes = 10, sha256 = '00' WHERE number = 4", ()),
    "a part of noise": ("UPDATE exchange_chunk SET part = randomblob(144) WHERE number = 4", ()),
    "a name that leads out": ("UPDATE exchange_chunk SET name = '../../evil.jsonl' WHERE number = 4", ()),
    "a name that is taken": ("UPDATE exchange_chunk SET name = (SELECT name FROM exchange_chunk WHERE number = 1) WHERE number = 4", ()),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_g2_edited_control_rows_end_the_job_and_nothing_is_offered(tmp_path: Path, edit: str) -> None:
    async with exchanges_in(tmp_path, turns=2) as world:
        identity = await world.start()
        await world.done(identity, 2)
        statement, parameters = EDITS[edit]
        assert world.change(statement, *parameters) >= 1
        for _ in range(20):
            world.turns.release()
        found = await world.until(identity, "SUCCEEDED", "FAILED")
        assert found["state"] == "FAILED", found
        assert found["reason"].split()[0] in ("CONFLICT", "FORBIDDEN", "INTERNAL")
        assert found["files"] == []
        assert found["manifestUrl"] is None
        await world.cleared(identity)
        assert found_in(tmp_path, "*data-*") | found_in(tmp_path, "evil*") == set()


async def test_g2_a_part_of_another_job_opens_nowhere(tmp_path: Path) -> None:
    chunks = ROWS // CHUNK_ROWS
    async with exchanges_in(tmp_path, turns=chunks + 2) as world:
        theirs = await world.start(name="other")
        assert (await world.until_by("other", theirs, "SUCCEEDED"))["files"]
        identity = await world.start()
        await world.done(identity, 2, before=chunks)
        moved = "UPDATE exchange_chunk SET part = (SELECT part FROM exchange_chunk WHERE exchange = ? AND number = 6) WHERE exchange = ? AND number = 6"
        assert world.change(moved, theirs, identity) == 1
        for _ in range(chunks):
            world.turns.release()
        assert (await world.until(identity, "SUCCEEDED", "FAILED"))["reason"].startswith("CONFLICT")


async def test_g2_an_altered_file_is_not_what_the_manifest_says(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path, turns=2) as world:
        identity = await world.start()
        await world.done(identity, 2)
        first = world.chunks(identity)[0]
        content = (world.folder(identity) / first.name).read_bytes()
        (world.folder(identity) / first.name).write_bytes(content.replace('张三1"'.encode(), '李四1"'.encode(), 1))
        for _ in range(20):
            world.turns.release()
        files = (await world.until(identity, "SUCCEEDED", "FAILED"))["files"]
        signed = {file["name"]: file["sha256"] for file in (await world.get(f"/exchanges/{identity}/manifest.json")).json()["files"]}
        assert signed == {file["name"]: file["sha256"] for file in files}
        taken = {file["name"]: hashlib.sha256((await world.get(file["url"])).content).hexdigest() for file in files}
        assert {name for name in signed if signed[name] != taken[name]} == {first.name}


def revoke(world: Exchanges) -> None:
    world.core.sharing.grant_acts.act(SECURITY, "revoke", own_grant(world), GrantGiven("滥用", "SCOPE_EXCEEDED"))


def suspend(world: Exchanges) -> None:
    world.core.sharing.grant_acts.act(SECURITY, "suspend", own_grant(world), GrantGiven("滥用", "SCOPE_EXCEEDED"))


def disable(world: Exchanges) -> None:
    world.core.sharing.disable_application(CONSOLE, "taker")


def tighten(world: Exchanges) -> None:
    publish(world.core, manifest(world.core.settings.home.parent / "register.db", mask="KEEP_FIRST_0_LAST_0"))


def withdraw(world: Exchanges) -> None:
    WithdrawalService(world.core.engine, world.core.acts, world.core.catalog.current).withdraw(SECURITY, "civil_affairs.person", "疑似泄露")


def own_grant(world: Exchanges) -> str:
    """The id of the taker's grant."""
    with world.core.engine.connect() as connection:
        return str(connection.execute(select(grants.c.id).where(grants.c.application == world.secrets["taker"][0])).scalar_one())


@pytest.mark.parametrize("document", [SLICED, ORDERED], ids=["sliced", "ordered"])
@pytest.mark.parametrize("end", [revoke, suspend, tighten, withdraw, disable], ids=lambda end: end.__name__)
async def test_g3_what_ends_the_right_ends_the_job_before_its_next_chunk(tmp_path: Path, end: Callable[[Exchanges], None], document: str) -> None:
    async with exchanges_in(tmp_path, turns=2) as world:
        identity = await world.start(document)
        await world.done(identity, 2)
        end(world)
        await world.hub.live.refresh()
        for _ in range(20):
            world.turns.release()
        found = await world.ended(identity)
        assert (found.state, (found.reason or "").split()[0]) == ("FAILED", "FORBIDDEN")
        # The third was held at its beginning; what it wrote was not accepted, and no other was begun.
        assert world.worked == [1, 2, 3]
        assert sum(chunk.state == "DONE" for chunk in world.chunks(identity)) == 2
        assert found.files == ()
        await world.cleared(identity)


async def test_g5_a_quota_pauses_with_not_a_row_too_many_and_the_next_period_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "PAUSE_SECONDS", 0.02)
    async with exchanges_in(tmp_path, quota={"rows": 50, "per": "DAY"}) as world:
        identity = await world.start()
        paused = await world.until(identity, "PAUSED", "SUCCEEDED", "FAILED")
        assert (paused["state"], paused["reason"].split()[0], paused["files"]) == ("PAUSED", "QUOTA_EXCEEDED", [])
        assert sum(chunk.rows for chunk in world.chunks(identity)) == 50
        for day, taken in ((1, 100), (2, ROWS)):
            monkeypatch.setattr(quota, "now", lambda day=day: now() + timedelta(days=day))
            await world.taken(identity, taken)
        assert (await world.until(identity, "SUCCEEDED", "FAILED"))["state"] == "SUCCEEDED"
        assert by_serial(await world.rows(identity)) == expected()


async def test_g5_a_full_disk_pauses_and_room_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "PAUSE_SECONDS", 0.1)
    async with exchanges_in(tmp_path, turns=2, settings={"exchange_executor": "local", "exchange_workers": 1}) as world:
        identity = await world.start()
        await world.done(identity, 2)
        executor = world.hub.runner._means.executor
        assert isinstance(executor, LocalExecutor)
        (child,) = executor.children
        limits = resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        for _ in range(100):
            world.turns.release()
        paused = await world.until(identity, "PAUSED", "SUCCEEDED", "FAILED")
        assert (paused["state"], paused["reason"].split()[0], paused["files"]) == ("PAUSED", "RATE_LIMITED", [])
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, limits)
        assert (await world.until(identity, "SUCCEEDED", "FAILED"))["state"] == "SUCCEEDED"
        assert by_serial(await world.rows(identity)) == expected()
        await world.tidy(identity)


async def test_g4_killed_at_every_step_each_job_has_every_row_once_and_one_entry(tmp_path: Path) -> None:
    home, jobs, settings = tmp_path / "home", [], {"exchange_chunk_rows": CHUNK_ROWS, "exchange_executor": "inline"}
    async with exchanges_in(tmp_path, turns=0) as world:
        for number, document in enumerate((SLICED, ORDERED, SLICED, ORDERED)):
            jobs.append(await world.start(document, key=str(number)))
    for point in POINTS:
        assert await to_thread.run_sync(partial(carried_out, home, jobs, point, **settings)) == -signal.SIGKILL, point
    assert await to_thread.run_sync(partial(carried_out, home, jobs, None, **settings)) == 0
    async with exchanges_in(tmp_path, again=True) as world:
        for job in jobs:
            found = await world.look(job)
            assert (found["state"], found["reason"]) == ("SUCCEEDED", None)
            assert by_serial(await world.rows(job)) == expected()
            await world.tidy(job)
            manifest_ = (await world.get(f"/exchanges/{job}/manifest.json")).json()
            assert [file["name"] for file in manifest_["files"]] == sorted(path.name for path in world.folder(job).iterdir())
            for file in manifest_["files"]:
                content = (world.folder(job) / file["name"]).read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
            digest = hashlib.sha256(orjson.dumps(manifest_["files"], option=orjson.OPT_SORT_KEYS)).hexdigest()
            with world.core.engine.connect() as connection:
                entries = [
                    entry.content
                    for entry in calls(connection, CallFilter(kinds=("exchange",)), 100)
                    if dict(entry.content.details or {}).get("exchange") == job
                ]
            assert [(entry.outcome, entry.rows, dict(entry.details or {})["sha256"]) for entry in entries] == [("OK", ROWS, digest)]
