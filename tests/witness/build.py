"""Witnesses and ledgers within this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.ledger.keys import VerifierKey
from hub.ledger.service import LedgerService
from hub.store.base import metadata
from hub.witness import tables
from hub.witness.home import WitnessHome
from hub.witness.http import witness_application
from hub.witness.keys import WitnessKey
from hub.witness.policy import WitnessAddress, WitnessPolicy
from hub.witness.trust import add_log
from hub.witness.witness import Witness
from hub.witness.witnessing import Witnessing
from tests.ledger.build import make_draft, open_service

NAME = "audit.example/witness"


@contextmanager
def new_witness(directory: Path, *vkeys: str, name: str = NAME) -> Iterator[Witness]:
    """A witness with a home of its own that knows these logs."""
    home = WitnessHome(directory)
    made = home.make(name)
    for vkey in vkeys:
        key = VerifierKey.parse(vkey)
        add_log(home.logs, key, key.name)
    yield made
    made.close()


class Line(httpx2.AsyncBaseTransport):
    """The way to witnesses by host name; each can be cut off, and what is sent is counted."""

    def __init__(self, **witnesses: ASGIApp) -> None:
        self._ways = {host: httpx2.ASGITransport(app=application) for host, application in witnesses.items()}
        self.cut: set[str] = set()
        self.sent: list[bytes] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ``ConnectError`` where the witness is cut off."""
        if request.url.host in self.cut:
            raise httpx2.ConnectError("cut", request=request)
        self.sent.append(await request.aread())
        return await self._ways[request.url.host].handle_async_request(request)

    def client(self) -> httpx2.AsyncClient:
        """A client over this line."""
        return httpx2.AsyncClient(transport=self)


def line_to(**witnesses: Witness) -> Line:
    """The way to real witnesses."""
    return Line(**{host: witness_application(witness) for host, witness in witnesses.items()})


def answering(status: int, body: str, media: str = "text/plain") -> ASGIApp:
    """A server that always says the same."""

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", media.encode())]})
        await send({"type": "http.response.body", "body": body.encode()})

    return application


def address(witness: Witness, host: str = "one") -> str:
    """The line of the settings."""
    return f"{witness.verifier_key} http://{host}"


def policy(*witnesses: str, quorum: int = 1, grace: int = 100) -> WitnessPolicy:
    """A policy that asks often."""
    return WitnessPolicy(tuple(WitnessAddress.parse(one) for one in witnesses), quorum, grace, 0.05)


def open_ledger(directory: Path) -> LedgerService:
    """A ledger whose database has the tables of witnesses."""
    made = open_service(directory)
    metadata.create_all(made.engine, tables=[tables.cosignature, tables.witness])
    return made


def extend(service: LedgerService, count: int, prefix: str = "c") -> int:
    """Appends entries and publishes a checkpoint over them; the ledger's size."""
    for number in range(count):
        service.ledger.append_sync(make_draft(f"{prefix}{number}"))
    made = service.publisher.publish_all()
    assert made is not None
    return made.size


@asynccontextmanager
async def asking(service: LedgerService, rules: WitnessPolicy, line: Line, clock: Callable[[], float] | None = None) -> AsyncIterator[Callable[[], Any]]:
    """The hub's side, a round at a time: the yielded function asks once and gives the side itself."""
    made = Witnessing(rules, service, **({} if clock is None else {"clock": clock}))
    async with line.client() as http:

        async def once() -> Witnessing:
            await made.ask_all(http)
            tasks = [state.task for state in made._states.values() if state.task is not None]
            if tasks:
                await asyncio.wait(tasks)
                await made._look()
            return made

        yield once


def key_of(witness: Witness) -> WitnessKey:
    """Its public key."""
    return WitnessKey.parse(witness.verifier_key)
