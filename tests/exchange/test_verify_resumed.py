"""``huitong exchange verify`` that is killed: the same command goes on, and nothing is sent, started or verified twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hub.cli.pulling.beginning import STATE
from tests.cli.conftest import Outcome
from tests.exchange.applicants import EXPECTED, Row, applicants, command, filled, told, uploads, written
from tests.exchange.delivery.databases import sqlite_database
from tests.exchange.pulling import Proxy, environment, manifest_in, stored
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
Call = Callable[..., Outcome]


@pytest.fixture
def rows(hub: RunningHub) -> list[Row]:
    """What is verified."""
    return applicants(hub)


def killed(hub: RunningHub, proxy: Proxy, document: Path, into: Path, stalled: str, until: str, *arguments: object) -> dict[str, str]:
    """The command, killed once the folder remembers something, which it cannot get beyond; what the folder remembers then."""
    proxy.stalled = stalled
    whole = [sys.executable, "-m", "hub", *map(str, command(proxy, document, into, *arguments))]
    process = subprocess.Popen(whole, env=environment(hub), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 60
        while until not in remembered(into):
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    finally:
        process.kill()
        proxy.stalled = ""
    return remembered(into)


def remembered(folder: Path) -> dict[str, str]:
    """What the folder remembers."""
    try:
        return dict(orjson.loads((folder / STATE).read_bytes()))
    except FileNotFoundError:
        return {}


def verified(hub: RunningHub, exchange: str) -> int:
    """For how many rows the ledger has entries of calls."""
    done = stored(hub, "SELECT rows_done FROM exchange WHERE id = ?", exchange)
    return int(done[0][0])


def entered(hub: RunningHub) -> int:
    """Entries of calls that verify by file."""
    return sum(orjson.loads(row[0]).get("medium") == "FILE" for row in stored(hub, "SELECT canonical FROM ledger_entry WHERE kind = 'call'"))


def test_killed_behind_the_upload_it_is_used_and_not_sent_again(
    hub: RunningHub, verify: Call, proxy: Proxy, document: Path, rows: list[Row], tmp_path: Path
) -> None:
    path, before = written(rows, tmp_path / "applicants.csv"), entered(hub)
    known = killed(hub, proxy, document, tmp_path / "in", "/graphql", "upload", path, "--keep", "case_no")
    assert (known["upload"],) in uploads(hub)
    other = verify(tmp_path / "other.csv", "--keep", "case_no")
    assert (other.code, "another table" in other.err) == (1, True), other.err
    os.utime(path, (1, 1))
    changed = verify(path, "--keep", "case_no")
    assert (changed.code, "the table has changed" in changed.err) == (1, True), changed.err
    path.unlink()
    done = verify(path, "--keep", "case_no")
    assert done.code == 0, done.err
    assert (told(tmp_path / "in"), entered(hub) - before) == (EXPECTED, 1)
    # The first start, if the command was not killed before it, never came to the hub.
    assert proxy.count("POST", "/exchanges/uploads") == 1
    assert proxy.count("POST", "/graphql") in (1, 2)


def test_killed_behind_the_start_it_is_not_started_again(hub: RunningHub, verify: Call, proxy: Proxy, document: Path, rows: list[Row], tmp_path: Path) -> None:
    database, before = filled(sqlite_database(tmp_path), rows), entered(hub)
    arguments = (database.url, "--table", "applicants", "--keep", "case_no")
    known = killed(hub, proxy, document, tmp_path / "in", "/events", "exchange", *arguments)
    changed = verify(*arguments, "--format", "JSONL")
    assert (changed.code, "goes on with another" in changed.err) == (1, True)
    # As if it had been killed before the answer to the start came.
    (tmp_path / "in" / STATE).write_bytes(orjson.dumps({name: value for name, value in known.items() if name != "exchange"}))
    done = verify(*arguments)
    assert done.code == 0, done.err
    assert (manifest_in(tmp_path / "in")["exchange"], verified(hub, known["exchange"])) == (known["exchange"], 6)
    assert (sorted(told(tmp_path / "in")), entered(hub) - before) == (EXPECTED, 1)
    assert (proxy.count("POST", "/exchanges/uploads"), proxy.count("POST", "/graphql")) == (1, 2)


def test_an_upload_that_is_gone_is_made_anew(hub: RunningHub, verify: Call, proxy: Proxy, document: Path, rows: list[Row], tmp_path: Path) -> None:
    path = written(rows, tmp_path / "applicants.csv")
    known = killed(hub, proxy, document, tmp_path / "in", "/graphql", "upload", path, "--keep", "case_no")
    assert hub.http("DELETE", f"/exchanges/uploads/{known['upload']}", headers=hub.headers("housing")).status_code == 204
    done = verify(path, "--keep", "case_no")
    assert (done.code, "the upload is gone" in done.err) == (0, True), done.err
    assert (told(tmp_path / "in"), proxy.count("POST", "/exchanges/uploads")) == (EXPECTED, 2)
