"""The limit: the best hand-written routes for these workloads alone, without tokens, rights, masks or a ledger.

Raw ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html) under uvicorn with httptools and uvloop; connections that are held with their statements
prepared (https://magicstack.github.io/asyncpg/current/api/index.html#prepared-statements), without a pool's reset between requests; answers built as
literal dicts from unpacked records and written by orjson.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg
import orjson

_asyncpg: Any = asyncpg
_Message = MutableMapping[str, Any]
_CONNECTIONS = 32
# As texts: the driver makes a date and a number in more time than PostgreSQL writes them in.
_PERSON = "SELECT id_number, name, gender, birth_date::text, phone, address, email, household_no FROM person WHERE "
_STATEMENTS = (
    _PERSON + "id_number = $1",
    _PERSON + "gender = $1 AND id > $2 ORDER BY id LIMIT $3",
    "SELECT uscc, name, status, capital::text, founded::text, legal_rep_id_number FROM company WHERE status = $1 AND id > $2 ORDER BY id LIMIT $3",
    "SELECT id_number, name, gender, phone FROM person WHERE id_number = any($1)",
)
_JSON = (b"content-type", b"application/json")
_TYPENAME = {"__typename": "Query"}


class Held:
    """A connection with its statements."""

    __slots__ = ("companies", "connection", "person", "persons", "representatives")

    def __init__(self, connection: Any, person: Any, persons: Any, companies: Any, representatives: Any) -> None:
        self.connection = connection
        self.person, self.persons, self.companies, self.representatives = person, persons, companies, representatives

    @classmethod
    async def open(cls, dsn: str) -> Held:
        """Connects and prepares."""
        connection = await _asyncpg.connect(dsn)
        return cls(connection, *[await connection.prepare(text) for text in _STATEMENTS])


class Connections:
    """Held connections: the last one given back is the first one taken; who finds none waits in turn."""

    def __init__(self) -> None:
        self._free: list[Held] = []
        self._waiting: deque[asyncio.Future[Held]] = deque()

    async def take(self) -> Held:
        """A connection of one's own."""
        if self._free:
            return self._free.pop()
        waiting: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return await waiting

    def give(self, held: Held) -> None:
        """Gives it back."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(held)
                return
        self._free.append(held)

    async def close(self) -> None:
        """Ends those that are free."""
        for held in self._free:
            await held.connection.close()


class App:
    """The ASGI application."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._held = Connections()
        self._routes: dict[str, Callable[[dict[str, Any]], Awaitable[bytes]]] = {
            "/person": self._person,
            "/persons": self._persons,
            "/companies": self._companies,
            "/typename": self._typename,
        }

    async def __call__(self, scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        message = await receive()
        body = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        route = self._routes.get(scope["path"])
        answer = b"" if route is None else await route(orjson.loads(body))
        head = {"type": "http.response.start", "status": 200 if route else 404, "headers": [_JSON, (b"content-length", b"%d" % len(answer))]}
        await send(head)
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]) -> None:
        await receive()
        for _ in range(_CONNECTIONS):
            self._held.give(await Held.open(self._dsn))
        # What is there now stays; answers are acyclic, so that looking for cycles among them is in vain.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._held.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _person(self, asked: dict[str, Any]) -> bytes:
        held = await self._held.take()
        try:
            row = await held.person.fetchrow(asked["idNumber"])
        finally:
            self._held.give(held)
        if row is None:
            return b"null"
        number, name, gender, born, phone, address, email, household = row
        return orjson.dumps(
            {
                "idNumber": number,
                "name": name,
                "gender": gender,
                "birthDate": born,
                "phone": phone,
                "address": address,
                "email": email,
                "householdNo": household,
            }
        )

    async def _persons(self, asked: dict[str, Any]) -> bytes:
        held = await self._held.take()
        try:
            rows = await held.persons.fetch(asked["gender"], asked["place"], asked["count"])
        finally:
            self._held.give(held)
        return orjson.dumps(
            [
                {
                    "idNumber": number,
                    "name": name,
                    "gender": gender,
                    "birthDate": born,
                    "phone": phone,
                    "address": address,
                    "email": email,
                    "householdNo": household,
                }
                for number, name, gender, born, phone, address, email, household in rows
            ]
        )

    async def _companies(self, asked: dict[str, Any]) -> bytes:
        held = await self._held.take()
        try:
            rows = await held.companies.fetch(asked["status"], asked["place"], asked["count"])
            found = await held.representatives.fetch([r[5] for r in rows])
        finally:
            self._held.give(held)
        persons = {number: {"idNumber": number, "name": name, "gender": gender, "phone": phone} for number, name, gender, phone in found}
        return orjson.dumps(
            [
                {"uscc": uscc, "name": name, "status": status, "capital": capital, "founded": founded, "legalRep": persons.get(number)}
                for uscc, name, status, capital, founded, number in rows
            ]
        )

    async def _typename(self, asked: dict[str, Any]) -> bytes:
        return orjson.dumps(_TYPENAME)


def app(dsn: str) -> App:
    """The application over a city."""
    return App(dsn)
