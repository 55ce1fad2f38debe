"""``huitong exchange pull``: several files at once, whatever happens on the way, and nothing but what the manifest says."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hub.cli.app import run
from hub.cli.faults import CliFault
from hub.cli.pulling import remote
from hub.cli.pulling.beginning import STATE
from hub.cli.pulling.disk import usable
from hub.exchange.leases import LEASE
from hub.ledger.keys import VerifierKey
from hub.store.base import now
from tests.cli.conftest import Outcome
from tests.exchange.pulling import DOCUMENT, Proxy, environment, exchange_at, inside, lines, manifest_in, planted, stored
from tests.hub.running import RunningHub
from verifier.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
Call = Callable[..., Outcome]
FILES = {f"data-{number:05}.jsonl": lines(number, 200_000 + 50_000 * number) for number in range(1, 6)}


@pytest.fixture(scope="module")
def true(hub: RunningHub) -> str:
    """An exchange as the hub made it."""
    return exchange_at(hub, "pulled")


@pytest.fixture(scope="module")
def several(hub: RunningHub, true: str) -> str:
    """One of five files."""
    return planted(hub, true, FILES)


@pytest.fixture
def pull(hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs ``huitong exchange pull``, into ``tmp_path / "in"`` unless told otherwise."""
    for name in [name for name in os.environ if name.startswith("HUITONG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUITONG_HOME", str(hub.home))
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0.01)

    def call(url: str, *arguments: object, app: str | None = "housing") -> Outcome:
        capsys.readouterr()
        into = () if "--into" in arguments else ("--into", tmp_path / "in")
        by = ("--app", app) if app else ()
        code = run([str(each) for each in ("exchange", "pull", url, *arguments, *into, *by)])
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call


def test_five_files_come_side_by_side_and_are_verified(hub: RunningHub, several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    key = tmp_path / "log.key"
    key.write_bytes(hub.http("GET", "/ledger/key").content)
    done = pull(proxy.base, several, "--hub-key", key, "--json")
    assert (done.code, done.data["files"], done.data["bytes"], done.data["proven"]) == (0, 5, sum(map(len, FILES.values())), True)
    assert inside(tmp_path / "in") == FILES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "in").iterdir()} == {0o600}
    assert main(["exchange", str(tmp_path / "in"), "--key", str(key)]) == 0
    before = (tmp_path / "in" / "manifest.json").read_bytes()
    again = pull(proxy.base, several, "--hub-key", key)
    assert (again.code, len(proxy.files()), (tmp_path / "in" / "manifest.json").read_bytes()) == (0, 5, before), "what is there is not asked for again"


def test_dropped_connections_are_gone_on_with(hub: RunningHub, several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    proxy.cut_after = 120_000
    done = pull(proxy.base, several)
    assert (done.code, inside(tmp_path / "in")) == (0, FILES)
    for name, content in FILES.items():
        asked = [range_ for each, range_ in proxy.files() if each == name]
        starts = [0 if range_ is None else int(range_.removeprefix("bytes=").removesuffix("-")) for range_ in asked]
        assert starts == sorted(set(starts)), "each request goes on where the one before it ended"
        assert len(starts) > len(content) // 120_000
    conditions = {headers.get("if-range") for _, path, headers in proxy.asked if path.endswith("data-00005.jsonl") and "range" in headers}
    assert conditions == {f'"{hashlib.sha256(FILES["data-00005.jsonl"]).hexdigest()}"'}


def test_entries_of_resumed_downloads_say_so(hub: RunningHub, several: str) -> None:
    url, content = f"/exchanges/{several}/files/data-00001.jsonl", FILES["data-00001.jsonl"]
    rows = content.count(b"\n")
    for range_, status, part in ((None, 200, content), ("bytes=100000-", 206, content[100_000:]), ("bytes=5-9", 206, content[5:10])):
        answer = hub.http("GET", url, headers=hub.headers("housing") | ({"range": range_} if range_ else {}))
        assert (answer.status_code, answer.content) == (status, part)
        (entry,) = stored(hub, "SELECT canonical FROM ledger_entry WHERE kind = 'download' ORDER BY seq DESC LIMIT 1")
        told = orjson.loads(entry[0])
        assert told["bytes"] == len(part)
        assert told["rows"] == -(-rows * len(part) // len(content))
        assert told["details"].get("resumed", False) is (range_ is not None)
    (before,) = stored(hub, "SELECT count(*) FROM ledger_entry WHERE kind = 'download'")
    head = hub.http("HEAD", url, headers=hub.headers("housing"))
    assert (head.status_code, head.headers["content-length"], head.headers["etag"]) == (200, str(len(content)), answer.headers["etag"])
    assert hub.http("GET", url, headers=hub.headers("housing") | {"range": "bytes=9999999-"}).status_code == 416
    assert stored(hub, "SELECT count(*) FROM ledger_entry WHERE kind = 'download'") == [before], "nothing left"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_pull_that_is_killed_goes_on_where_it_was(hub: RunningHub, several: str, pull: Call, proxy: Proxy, tmp_path: Path, number: signal.Signals) -> None:
    proxy.pause = 0.05
    folder = tmp_path / "in"
    command = [sys.executable, "-m", "hub", "exchange", "pull", proxy.base, several, "--into", str(folder), "--app", "housing"]
    process = subprocess.Popen(command, env=environment(hub), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        until(lambda: sum(path.stat().st_size for path in folder.glob("*.part")) > 200_000 if folder.exists() else False)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == (-signal.SIGKILL if number is signal.SIGKILL else 130), said.decode()
    assert not (folder / "manifest.json").exists()
    parts = {path.name.removesuffix(".part"): path.stat().st_size for path in folder.glob("*.part")}
    proxy.asked.clear()
    proxy.pause = 0.0
    assert pull(proxy.base, several).code == 0
    assert inside(folder) == FILES
    assert {name: f"bytes={size}-" for name, size in parts.items() if size} == {name: range_ for name, range_ in proxy.files() if range_}


def test_what_was_altered_on_the_way_gets_no_name(several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    def alter(piece: bytes, at: int) -> bytes:
        return piece if at else bytes([piece[0] ^ 1]) + piece[1:]

    proxy.alter = alter
    done = pull(proxy.base, several, "--parallel", 1)
    assert (done.code, [name for name in inside(tmp_path / "in") if not name.endswith(".part.json")]) == (1, [])
    assert "digest" in done.err
    assert proxy.files() == [("data-00001.jsonl", None)] * 2, "once anew, for the fault may have been of this machine"
    proxy.alter = None
    assert (pull(proxy.base, several).code, inside(tmp_path / "in")) == (0, FILES)


def test_a_damaged_part_is_brought_in_anew(several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    proxy.cut_after = 100_000
    assert pull(proxy.base, several, "--parallel", 1, "--patience", 0).code == 3
    part = tmp_path / "in" / "data-00001.jsonl.part"
    part.write_bytes(bytes(part.stat().st_size))
    proxy.cut_after = None
    proxy.asked.clear()
    assert (pull(proxy.base, several).code, inside(tmp_path / "in")) == (0, FILES)
    assert [range_ for name, range_ in proxy.files() if name == "data-00001.jsonl"][1] is None


def test_nothing_that_is_there_is_overwritten(hub: RunningHub, true: str, several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "data-00003.jsonl").write_bytes(b"mine")
    done = pull(proxy.base, several)
    assert (done.code, (folder / "data-00003.jsonl").read_bytes()) == (1, b"mine")
    assert "not overwritten" in done.err
    (folder / "data-00003.jsonl").unlink()
    (folder / "data-00003.jsonl").symlink_to(tmp_path / "elsewhere")
    assert pull(proxy.base, several).code == 1
    assert not (tmp_path / "elsewhere").exists()
    (folder / "data-00003.jsonl").unlink()
    (folder / "data-00003.jsonl.part").write_bytes(b"whose")
    (folder / "data-00003.jsonl.part.json").unlink(missing_ok=True)
    assert pull(proxy.base, several).code == 1
    assert (folder / "data-00003.jsonl.part").read_bytes() == b"whose"
    (folder / "data-00003.jsonl.part").unlink()
    assert (pull(proxy.base, several).code, inside(folder)) == (0, FILES)
    other = pull(proxy.base, true)
    assert (other.code, manifest_in(folder)["exchange"], inside(folder)) == (1, several, FILES)


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_part_that_is_no_file_is_neither_read_nor_followed(several: str, pull: Call, proxy: Proxy, tmp_path: Path, kind: str) -> None:
    proxy.cut_after = 100_000
    assert pull(proxy.base, several, "--parallel", 1, "--patience", 0).code == 3
    part = tmp_path / "in" / "data-00001.jsonl.part"
    begun = part.rename(tmp_path / "elsewhere").read_bytes()
    {"pipe": lambda: os.mkfifo(part), "link": lambda: part.symlink_to(tmp_path / "elsewhere"), "folder": part.mkdir}[kind]()
    proxy.cut_after = None
    refused = pull(proxy.base, several)
    assert (refused.code, f"the part of another file is there: {part}" in refused.err) == (1, True), refused.err
    assert (tmp_path / "elsewhere").read_bytes() == begun


def test_a_file_that_is_larger_than_there_may_be_is_told_so(tmp_path: Path) -> None:
    """On a FAT32 stick beyond 4 GiB, and by ``ulimit -f``: neither room nor permissions would help."""
    with pytest.raises(CliFault) as told, usable(tmp_path / "data.csv"):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    assert "ulimit -f" in (told.value.remedy or "")


@pytest.mark.parametrize("what", ["data-00001.jsonl.part.json", "manifest.json.part"])
def test_a_disk_that_is_full_is_told_whatever_is_written(
    several: str, pull: Call, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Little files too: those beside the parts, and the manifest at the end."""
    with monkeypatch.context() as full:
        full.setattr("hub.cli.pulling.disk.os.fdopen", refusing(what))
        done = pull(proxy.base, several)
    assert (done.code, "No space left on device" in done.err, "make room and run again" in done.err) == (1, True, True), done.err
    assert [path.name for path in (tmp_path / "in").iterdir() if path.name.endswith(".new")] == []
    assert (pull(proxy.base, several).code, inside(tmp_path / "in")) == (0, FILES)


def refusing(name: str) -> Callable[..., object]:
    """What opens files, but for that of this name: there is no room for its first byte."""
    opened: Callable[..., object] = os.fdopen

    def fdopen(descriptor: int, *arguments: object, **more: object) -> object:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == f".{name}.new":
            os.close(descriptor)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(descriptor, *arguments, **more)

    return fdopen


def test_commands_that_begin_at_once_begin_one_exchange(hub: RunningHub, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    """The folder remembers one key: whoever comes while another begins has to wait."""
    document = tmp_path / "persons.graphql"
    document.write_text(DOCUMENT)
    (tmp_path / "in").mkdir()
    held = os.open(tmp_path / "in", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    done = pull(proxy.base, "--document", document, "--format", "JSONL")
    os.close(held)
    assert (done.code, proxy.count("POST", "/graphql"), "another process" in done.err) == (1, 0, True)
    assert inside(tmp_path / "in") == {}


def test_one_pull_at_a_time_has_a_folder(several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    held = os.open(tmp_path / "in", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    done = pull(proxy.base, several)
    os.close(held)
    assert (done.code, proxy.files()) == (1, [])
    assert "another process" in done.err


def test_answers_that_ask_to_wait_are_waited_for(several: str, pull: Call, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.answers = [(429, {"retry-after": "1"}), (503, {}), (502, {}), (500, {})]
    waited = list[float]()
    monkeypatch.setattr(asyncio, "sleep", noting(waited, asyncio.sleep))
    done = pull(proxy.base, several, "--parallel", 1)
    assert (done.code, inside(tmp_path / "in")) == (0, FILES)
    assert [pause for pause in waited if pause >= 0.01] == [1.0, 0.02, 0.04, 0.08]
    proxy.answers = [(503, {"retry-after": "900"})]
    done = pull(proxy.base, several, "--into", tmp_path / "patient", "--patience", 60)
    assert done.code == 3, "it was asked to wait for longer than it is patient"


def noting(waited: list[float], sleep: Callable[[float], object]) -> Callable[[float], object]:
    def slept(seconds: float) -> object:
        waited.append(seconds)
        return sleep(min(seconds, 0.01))

    return slept


def test_tokens_are_renewed(several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    proxy.answers = [(401, {})]
    assert (pull(proxy.base, several).code, proxy.tokens()) == (0, 2)
    proxy.answers = [(401, {})] * 9
    assert pull(proxy.base, several, "--into", tmp_path / "refused", "--parallel", 1).code == 1
    assert proxy.tokens() == 4, "a new token that is refused as well is not asked for again"


def test_a_token_of_the_environment_or_a_file(hub: RunningHub, several: str, pull: Call, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    purpose = ("--purpose", hub.applications["housing"]["purposes"][0], "--operator", "张三")
    monkeypatch.setenv("HUITONG_TOKEN", hub.token("housing"))
    assert (pull(proxy.base, several, *purpose, app=None).code, proxy.tokens()) == (0, 0)
    monkeypatch.setenv("HUITONG_TOKEN", "nonsense")
    (tmp_path / "token").write_text(f"{hub.token('housing')}\n")
    assert pull(proxy.base, several, *purpose, "--token-file", tmp_path / "token", "--into", tmp_path / "file", app=None).code == 0
    refused = pull(proxy.base, several, *purpose, "--into", tmp_path / "none", app=None)
    assert (refused.code, "not valid" in refused.err) == (1, True)
    assert pull(proxy.base, several, "--token", "x", app=None).code == 2, "no option takes a token"


def test_a_token_of_fewer_scopes(hub: RunningHub, several: str, pull: Call, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scopes named do not reach is refused, though the application has it; renewed tokens have the same scopes."""
    refused = pull(proxy.base, several, "--scope", "query:unconditional")
    assert (refused.code, "FORBIDDEN" in refused.err) == (1, True)
    assert pull(proxy.base, several, "--scope", "exchange:nowhere.nothing").code == 1
    proxy.answers = [(401, {})]
    before = proxy.tokens()
    own = " ".join(scope for scope in hub.applications["housing"]["scope"].split() if scope.endswith(":civil_affairs.person"))
    assert (pull(proxy.base, several, "--scope", own).code, proxy.tokens() - before) == (0, 2)
    monkeypatch.setenv("HUITONG_TOKEN", "x")
    assert pull(proxy.base, several, "--scope", "query:unconditional", "--into", tmp_path / "given", app=None).code == 2


def test_another_key_than_the_pinned_one_is_not_believed(several: str, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "log.key").write_text("huitong.ledger+c74f20a3+ARpc2Q\n")
    assert pull(proxy.base, several, "--hub-key", tmp_path / "log.key").code == 1
    other = VerifierKey("huitong.ledger", bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    (tmp_path / "log.key").write_text(f"{other}\n")
    done = pull(proxy.base, several, "--hub-key", tmp_path / "log.key")
    assert (done.code, proxy.files()) == (1, [])
    assert "not known" in done.err


def test_a_document_is_started_once_and_brought_in(hub: RunningHub, pull: Call, proxy: Proxy, tmp_path: Path) -> None:
    document = tmp_path / "persons.graphql"
    document.write_text(DOCUMENT)
    proxy.answers = [(503, {})]
    begun = pull(proxy.base, "--document", document, "--format", "JSONL", "--patience", 0)
    assert (begun.code, (tmp_path / "in" / STATE).exists()) == (3, True)
    done = pull(proxy.base, "--document", document, "--format", "JSONL", "--json")
    assert (done.code, done.data["exchange"]) == (0, manifest_in(tmp_path / "in")["exchange"])
    assert manifest_in(tmp_path / "in")["exchange"] in begun.err, "the same command goes on with what it started"
    assert [*inside(tmp_path / "in")] == ["data.jsonl"]
    (mask,) = manifest_in(tmp_path / "in")["masks"]
    assert (mask["resource"], mask["item"], mask["version"]) == ("civil_affairs.person", "phone", "1")
    again = pull(proxy.base, "--document", document, "--format", "JSONL")
    assert (again.code, "holds a whole exchange" in again.err, "exchange_" in again.err) == (1, True, False), "nothing is begun for a folder that is full"
    document.write_text(DOCUMENT.replace("persons", 'persons(after: "x")', 1))
    refused = pull(proxy.base, "--document", document, "--into", tmp_path / "refused")
    assert (refused.code, "→ 请删去 after：交换的是整个列表 leave after out" in refused.err) == (1, True), refused.err
    assert pull(proxy.base).code == 2


def test_it_waits_for_the_end_and_tells_of_a_failure(hub: RunningHub, true: str, pull: Call, tmp_path: Path) -> None:
    content = {"data.jsonl": lines(7, 1000)}
    failed = planted(hub, true, {}, state="FAILED", reason="FORBIDDEN 授权已变更 the grant was changed")
    done = pull(hub.base, failed)
    assert (done.code, (tmp_path / "in").exists()) == (1, False)
    assert "the grant was changed" in done.err
    # The hub's own, for a lone hub takes up whatever it does not hold itself.
    ((node,),) = stored(hub, "SELECT node FROM exchange WHERE id = ?", true)
    assert node
    held = {"node": node, "held_until": (now() + LEASE).isoformat(timespec="microseconds")}
    paused = planted(hub, true, content, state="PAUSED", reason="等待 waiting", **held)
    later = threading.Timer(4.0, lambda: stored(hub, "UPDATE exchange SET state = 'SUCCEEDED', node = NULL WHERE id = ?", paused))
    later.start()
    done = pull(hub.base, paused)
    later.join()
    assert done.code == 0, done.err
    assert inside(tmp_path / "in") == content
    assert "PAUSED" in done.err


def test_exit_codes(hub: RunningHub, several: str, pull: Call) -> None:
    missing = pull(hub.base, "exchange_none")
    assert (missing.code, "→ 请核对编号与令牌 compare the id, and the token's application" in missing.err) == (1, True), missing.err
    assert pull(hub.base, "../x").code == 1
    assert pull(hub.base, several, app="bank").code == 1, "another's (G2)"
    assert pull("http://127.0.0.1:1", several, "--patience", 0).code == 3
    assert pull("nonsense", several).code != 0
    assert pull(hub.base, several, "--parallel", 0).code == 2


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
