"""Whatever is submitted in whatever order, a witness never signs two trees that contradict each other; what contradicts is kept, across restarts and kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger.errors import LedgerUnavailable
from hub.ledger.keys import VerifierKey
from hub.witness.home import WitnessHome
from hub.witness.protocol import MOST_BYTES
from hub.witness.state import WitnessFault, WitnessState
from hub.witness.trust import Trust, add_log
from tests.witness.build import NAME, new_witness
from tests.witness.spec import Log, cosigned_at, leaves, root

MOST = 9


@pytest.fixture
def log() -> Log:
    return Log()


_TREE = st.tuples(st.integers(0, MOST), st.sampled_from("abc"), st.integers(0, MOST))
"""A size, a history, and where it leaves the history ``a``."""


@pytest.mark.fast
@settings(max_examples=40, deadline=None)
@given(asked=st.lists(st.tuples(st.integers(0, MOST) | st.none(), _TREE, st.booleans()), max_size=25))
def test_never_two_roots_for_one_size_and_never_a_fork(asked: list[tuple[int | None, tuple[int, str, int], bool]]) -> None:
    log, signed = Log(), dict[int, list[bytes]]()
    with TemporaryDirectory() as directory:
        for old, (size, history, until), restart in asked:
            with new_witness(Path(directory) / "w", log.vkey) as witness:
                tree = leaves(size, history, until)
                held = max(signed, default=0)
                answer = witness.add_checkpoint(log.request(held if old is None else old, tree))
                if answer.status == 200:
                    assert size >= held, "never a smaller tree after a larger one"
                    assert signed.setdefault(size, tree) == tree
                    assert all(tree[:before] == earlier for before, earlier in signed.items()), "every tree holds all before it"
                if restart:
                    assert witness.last(log.origin) is not None or not signed


@pytest.mark.fast
def test_evidence_is_both_checkpoints_once(tmp_path: Path, log: Log) -> None:
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
        held = witness.last(log.origin)
        fork, other = log.request(5, leaves(5, "b", 2)), log.request(5, leaves(8, "b", 2))
        for _ in range(3):
            witness.add_checkpoint(fork)
            witness.add_checkpoint(other)
    state = WitnessState(WitnessHome(tmp_path).database)
    found = state.evidence()
    state.close()
    assert [(one.reason, one.size, one.held, one.shown) for one in found] == [("fork", 5, held, fork), ("inconsistent", 8, held, other)]
    assert cosigned_at(witness.verifier_key, found[0].held) is not None


@pytest.mark.fast
def test_a_wrong_proof_of_the_right_tree_is_no_fork_in_the_end(tmp_path: Path, log: Log) -> None:
    """Anybody can send a published checkpoint with a proof of nonsense."""
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
        assert witness.add_checkpoint(log.request(5, leaves(8), [bytes(32)])).status == 422
        assert witness.add_checkpoint(log.request(5, leaves(8))).status == 200
    state = WitnessState(WitnessHome(tmp_path).database)
    assert state.evidence() == []
    state.close()


@pytest.mark.fast
def test_a_stranger_cannot_make_the_cosigned_tree_look_like_a_fork(tmp_path: Path, log: Log) -> None:
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
        assert witness.add_checkpoint(log.request(5, leaves(5), [bytes(32)])).status == 422
    state = WitnessState(WitnessHome(tmp_path).database)
    assert state.evidence() == []
    state.close()


@pytest.mark.fast
def test_evidence_that_strangers_fill_up_leaves_room_for_what_comes(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each published checkpoint with a proof of nonsense is a piece of evidence; the first half stays, and so do the latest."""
    monkeypatch.setattr("hub.witness.state.MOST_EVIDENCE", 6)
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
        for size in range(6, 16):
            witness.add_checkpoint(log.request(5, leaves(size), [bytes(32)]))
        witness.add_checkpoint(fork := log.request(5, leaves(20, "b", 2)))
    state = WitnessState(WitnessHome(tmp_path).database)
    assert [one.size for one in state.evidence()] == [6, 7, 8, 14, 15, 20]
    assert state.evidence()[-1].shown == fork
    state.close()


@pytest.mark.fast
def test_logs_are_followed_and_a_garbled_file_changes_nothing(tmp_path: Path, log: Log) -> None:
    other = Log("example.com/other")
    with new_witness(tmp_path, log.vkey) as witness:
        assert witness.add_checkpoint(other.request(0, leaves(2))).status == 404
        add_log(WitnessHome(tmp_path).logs, VerifierKey.parse(other.vkey), other.origin)
        assert witness.add_checkpoint(other.request(0, leaves(2))).status == 200
        WitnessHome(tmp_path).logs.write_text("[[log]\n")
        assert witness.add_checkpoint(other.request(2, leaves(3))).status == 200
    with pytest.raises(WitnessFault):
        Trust(WitnessHome(tmp_path).logs)


@pytest.mark.fast
def test_a_rotated_key_signs_for_the_same_log(tmp_path: Path, log: Log) -> None:
    after = Log(log.origin)
    with new_witness(tmp_path, log.vkey, after.vkey) as witness:
        assert witness.add_checkpoint(log.request(0, leaves(4))).status == 200
        assert witness.add_checkpoint(after.request(4, leaves(6))).status == 200
        assert witness.add_checkpoint(after.request(6, leaves(9, "b"))).status == 422


@pytest.mark.fast
def test_a_lost_state_is_not_made_anew(tmp_path: Path, log: Log) -> None:
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
    for path in tmp_path.glob("witness.db*"):
        path.unlink()
    with pytest.raises(WitnessFault, match="retired"):
        WitnessHome(tmp_path).make(NAME)


@pytest.mark.fast
def test_what_cannot_be_kept_is_not_cosigned(tmp_path: Path, log: Log) -> None:
    with new_witness(tmp_path, log.vkey) as witness:
        witness.add_checkpoint(log.request(0, leaves(5)))
        witness._state._connection.execute("PRAGMA query_only = ON")
        assert not witness.writable()
        with pytest.raises(LedgerUnavailable):
            witness.add_checkpoint(log.request(5, leaves(6)))
        witness._state._connection.execute("PRAGMA query_only = OFF")
        assert witness.writable()
        assert witness.add_checkpoint(log.request(5, leaves(6))).status == 200


class Process:
    """``huitong witness serve`` as a child process."""

    def __init__(self, home: Path) -> None:
        command = [Path(sys.executable).with_name("huitong"), "witness", "serve", "--port", "0", "--home", home]
        self.child = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
        assert self.child.stderr is not None
        line = self.child.stderr.readline()
        assert "serves at" in line, line
        self.url = line.split("serves at ")[1].split(" ")[0]

    def end(self, number: int) -> int:
        """Its exit code after a signal."""
        os.kill(self.child.pid, number)
        code = self.child.wait(30)
        assert self.child.stderr is not None
        self.child.stderr.close()
        return code


@pytest.fixture
def home(tmp_path: Path, log: Log) -> Iterator[Path]:
    with new_witness(tmp_path / "w", log.vkey):
        yield tmp_path / "w"


@pytest.mark.fast
def test_one_process_serves_from_a_home(home: Path) -> None:
    with WitnessHome(home).locked(), pytest.raises(WitnessFault, match="another process"), WitnessHome(home).locked():
        raise AssertionError("two at once")


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_cosigns_keeps_what_it_signed(home: Path, log: Log) -> None:
    vkey = WitnessHome(home).open().verifier_key
    signed: dict[int, bytes] = {}
    process = Process(home)
    with httpx2.Client(base_url=process.url) as http:
        assert http.get("/key").text.strip() == vkey
        threading.Timer(0.4, os.kill, (process.child.pid, signal.SIGKILL)).start()
        size = max(signed, default=0)
        while (answer := _post(http, log.request(size, leaves(size + 1)))) is not None:
            if answer.status_code == 409:
                # Remembered before it was killed, and never answered.
                size = int(answer.text)
                continue
            assert answer.status_code == 200
            size += 1
            signed[size] = root(leaves(size))
            assert cosigned_at(vkey, log.note(size, signed[size]) + answer.text) is not None
    assert process.child.wait(30) == -signal.SIGKILL
    assert process.child.stderr is not None
    process.child.stderr.close()
    assert signed
    process = Process(home)
    try:
        with httpx2.Client(base_url=process.url) as http:
            held = int(http.get("/checkpoint", params={"origin": log.origin}).text.splitlines()[1])
            assert held >= max(signed)
            assert http.post("/add-checkpoint", content=log.request(held, leaves(held, "b"))).status_code == 409
            assert http.post("/add-checkpoint", content=log.request(held, leaves(held + 3, "b"))).status_code == 422
            assert http.post("/add-checkpoint", content=b"x" * (MOST_BYTES + 1)).status_code == 413
            assert http.get("/health/ready").status_code == 200
    finally:
        assert process.end(signal.SIGTERM) == 0


def _post(http: httpx2.Client, body: bytes) -> httpx2.Response | None:
    try:
        return http.post("/add-checkpoint", content=body)
    except httpx2.TransportError:
        time.sleep(0.01)
        return None
