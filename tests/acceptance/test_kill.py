"""The hub is killed under load: every call that was answered has its entry, and every receipt still verifies, with and without the hub."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import create_engine

from hub.ledger.keys import VerifierKey
from hub.ledger.reading import entry
from hub.ledger.receipt import Receipt, verify_receipt
from tests.acceptance.test_log import verified
from tests.hub.running import RunningHub, started, stop

pytestmark = pytest.mark.slow

CLIENTS = 8
DOCUMENTS = (
    "{ civilAffairs { persons(first: 20) { nodes { name phone household { address } } } } }",
    '{ marketRegulation { companies(first: 5, where: {status: {eq: "存续"}}) { nodes { name legalRep { name } } } } }',
    '{ cityData { division(code: "520102") { name } } }',
    "{ nothing }",
)


class Load:
    """Clients that ask without pause and keep every receipt that they are given."""

    def __init__(self, hub: RunningHub) -> None:
        self.answers: list[dict[str, Any]] = []
        self._base, self._headers = hub.base, hub.headers("housing")
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        with httpx2.Client(base_url=self._base, timeout=30, trust_env=False) as client:
            turn = number
            while True:
                body = json.dumps({"query": DOCUMENTS[turn % len(DOCUMENTS)]}).encode()
                try:
                    answer = client.post("/graphql", content=body, headers=self._headers).json()
                except (httpx2.TransportError, ValueError):
                    return
                self.answers.append(answer["extensions"]["receipt"])
                turn += 1

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.answers) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.answers) >= count

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)


def held(home: Path, receipt: Receipt) -> bool:
    """Whether the ledger's entry of that number is the call's own."""
    engine = create_engine(f"sqlite:///{home / 'control.db'}")
    try:
        with engine.connect() as connection:
            found = entry(connection, receipt.entry)
    finally:
        engine.dispose()
    return found is not None and found.content.call == receipt.call and found.leaf == receipt.leaf


def test_every_answered_call_has_its_entry_after_each_kill(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", []
    for _ in range(3):
        with started(home) as hub:
            key = VerifierKey.parse(hub.http("GET", "/ledger/key").text)
            load = Load(hub)
            load.wait_for(300)
            hub.process.send_signal(signal.SIGKILL)
            hub.process.wait()
            load.join()
            kept += load.answers
    with started(home) as hub:
        assert hub.http("GET", "/ledger/key").text.strip() == str(key)
        receipts = [Receipt.from_json(receipt) for receipt in kept]
        assert len({receipt.entry for receipt in receipts}) == len(receipts) >= 900
        assert all(verify_receipt(receipt, key) for receipt in receipts)
        assert [receipt.entry for receipt in receipts if not held(home, receipt)] == []
        own = {"Authorization": f"Bearer {hub.token('housing')}"}
        assert hub.http("GET", f"/ledger/proof/{receipts[-1].entry}", headers=own).json()["index"] == receipts[-1].entry
        file = tmp_path / "receipts.jsonl"
        file.write_text("".join(f"{json.dumps(receipt)}\n" for receipt in kept), encoding="utf-8")
        stop(hub)
    done = verified(home, "--receipts", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(kept)} receipts" in done.stdout


def test_a_service_that_hangs_or_is_gone_fails_alone(tmp_path: Path) -> None:
    document = """{ humanResources { socialInsurance(idNumber: "ID") { state } verifySocialInsurance(subject: {idNumber: "ID"},
        claims: {state: "参保缴费"}) { outcome asOf } } civilAffairs { persons(first: 1) { nodes { name } } } }"""
    with started(tmp_path / "home") as hub:
        document = document.replace("ID", hub.inside[0]["id_number"])
        healthy = hub.ask("housing", document).data
        assert healthy["humanResources"]["socialInsurance"]["state"]
        service = service_of(hub)
        for blow, end in ((signal.SIGSTOP, signal.SIGCONT), (signal.SIGKILL, None)):
            os.kill(service, blow)
            answer = hub.ask("housing", document)
            assert [error["path"] for error in answer.errors] == [["humanResources", "socialInsurance"]]
            assert answer.codes[0] in ("SOURCE_UNAVAILABLE", "TIMEOUT")
            assert answer.content["data"]["civilAffairs"] == healthy["civilAffairs"]
            assert answer.content["data"]["humanResources"]["verifySocialInsurance"] == {"outcome": "INDETERMINATE", "asOf": None}
            states = {state["source"]: state["state"] for state in answer.content["extensions"]["sources"]}
            assert states["human_resources.service"] in ("TIMEOUT", "FAILED", "OPEN_CIRCUIT")
            assert states["civil_affairs.register"] == "OK"
            told = [line for line in hub.log.read_text().splitlines() if '"source_failed"' in line]
            assert all('"human_resources.service"' in line for line in told)
            assert any(f'"state": "{states["human_resources.service"]}"' in line for line in told)
            assert hub.inside[0]["id_number"] not in "".join(told)
            if end is not None:
                os.kill(service, end)
        assert hub.ask("housing", "{ calls(first: 1) { nodes { outcome code } } }").data["calls"]["nodes"][0]["outcome"] == "PARTIAL"
        stop(hub)


def service_of(hub: RunningHub) -> int:
    """The process id of the hub's own REST service: its one child that runs that module."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("PPid:"))
            command = status.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == hub.process.pid and b"hub.demo.service" in command:
            return int(status.parent.name)
    raise AssertionError("the hub has no REST service")
