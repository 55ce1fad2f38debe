"""What a worker takes as a task, and without which keys it does not begin."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.spi import SourceConfig
from hub.exchange.executors.dask_work import Site, accepted, packed, work_here, work_on
from hub.exchange.executors.spi import Progress
from hub.exchange.executors.worker_keys import KeysMissing, WorkerKeys, needless, subject_mark
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from hub.ledger.subjects import SUBJECT_KEY, Subjects
from hub.pseudonyms.files import FOLDER, KeyFiles
from masking.pseudonym import bound
from masking.rules import Mask
from tests.exchange.dask.tasks import SPEC, task

pytestmark = pytest.mark.fast


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An exchange directory with one job."""
    made = tmp_path / "exchange"
    (made / "exc_1").mkdir(parents=True)
    return made


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    Subjects.in_directory(made)
    return made


def test_the_folder_is_found_where_it_is_mounted(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "mount"
    elsewhere.symlink_to(folder)
    assert accepted(packed(task(folder / "exc_1"), folder), elsewhere) == task(folder / "exc_1")


def test_a_task_holds_the_place_of_a_password_and_no_path_of_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_PASSWORD", "of-the-hub-alone")
    payload = packed(task(folder / "exc_1"), folder)
    assert b"env:CITY_PASSWORD" in payload
    assert b"of-the-hub-alone" not in payload
    assert str(folder).encode() not in payload


@pytest.mark.parametrize("where", ["/etc", "..", "exc_1/../../keys", ".", "outside", "exc_1/link"])
def test_no_task_leads_out_of_the_exchange_directory(folder: Path, where: str) -> None:
    (folder.parent / "keys").mkdir()
    (folder / "outside").symlink_to(folder.parent)
    (folder / "exc_1" / "link").symlink_to(folder.parent / "keys")
    with pytest.raises(ChunkFault, match="not within the exchange directory") as refused:
        accepted(pickle.dumps(replace(task(folder / "exc_1"), folder=Path(where))), folder)
    assert not refused.value.retryable


def test_an_exchange_directory_that_is_not_shared_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ChunkFault, match="not shared") as refused:
        accepted(packed(task(folder / "exc_1"), folder), tmp_path / "empty")
    assert refused.value.retryable


BENT: dict[str, Callable[[ChunkTask], Any]] = {
    "a name with a path": lambda sound: replace(sound, name="../data.csv"),
    "a hidden name": lambda sound: replace(sound, name=".ssh"),
    "a name that is no text": lambda sound: replace(sound, name=7),
    "a job with a path": lambda sound: replace(sound, job="../exc_1"),
    "no attempt": lambda sound: replace(sound, attempt=0),
    "a number as text": lambda sound: replace(sound, number="1"),
    "a source that is none": lambda sound: replace(sound, sources={"city": "postgresql://"}),
    "a source under another name": lambda sound: replace(sound, sources={"city": SourceConfig("tax", "sql", "sqlite://")}),
    "no export": lambda sound: replace(sound, spec=None),
    "something else": lambda sound: {"job": sound.job},
}


@pytest.mark.parametrize("bent", BENT.values(), ids=list(BENT))
def test_only_well_formed_tasks_are_taken(folder: Path, bent: Callable[[ChunkTask], Any]) -> None:
    relative = replace(task(folder / "exc_1"), folder=Path("exc_1"))
    assert accepted(pickle.dumps(relative), folder)
    with pytest.raises(ChunkFault, match="not well-formed"):
        accepted(pickle.dumps(bent(relative)), folder)


@pytest.mark.parametrize("payload", [b"", b"no pickle", pickle.dumps(task)[:-5]])
def test_bytes_that_are_no_task_are_refused(folder: Path, payload: bytes) -> None:
    with pytest.raises(ChunkFault, match="cannot be read here"):
        accepted(payload, folder)


def test_a_process_that_is_no_worker_refuses(folder: Path) -> None:
    found = work_on(packed(task(folder / "exc_1"), folder), "", "topic")
    assert isinstance(found, ChunkFault)
    assert "huitong exchange worker" in found.en


def test_a_worker_without_the_hubs_subject_key_does_not_begin(folder: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(_task: ChunkTask, _progress: Progress) -> ChunkReceipt:
        raise AssertionError

    monkeypatch.setattr("hub.exchange.executors.dask_work._Here.site", None)
    work_here(Site(folder, WorkerKeys(keys).check, work))
    found = work_on(packed(task(folder / "exc_1"), folder), subject_mark(Subjects(secrets.token_bytes(32))), "topic")
    assert isinstance(found, ChunkFault)
    assert (found.retryable, "subject key" in found.en) == (True, True)


def test_a_missing_subject_key_is_told_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(KeysMissing, match=SUBJECT_KEY):
        WorkerKeys(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_keys_that_others_may_read_are_refused(keys: Path) -> None:
    (keys / SUBJECT_KEY).chmod(0o644)
    with pytest.raises(KeysMissing, match="chmod 600"):
        WorkerKeys(keys)
    (keys / SUBJECT_KEY).chmod(0o600)
    KeyFiles(keys / FOLDER).add(1, "SM3")
    (keys / FOLDER / "p1.key").chmod(0o640)
    with pytest.raises(KeysMissing, match="chmod 600"):
        WorkerKeys(keys)


@pytest.mark.parametrize("other", ["ledger-signing.pem", "cursor.key", "tokens/current.pem"])
def test_keys_that_no_worker_needs_are_named(keys: Path, other: str) -> None:
    """Whoever holds a certificate can run programs on a worker, and would sign for the hub with what lies there."""
    KeyFiles(keys / FOLDER).add(1, "SM3")
    (keys / "README.txt").write_text("of the hub at the city's data centre")
    (keys / "lost+found").mkdir()
    assert needless(keys) == []
    (keys / other).parent.mkdir(exist_ok=True)
    (keys / other).write_bytes(b"key")
    folder, _, inside = other.partition("/")
    assert needless(keys) == [f"{folder}/" if inside else folder]
    WorkerKeys(keys)


def test_a_pseudonym_is_never_withheld_for_want_of_a_key(keys: Path, tmp_path: Path) -> None:
    hub = KeyFiles(tmp_path / "hub")
    key = hub.add(1, "SM3")
    hub.remove(1)
    spec = replace(SPEC, fields=(SPEC.fields[0], replace(SPEC.fields[1], mask=bound(Mask("PSEUDONYM", ("",)), "caller", key.id, 1))))
    held = WorkerKeys(keys)
    mark = subject_mark(Subjects.in_directory(keys))
    with pytest.raises(ChunkFault, match=key.id) as lacking:
        held.check(mark, spec)
    assert lacking.value.retryable
    # A key that is copied later is seen.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secrets.token_bytes", lambda size: key.secret)
        KeyFiles(keys / FOLDER).add(1, "SM3")
    held.check(mark, spec)
