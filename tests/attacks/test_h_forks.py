"""H3, H4, H6: forks, rollbacks and rewriting by whoever holds both the database and the signing key, against a witness that does not; and its silence."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from hub.app import Hub, create_app
from hub.clock import clock, real_now
from hub.core import Core
from hub.ledger.reading import CallFilter, calls
from hub.witness.home import WitnessHome
from hub.witness.state import WitnessState
from hub.witness.trust import add_log
from hub.witness.witness import Witness
from loadtests import persons
from loadtests.local_masks import ENDPOINT, service
from tests.attacks.world import ISSUER
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive
from tests.ledger.build import check
from tests.servers.http import serving
from tests.witness.build import Line, address, asking, extend, key_of, line_to, new_witness, open_ledger, policy
from tests.witness.spec import cosigned_at

pytestmark = pytest.mark.anyio
GRACE = 100
ASK = "{ register { persons(first: 3) { nodes { name } } } }"
START = """mutation ($k: String!) { startExchange(input: {document: "{ register { persons { nodes { name } } } }", format: CSV, idempotencyKey: $k})
    { exchange { id } } }"""
STATE = "query ($i: ID!) { exchange(id: $i) { state reason files { url } } }"


def copied(source: Path, target: Path) -> None:
    """A backup of a ledger's directory: the database as it is now, and the keys."""
    target.mkdir()
    shutil.copytree(source / "keys", target / "keys")
    with closing(sqlite3.connect(source / "control.db")) as old, closing(sqlite3.connect(target / "control.db")) as new:
        old.backup(new)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    """A witness of the ledger in ``tmp_path / "hub"``, which has three entries."""
    (tmp_path / "hub").mkdir()
    made = open_ledger(tmp_path / "hub")
    extend(made, 3)
    made.engine.dispose()
    with new_witness(tmp_path / "witness", str(made.verifier_key)) as found:
        yield found


@pytest.mark.slow
async def test_h3_of_two_histories_for_two_auditors_the_second_is_not_cosigned(tmp_path: Path, witness: Witness) -> None:
    copied(tmp_path / "hub", tmp_path / "fork")
    one, two = open_ledger(tmp_path / "hub"), open_ledger(tmp_path / "fork")
    rules, line = policy(address(witness)), line_to(one=witness)
    extend(one, 4, "shown-to-one")
    extend(two, 4, "shown-to-another")
    assert check(one).ok
    assert check(two).ok, "nothing in the fork itself tells"
    async with asking(one, rules, line) as ask, asking(two, rules, line) as ask_fork:
        assert (await ask()).reasons() == []
        with capture_logs() as said:
            assert (await ask_fork()).reasons() == ["witness_refuses"]
        assert [entry["event"] for entry in said if entry["log_level"] == "critical"] == ["witness_refuses"]
        # It grows, and is refused all the same.
        extend(two, 6, "more")
        for state in (side := await ask_fork())._states.values():
            state.due = 0.0
        assert (await ask_fork()).reasons() == ["witness_refuses"]
        assert "do not extend" in next(iter(side.faults.values()))
    state = WitnessState(WitnessHome(tmp_path / "witness").database)
    kept = state.evidence()
    state.close()
    assert [(found.reason, found.size) for found in kept] == [("fork", 7), ("inconsistent", 13)]
    assert cosigned_at(witness.verifier_key, kept[0].held) is not None
    assert check(two, checkpoints=[kept[0].held]).first is not None, "the auditor who holds the cosigned checkpoint finds it in the fork"
    for each in (one, two):
        each.engine.dispose()


@pytest.mark.slow
async def test_h3_who_goes_on_from_a_backup_is_refused_at_once_and_for_ever(tmp_path: Path, witness: Witness) -> None:
    copied(tmp_path / "hub", tmp_path / "backup")
    rules, line = policy(address(witness)), line_to(one=witness)
    now, before = open_ledger(tmp_path / "hub"), open_ledger(tmp_path / "backup")
    extend(now, 4)
    async with asking(now, rules, line) as ask:
        await ask()
    async with asking(before, rules, line) as ask:
        extend(before, 1, "after-the-rollback")
        side = await ask()
        assert side.reasons() == ["witness_refuses"]
        assert "set back" in next(iter(side.faults.values()))
        extend(before, 9, "after-the-rollback")
        for state in side._states.values():
            state.due = 0.0
        assert (await ask()).reasons() == ["witness_refuses"]
        assert "do not extend" in next(iter(side.faults.values()))
    for each in (now, before):
        each.engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize(("entries", "why"), [(7, "do not extend"), (2, "set back"), (3, "another tree")])
async def test_h4_history_written_anew_and_signed_anew_with_the_ledgers_own_key(tmp_path: Path, witness: Witness, entries: int, why: str) -> None:
    """The superuser truncates all tables, writes other entries, builds tree and chain anew and signs every batch and checkpoint."""
    rules, line = policy(address(witness)), line_to(one=witness)
    true = open_ledger(tmp_path / "hub")
    async with asking(true, rules, line) as ask:
        await ask()
    true.engine.dispose()
    (tmp_path / "forged").mkdir()
    shutil.copytree(tmp_path / "hub" / "keys", tmp_path / "forged" / "keys")
    forged = open_ledger(tmp_path / "forged")
    extend(forged, entries, "forged")
    assert check(forged).ok, "by itself it is a sound ledger"
    kept = witness.last(forged.ledger.log)
    assert kept is not None
    report = check(forged, checkpoints=[kept])
    assert [finding.what for finding in report.findings] == ["checkpoint"]
    async with asking(forged, rules, line) as ask:
        side = await ask()
    assert side.reasons() == ["witness_refuses"]
    assert why in next(iter(side.faults.values()))
    forged.engine.dispose()


class Served:
    """A hub over a register, its application's client, and the way to its witness."""

    def __init__(self, core: Core, hub: Hub, http: httpx2.AsyncClient, line: Line, witness: Witness, operator: str) -> None:
        self.core, self.hub, self.http, self.line, self.witness, self.operator = core, hub, http, line, witness, operator

    async def ask(self, text: str = ASK, path: str = "/graphql", **variables: Any) -> httpx2.Response:
        """A document."""
        return await self.http.post(path, json={"query": text, "variables": variables})

    async def reasons(self) -> list[str]:
        """Why the hub is not ready."""
        found: list[str] = (await self.http.get("/health/ready")).json()["reasons"]
        return found

    async def until(self, held: Callable[[], Any]) -> None:
        """Looks until it holds."""
        for _ in range(400):
            if await held():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("never")

    async def exchanged(self, key: str) -> dict[str, Any]:
        """An exchange from its start to its end."""
        identity = (await self.ask(START, k=key)).json()["data"]["startExchange"]["exchange"]["id"]
        found: dict[str, Any] = {}

        async def ended() -> bool:
            nonlocal found
            found = (await self.ask(STATE, i=identity)).json()["data"]["exchange"]
            return found["state"] not in ("QUEUED", "RUNNING", "PAUSED")

        await self.until(ended)
        return found


def _token(hub: Hub, name: str) -> str:
    owner = hub.core.registry.by_name(name)
    assert owner is not None
    return hub._tokens.issue(owner.client_id, owner.scopes()).token


@asynccontextmanager
async def served(directory: Path, witness_home: Path) -> AsyncIterator[Served]:
    """With one witness, asked 20 times a second, and a grace of ``GRACE`` seconds of business time."""
    rules = {"witness_grace_seconds": GRACE, "witness_interval_seconds": 0.05}
    with (
        new_witness(witness_home) as witness,
        serving(service()) as url,
        new_core(directory, witnesses=[address(witness)], **rules) as core,
    ):
        add_log(WitnessHome(witness_home).logs, core.log.verifier_key, core.log.verifier_key.name)
        line = line_to(one=witness)
        core.witnessing.connect = line.client
        publish(core, persons.manifest(persons.Place(f'kind = "rest"\nurl = "{url}"', ENDPOINT)))
        core.sharing.create_application(CONSOLE, "half", "register", [persons.PURPOSE], [])
        core.sharing.create_application(CONSOLE, "operator", "register", [persons.PURPOSE], ["governance:system"])
        core.sharing.create_grant(SECURITY, persons.grant("half", persons.MASKED))
        core.registry.refresh()
        hub = create_app(core)
        token, operator = (_token(hub, name) for name in ("half", "operator"))
        async with alive(hub, ISSUER, core.settings.home) as http:
            http.headers.update({"authorization": f"Bearer {token}", "huitong-purpose": "use", "huitong-operator": "tester"})
            http.headers.update({"accept": "application/graphql-response+json", "accept-language": "en"})
            yield Served(core, hub, http, line, witness, operator)


def refusals(core: Core) -> list[str | None]:
    """Codes of the refusals in the ledger."""
    with core.engine.connect() as connection:
        return [entry.content.code for entry in calls(connection, CallFilter(kinds=("deny",)), 100)]


@pytest.mark.slow
async def test_h6_no_data_leave_once_the_witness_is_silent_for_longer_than_the_grace(tmp_path: Path) -> None:
    with clock.at(real_now()) as hand, capture_logs() as said:
        async with served(tmp_path, tmp_path / "witness") as hub:
            first = await hub.ask()
            assert first.status_code == 200, first.text
            done = await hub.exchanged("before")
            assert (await hub.http.get(done["files"][0]["url"])).status_code == 200
            await _proofs_and_checkpoints(hub)

            hub.line.cut.add("one")
            assert (await hub.ask()).status_code == 200, "within the grace"
            hand.forward(seconds=GRACE + 1)
            await hub.until(lambda: _says(hub, ["witness_overdue"]))
            download = await hub.http.get(done["files"][0]["url"])
            for refused in (await hub.ask(), await hub.ask(STATE, i="x"), await hub.ask(START, k="within"), download):
                assert refused.status_code == 503
                assert [error["extensions"]["code"] for error in refused.json()["errors"]] == ["LEDGER_UNAVAILABLE"]
                assert "witness" in refused.text
                assert refused.headers["retry-after"] == "1"
            assert refusals(hub.core) == ["LEDGER_UNAVAILABLE"] * 4, "the ledger itself is written"
            acting = {"authorization": f"Bearer {hub.operator}"}
            governed = await hub.http.post("/governance/graphql", json={"query": "{ applications { name } }"}, headers=acting)
            assert governed.status_code == 200, governed.text
            assert "operator" in governed.text, "those who run the hub can repair it"
            assert (await hub.http.get("/ledger/checkpoint")).status_code == 200
            assert (await hub.http.get("/health/live")).status_code == 200
            # Data stop by the clock, the alarm is told at the next look.
            await hub.until(lambda: _told(said, "witness_overdue"))
            assert [entry["event"] for entry in said if entry["log_level"] == "critical"] == ["witness_overdue"], "an alarm, once"

            hub.line.cut.clear()
            for state in hub.core.witnessing._states.values():
                state.due = 0.0
            await hub.until(lambda: _says(hub, []))
            assert (await hub.ask()).status_code == 200
            assert (await hub.exchanged("after"))["state"] == "SUCCEEDED"
            assert (await hub.http.get(done["files"][0]["url"])).status_code == 200


async def _says(hub: Served, reasons: list[str]) -> bool:
    return await hub.reasons() == reasons


async def _told(said: Sequence[Mapping[str, Any]], event: str) -> bool:
    return any(entry["event"] == event for entry in said)


async def _proofs_and_checkpoints(hub: Served) -> None:
    """What everybody may read: the newest checkpoint, the newest witnessed one, and that one extends the other."""
    vkey = hub.witness.verifier_key
    await hub.until(lambda: _cosigned(hub, "/ledger/checkpoint"))
    note = (await hub.http.get("/ledger/checkpoint/witnessed", headers={"authorization": ""})).text
    assert cosigned_at(vkey, note) is not None
    size = int(note.splitlines()[1])
    found = (await hub.http.get(f"/ledger/consistency/1/{size}")).json()
    assert (found["old"], found["new"]) == (1, size)
    assert len(found["path"]) <= 64
    for path, status in (("1/999999", 404), ("0/1", 400), ("2/1", 400), ("x/1", 400), (f"1/{'9' * 40}", 400)):
        answer = await hub.http.get(f"/ledger/consistency/{path}")
        assert answer.status_code == status, path
        assert answer.json()["errors"][0]["message"]
    assert key_of(hub.witness).name in note


async def _cosigned(hub: Served, path: str) -> bool:
    return cosigned_at(hub.witness.verifier_key, (await hub.http.get(path)).text) is not None
