"""Whole hubs under concurrent callers, killed at random moments: whatever answer with data left one has its entry, and the entry is the promised one."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from auth.keys import KeyRing
from auth.tokens import TokenIssuer
from hub.core import TOKEN_KEYS
from hub.ledger.reading import entry
from hub.ledger.receipt import Receipt
from hub.store.engine import reading
from tests.catalog.homes import new_core, publish
from tests.cli.children import Child, running
from tests.hub.canaries import Canaries
from tests.ledger.build import check
from tests.servers.postgres import free_port
from tests.verification.world import BASE, KNOWN, NAME, World, manifest, write_sources

CALLERS = 8
_DOCUMENT = f'{{ civilAffairs {{ person(idNumber: "{KNOWN}") {{ name }} }} }}'


@dataclass
class Answered:
    """What callers got before their hub was killed."""

    cycles: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    """One for each answer that held data."""
    bare: int = 0
    """Answers with data that had no receipt."""
    cut: int = 0
    """Calls that got no answer."""
    refused: int = 0
    stored: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


class KilledHub:
    """A home whose hub is started and killed again and again."""

    def __init__(self, world: World, chance: random.Random) -> None:
        core = world.core
        name = world.application("caller")
        core.registry.refresh()
        app = core.registry.by_name(name)
        assert app is not None
        self._world = world
        self._client, self._scopes = app.client_id, app.scopes()
        self._issuer = TokenIssuer(BASE, KeyRing(core.settings.keys / TOKEN_KEYS))
        self._canaries = Canaries(core.settings.home)
        self._chance = chance
        self.answered = Answered()

    def cycle(self) -> None:
        """One life of a hub: started, called by many, killed; then every receipt is looked for."""
        before = len(self.answered.receipts)
        port = free_port()
        with running(self._world.core.settings.home, "serve", "--port", str(port), HUITONG_PUBLIC_URL=BASE) as child:
            asyncio.run(self._called(child, f"http://127.0.0.1:{port}"))
        self.answered.cycles += 1
        self._look(self.answered.receipts[before:])

    def end(self) -> None:
        """The whole log against all receipts."""
        self._world.core.log.publisher.publish_all()
        report = check(self._world.core.log, receipts=self.answered.receipts)
        self.answered.wrong += [f"{finding.what}: {finding.message}" for finding in report.findings]
        self.answered.stored = report.entries

    async def _called(self, child: Child, base: str) -> None:
        token = self._issuer.issue(self._client, self._scopes).token
        use = {"huitong-purpose": "rent", "huitong-operator": "tester", "accept": "application/graphql-response+json"}
        headers = {**use, "authorization": f"Bearer {token}", "host": BASE.removeprefix("http://")}
        hooks = {"response": [self._canaries.received]}
        async with httpx2.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30, event_hooks=hooks) as client:
            callers = [asyncio.create_task(self._call(client, child)) for _ in range(CALLERS)]
            goal = len(self.answered.receipts) + CALLERS
            await asyncio.to_thread(self._kill, child, goal)
            await asyncio.gather(*callers)

    def _kill(self, child: Child, goal: int) -> None:
        until = time.monotonic() + 20
        while len(self.answered.receipts) < goal:
            if time.monotonic() > until:
                raise RuntimeError(f"the hub does not answer: {child.said()[-1000:]}")
            time.sleep(0.005)
        time.sleep(self._chance.uniform(0, 0.2))
        child.process.kill()
        child.process.wait()

    async def _call(self, client: httpx2.AsyncClient, child: Child) -> None:
        while child.process.poll() is None:
            try:
                answer = await client.post("/graphql", json={"query": _DOCUMENT})
            except httpx2.TransportError:
                self.answered.cut += 1
                return
            self._take(answer)

    def _take(self, answer: httpx2.Response) -> None:
        if NAME.encode() not in answer.content:
            self.answered.refused += 1
        elif "receipt" in (told := answer.json().get("extensions", {})):
            self.answered.receipts.append(Receipt.from_json(told["receipt"]))
        else:
            self.answered.bare += 1

    def _look(self, fresh: list[Receipt]) -> None:
        with reading(self._world.core.engine) as connection:
            for receipt in fresh:
                held = entry(connection, receipt.entry)
                if held is None or held.content.call != receipt.call:
                    self.answered.wrong.append(f"entry {receipt.entry} of {receipt.call} is {'lost' if held is None else 'another'}")
        # The next hub finds the database as the killed one left it.
        self._world.core.engine.dispose()


def soak(directory: Path, cycles: int, seed: int) -> Answered:
    """So many lives of a hub on one home."""
    began = time.monotonic()
    write_sources(directory)
    with new_core(directory) as core:
        publish(core, manifest(directory))
        core.registry.refresh()
        killed = KilledHub(World(core, directory), random.Random(seed))
        core.engine.dispose()
        for _ in range(cycles):
            killed.cycle()
        killed.end()
    killed.answered.seconds = time.monotonic() - began
    return killed.answered
