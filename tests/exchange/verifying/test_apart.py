"""Uploads as they are looked at in earnest: by a process of their own, within limits of memory, time and disk."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from tests.exchange.verifying.world import NAMES, Batches, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ONE = table([(KNOWN, NAME)], "id", "name")
_LOOKING = "import sys; from pathlib import Path; from hub.exchange.verifying.receiving import look; look('CSV', '', Path(sys.argv[1]), Path(sys.argv[2]), 1)"


async def test_files_that_unpack_to_too_much_are_refused_and_the_hub_lives_on(batches: Batches, folder: Path) -> None:
    """A thousand values of four million characters each, in a few kilobytes."""
    app = batches.world.application("bombing")
    packed = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 4_000_000]))
    parquet.write_table(pa.table({"id": packed}), folder / "made", store_schema=False)
    answer = await batches.send(app, (folder / "made").read_bytes(), "application/vnd.apache.parquet")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_INPUT")
    assert "too large" in answer.text or "过大" in answer.text
    assert not [path for path in batches.world.hub._verifying.uploads.folder.iterdir() if path.name.startswith(".")]


async def test_moments_are_read_within_the_limits(batches: Batches, folder: Path) -> None:
    made = pa.table({"id": ["1"], "seen": pa.array([0], pa.int64()).cast(pa.timestamp("us", "Asia/Shanghai"))})
    with ipc.new_file(folder / "made", made.schema) as file:
        file.write_table(made)
    answer = await batches.send(batches.world.application("dating"), (folder / "made").read_bytes(), "application/vnd.apache.arrow.file")
    assert answer.status_code == 201, answer.text


async def test_an_upload_is_answered_entered_and_kept_for_its_owner_alone(batches: Batches) -> None:
    app = batches.world.application("bringing")
    before = batches.world.entries()[-1].seq
    answer = await batches.send(app, ONE, "text/csv; charset=utf-8")
    upload = answer.json()["upload"]
    assert (answer.status_code, upload["rows"], upload["columns"]) == (201, 1, ["id", "name"])
    (entered,) = [entry.content for entry in batches.world.entries(before) if entry.content.operation == "upload"]
    assert ((entered.details or {})["target"], (entered.details or {})["sha256"], entered.operator) == (upload["id"], upload["sha256"], "tester")
    path = batches.world.hub._verifying.uploads.path(upload["id"])
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    other = batches.world.application("prying")
    for identity in (upload["id"], "upload_0", "../" + upload["id"], ""):
        assert (await batches.start(other, identity, NAMES, idempotencyKey="k")).code == "NOT_FOUND"
    gone = await batches.world.http.delete(f"/exchanges/uploads/{upload['id']}", headers=await batches.headers(other))
    assert gone.status_code == 404
    assert path.exists()


async def test_an_upload_can_be_taken_back(batches: Batches) -> None:
    app = batches.world.application("regretting")
    answer = await batches.send(app, b'{"id": "1"}\n', "application/x-ndjson")
    identity = answer.json()["upload"]["id"]
    before = batches.world.entries()[-1].seq
    for status in (204, 404):
        assert (await batches.world.http.delete(f"/exchanges/uploads/{identity}", headers=await batches.headers(app))).status_code == status
    assert not batches.world.hub._verifying.uploads.path(identity).exists()
    assert [entry.content.operation for entry in batches.world.entries(before) if entry.content.kind == "admin"] == ["disposeUpload"]
    assert (await batches.start(app, identity, NAMES)).code == "NOT_FOUND"


def test_who_looks_at_a_file_dies_with_a_hub_that_is_killed(folder: Path) -> None:
    """The file is a pipe that says nothing: without the hub's end it would be looked at for ever."""
    os.mkfifo(folder / "in")
    hub = subprocess.Popen([sys.executable, "-c", _LOOKING, str(folder / "in"), str(folder / "out")])
    writing = _written_to(folder / "in")
    try:
        (child,) = [int(number) for task in Path(f"/proc/{hub.pid}/task").iterdir() for number in (task / "children").read_text().split()]
        handle = os.pidfd_open(child)
        try:
            hub.kill()
            hub.wait()
            died = bool(select.select([handle], [], [], 10)[0])
            if not died:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            assert died
        finally:
            os.close(handle)
    finally:
        hub.kill()
        hub.wait()
        os.close(writing)


def _written_to(pipe: Path) -> int:
    """The end to write to, which can be opened as soon as somebody reads."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.01)
    raise AssertionError("nobody reads")


def test_who_was_begun_by_a_hub_that_is_gone_looks_at_nothing(folder: Path) -> None:
    (folder / "in").write_bytes(ONE)
    command = [sys.executable, "-m", "hub.exchange.verifying.child", "CSV", "", str(folder / "in"), str(folder / "out"), "1000", str(os.getppid())]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert (done.stdout, (folder / "out").exists()) == (b"", False)
