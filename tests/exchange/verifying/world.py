"""The world of verifications with many persons, and an application's way through a batch: upload, start, wait, take the file."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
from stdnum.cn import ric

from hub.errors import bad_input
from hub.exchange.verifying.child import read
from hub.exchange.verifying.reading import Malformed
from tests.verification.world import NOTE, OBJECTS, World, world_in

START = "mutation ($i: StartVerificationInput!) { startVerification(input: $i) { exchange { id state reason } } }"
LOOK = "query ($id: ID!) { exchange(id: $id) { state reason progress { rowsDone rowsTotal } files { name url rows sha256 } manifestUrl } }"
DOCUMENT = """query ($id: String!, $name: String!, $born: Date) {
  civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: $name, birthDate: $born}) { outcome claims { item outcome } } } }"""
NAMES = "query ($id: String!, $name: String!) { civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: $name}) { outcome } } }"
PERSONS = 3000


def resident(number: int) -> str:
    """A resident's number that can be."""
    body = f"520101{1950 + number % 60:04}{1 + number % 12:02}{1 + number % 28:02}{number % 1000:03}"
    return body + ric.calc_check_digit(body + "0")


def person(number: int) -> tuple[int, str, str, str, str]:
    """A row of the register."""
    identity = resident(number)
    return number, identity, f"张{chr(0x4E00 + number)}", f"{identity[6:10]}-{identity[10:12]}-{identity[12:14]}", f"{number:04}"


def table(rows: Iterable[Sequence[object]], *columns: str) -> bytes:
    """A CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def looked_at_here(format_: str, charset: str, path: Path, out: Path, mib: int) -> dict[str, Any]:
    """As ``receiving.look``."""
    try:
        return read(format_, charset, path, out)
    except Malformed as fault:
        raise bad_input(fault.zh, fault.en, fault.hint_zh, fault.hint_en) from None


class Batches:
    """A world, and what an application does in it."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def headers(self, name: str) -> dict[str, str]:
        """Of an application's requests."""
        await self.world.ask(name, "{ __typename }")
        return dict(self.world._headers[name])

    async def send(self, name: str, content: bytes, media: str = "text/csv", **headers: str) -> httpx2.Response:
        """The answer to an upload."""
        own = {**await self.headers(name), "content-type": media, **headers}
        return await self.world.http.post("/exchanges/uploads", content=content, headers=own)

    async def upload(self, name: str, content: bytes, media: str = "text/csv") -> str:
        """The upload's id."""
        answer = await self.send(name, content, media)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["upload"]["id"])

    async def start(self, name: str, upload: str, document: str = DOCUMENT, **more: Any) -> Any:
        """The answer to ``startVerification``."""
        given = {"document": document, "upload": upload, "format": "CSV", "idempotencyKey": upload, **more}
        return await self.world.ask(name, START, {"i": given})

    async def job(self, name: str, upload: str, document: str = DOCUMENT, **more: Any) -> str:
        """The job's id."""
        answer = await self.start(name, upload, document, **more)
        assert answer.code == "OK", answer.json
        return str(answer.json["data"]["startVerification"]["exchange"]["id"])

    async def look(self, name: str, job: str) -> Mapping[str, Any]:
        """The job as it stands."""
        return dict((await self.world.ask(name, LOOK, {"id": job})).json["data"]["exchange"])

    async def until(self, name: str, job: str, *states: str) -> Mapping[str, Any]:
        """The job once it is in one of the states."""
        for _ in range(1200):
            if (found := await self.look(name, job))["state"] in states:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(found)

    async def ended(self, name: str, job: str) -> Mapping[str, Any]:
        """The job once it has ended."""
        return await self.until(name, job, "SUCCEEDED", "FAILED", "CANCELLED")

    async def file(self, name: str, job: str) -> bytes:
        """The outcomes."""
        found = await self.ended(name, job)
        assert found["state"] == "SUCCEEDED", found
        answer = await self.world.http.get(found["files"][0]["url"], headers=await self.headers(name))
        assert answer.status_code == 200, answer.text
        return answer.content

    async def rows(self, name: str, job: str) -> list[dict[str, str]]:
        """The outcomes of a CSV file, by column."""
        return list(csv.DictReader(io.StringIO((await self.file(name, job)).decode("utf-8-sig"), newline="")))


@asynccontextmanager
async def batches_in(directory: Path, **settings: Any) -> AsyncIterator[Batches]:
    """A running hub whose register has further persons."""
    with patch("tests.verification.world.OBJECTS", OBJECTS[:1]):
        async with world_in(directory, **settings) as world:
            with closing(sqlite3.connect(directory / "register.db")) as connection:
                connection.executemany("INSERT INTO residents VALUES (?, ?, ?, ?, ?, ?)", [(*person(n + 10), NOTE) for n in range(PERSONS)])
                connection.execute("CREATE INDEX residents_id ON residents (id)")
                connection.commit()
            yield Batches(world)
