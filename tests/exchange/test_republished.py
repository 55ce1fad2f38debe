"""A catalog that is published anew while an exchange runs: chunks of two places are never one exchange, and what only describes ends none."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.core import Core
from hub.exchange.compiling import Compiled
from tests.catalog.homes import new_core, publish
from tests.exchange.chunked import CHUNK, World, difference, living, manifest, registered, write
from tests.exchange.test_carrying import working
from tests.exchange.test_resume import begun

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]
PLAN: property = vars(Compiled)["plan"]
Change = Callable[[str], str]
MOVED: dict[str, Change] = {
    "column": lambda text: text.replace('column = "name"', 'column = "alias"'),
    "table": lambda text: text.replace('object = "person"', 'object = "person_2"'),
    "source": lambda text: text.replace('code = "db"', 'code = "db2"').replace('source = "db"', 'source = "db2"'),
    "address": lambda text: text.replace("register.db", "other.db"),
    "stable key": lambda text: text.replace('stable_key = "pk"', 'stable_key = "place"'),
}
DESCRIBED: dict[str, Change] = {
    "description": lambda text: text.replace('description = "人口"', 'description = "常住人口"'),
    "sessions": lambda text: text.replace('kind = "sql"', 'kind = "sql"\nexchange_sessions = 1'),
}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A home with a register that has everything twice."""
    for name in ("register.db", "other.db"):
        write(tmp_path / name)
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            for column in ("alias TEXT", "place INTEGER"):
                connection.execute(f"ALTER TABLE person ADD COLUMN {column}")
            connection.execute("UPDATE person SET alias = 'other ' || name, place = 1000 - pk")
            connection.execute("CREATE TABLE person_2 AS SELECT * FROM person")
            connection.commit()
    with new_core(tmp_path, exchange_chunk_rows=CHUNK) as made:
        registered(made, address(tmp_path))
        yield made


def address(directory: Path) -> str:
    return f"sqlite+aiosqlite:///{directory}/register.db"


def published(core: Core, directory: Path, change: Change) -> None:
    text = manifest(address(directory))
    assert change(text) != text
    publish(core, change(text))
    core.registry.refresh()


async def live(core: Core, directory: Path, change: Change) -> World:
    """The hub whose catalog is published anew behind the second chunk of its exchange ``k``."""

    async def republish() -> None:
        await asyncio.to_thread(published, core, directory, change)
        await world.hub.live.refresh()

    async with living(core) as world:
        with working(after=lambda task: republish() if task.number == 2 else None):
            await world.until(await world.start(), "SUCCEEDED", "FAILED")
    return world


async def anew(core: Core, directory: Path, change: Change, monkeypatch: pytest.MonkeyPatch) -> str:
    """An exchange whose hub ends behind its second chunk, before the catalog is published anew, and starts again."""
    job = await begun(core, monkeypatch, 2)
    published(core, directory, change)
    async with living(core) as world:
        await world.until(job, "SUCCEEDED", "FAILED")
    return job


def ended(world: World, job: str) -> tuple[str, str, list[Path]]:
    found = world.job(job)
    return found.state, (found.reason or "").partition(" ")[0], world.files(job)


@pytest.mark.parametrize("what", MOVED)
async def test_rows_that_lie_elsewhere_end_a_running_exchange(core: Core, tmp_path: Path, what: str) -> None:
    world = await live(core, tmp_path, MOVED[what])
    (end,) = [each for each in world.entries() if each.content.kind == "exchange" and (each.content.details or {}).get("step") == "FAILED"]
    assert ended(world, str((end.content.details or {})["exchange"])) == ("FAILED", "CONFLICT", [])


@pytest.mark.parametrize("what", MOVED)
async def test_nor_is_one_gone_on_with_by_the_next_hub(core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    job = await anew(core, tmp_path, MOVED[what], monkeypatch)
    async with living(core) as world:
        assert ended(world, job) == ("FAILED", "CONFLICT", [])


@pytest.mark.parametrize("what", DESCRIBED)
async def test_what_only_describes_ends_none(core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    job = await anew(core, tmp_path, DESCRIBED[what], monkeypatch)
    async with living(core) as world:
        assert ended(world, job)[:2] == ("SUCCEEDED", "")
        assert difference(world.files(job)) == (0, 0)
        told = (await world.http.get(f"/exchanges/{job}/manifest.json", headers=world.headers())).json()["plan"]
        assert (sorted(told), "reads" in json.loads(world.job(job).plan)) == (["columns", "decisions", "document", "items", "resources", "sha256"], True)


async def test_a_job_of_an_earlier_release_is_known_again(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plan does not say where it reads."""
    with monkeypatch.context() as earlier:
        earlier.setattr(Compiled, "plan", property(without_reads))
        job = await begun(core, monkeypatch, 2)
    async with living(core) as world:
        await world.until(job, "SUCCEEDED")
        assert difference(world.files(job)) == (0, 0)


def without_reads(compiled: object) -> str:
    """The plan as earlier releases kept it."""
    assert PLAN.fget is not None
    kept = json.loads(PLAN.fget(compiled))
    del kept["reads"]
    return json.dumps(kept, ensure_ascii=False)
